"""What the workplace keeps of its own."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

# The first migration finds them here.
from alerts.models import check_alert_kinds, every_alert_kind

__all__ = ["PreviewSeen", "check_alert_kinds", "every_alert_kind"]


class PreviewSeen(models.Model):
    """Somebody has looked at what a destination of the organization would get."""

    organization = models.OneToOneField(
        "integrations.Organization", on_delete=models.CASCADE, related_name="preview_seen"
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = _("previews seen")

    def __str__(self) -> str:
        return f"preview for {self.organization_id}"
