"""Bulk retries: many deliveries sent again, one after the other."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.fields import SentenceField
from integrations.models import Organization
from referrals.models.deliveries import Delivery


class BulkRetry(models.Model):
    """Imports of one organization that a person sends again together: one after the other, paced.

    It is asked about first; the dispatcher works it off. A selection that spans organizations is
    one of these for each, so that it belongs to those who work there.
    """

    class State(models.TextChoices):
        ASKED = "asked", _("Not confirmed yet")
        RUNNING = "running", _("Running")
        PAUSED = "paused", _("Paused")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    selection = models.UUIDField(db_index=True, help_text="What was chosen in one go.")
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="bulk_retries"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.ASKED)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    started_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True, help_text="When the next import has its turn.")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-asked_at"]
        verbose_name_plural = _("bulk retries")
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="running") | Q(next_at__isnull=False),
                name="running_bulk_retry_has_a_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_at"], condition=Q(state="running"), name="bulk_retries_running"
            ),
            models.Index(fields=["organization", "-asked_at"], name="bulk_retries_of_one"),
        ]

    def __str__(self) -> str:
        return gettext("bulk retry {id}").format(id=self.pk)


class BulkRetryItem(models.Model):
    """One import of a bulk retry, in the order in which they have their turn."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waits for its turn")
        SENT = "sent", _("Sent again")
        REFUSED = "refused", _("Not sent again")
        CANCELLED = "cancelled", _("Cancelled before its turn")

    bulk_retry = models.ForeignKey(BulkRetry, on_delete=models.CASCADE, related_name="items")
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="+")
    resends = models.PositiveSmallIntegerField(
        help_text="How often it had been sent again when it was chosen: once more, never twice."
    )
    state = models.CharField(max_length=10, choices=State.choices)
    why = SentenceField(blank=True, help_text="Why not, without personal data.")
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["bulk_retry", "delivery"], name="import_once_in_bulk_retry"
            ),
        ]
        indexes = [models.Index(fields=["bulk_retry", "state"], name="bulk_retry_items_by_state")]

    def __str__(self) -> str:
        return f"item {self.pk}"
