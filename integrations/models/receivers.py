"""What holds on every path by which the configuration changes, a shell's too.

So it is a signal. What waits for the configuration is called where that is changed
(`integrations.hooks`).
"""

from typing import Any

from django.db.models.signals import pre_delete
from django.dispatch import receiver

from integrations.models.organizations import Organization
from integrations.models.sources import Source


@receiver(pre_delete, sender=Organization)
def switch_off_its_sources(instance: Organization, **_: Any) -> None:
    """Switch off the sources of this organization alone: without it they could send for all."""
    for source in Source.objects.filter(organizations=instance):
        source.organizations.remove(instance)  # several may be deleted in one go
        if not source.organizations.exists():
            source.active = False
            source.save()
