"""What follows when the configuration changes."""

from typing import Any

from django.db.models.signals import pre_delete
from django.dispatch import receiver

from integrations.models import Organization, Source


@receiver(pre_delete, sender=Organization)
def switch_off_its_sources(instance: Organization, **_: Any) -> None:
    """Switch off the sources of this organization alone: without it they could send for all."""
    for source in Source.objects.filter(organizations=instance):
        source.organizations.remove(instance)  # several may be deleted in one go
        if not source.organizations.exists():
            source.active = False
            source.save()
