"""Deliveries: the intents to keep a referral current at a destination."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.deletion import Collector
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.database.rows import KeyedModel
from core.fields import EncryptedSentenceField, EncryptedSentencesField
from integrations.models import Destination, TriggerConfig
from integrations.transport import ErrorKind
from referrals.models.referrals import Referral
from referrals.models.restoring import Restore

MAX_EXTERNAL_ID = 255  # characters
MAX_CODE = 40  # characters
MISCONFIGURED = "misconfigured"  # what the API calls three reasons of a delivery


def disconnect(collector: Collector, field: Any, deliveries: Any, using: str) -> None:
    """Let go of a trigger config that is deleted, as SET_NULL does.

    What its mapping had stopped waits for another connection from now on: no change of a mapping
    would help it.
    """
    stopped = deliveries.filter(reason=Delivery.Reason.MAPPING)
    # First, for it is found by the config.
    reason: Any = Delivery._meta.get_field("reason")
    collector.add_field_update(reason, Delivery.Reason.DISCONNECTED, stopped)
    models.SET_NULL(collector, field, deliveries, using)


class Delivery(KeyedModel):
    """The intent to keep one referral current at one destination, and how far it has come.

    What it has to bring are its versions. Beside the state stands a flag: an error that nobody has
    cleared yet. An imported delivery with a due time has files still to follow.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting for details")
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        IMPORTED = "imported", _("Imported")
        NEEDS_ATTENTION = "needs_attention", _("Needs attention")
        DISMISSED = "dismissed", _("Dismissed")

    class Reason(models.TextChoices):
        REJECTED = "rejected", _("The destination refused the referral")
        CONNECTION = "connection", _("The connection is wrong")
        MAPPING = "mapping", _("The mapping does not work")
        DISCONNECTED = "disconnected", _("The listing is no longer connected")
        UNCONFIRMED = "unconfirmed", _("Nobody knows whether it arrived")
        RETRIES_EXHAUSTED = "gave_up", _("All automatic retries failed")
        QUARANTINED = "quarantined", _("It stopped its worker too often")
        SINGLED_OUT = "singled_out", _("The destination refuses this referral alone")
        BUG = "bug", _("Dovetail made a mistake")
        WITHDRAWN = "withdrawn", _("Caredove withdrew the request")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    referral = models.ForeignKey(Referral, on_delete=models.CASCADE, related_name="deliveries")
    destination = models.ForeignKey(
        Destination, on_delete=models.PROTECT, related_name="deliveries"
    )
    trigger_config = models.ForeignKey(
        TriggerConfig, null=True, on_delete=disconnect, related_name="+"
    )
    # The versions have their own. The work list filters by them all, and an index that serves its
    # order and its page has to be on the row that it lists.
    triggers = models.JSONField(default=list, help_text=_("Those of all versions."))
    wanted = models.PositiveIntegerField(default=1, help_text=_("Number of the newest version."))
    done = models.PositiveIntegerField(
        default=0, help_text=_("Number of the newest version that the destination has accepted.")
    )
    opened_at = models.DateTimeField()
    restore = models.ForeignKey(
        Restore,
        null=True,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="deliveries",
        help_text=_("Since when it may have arrived, and is looked for before it is sent."),
    )
    absent_steps = models.JSONField(
        default=list,
        help_text=_("Of what may have arrived: what was looked for, and is not there."),
    )
    state = models.CharField(max_length=16, choices=State.choices)
    reason = models.CharField(max_length=16, choices=Reason.choices, blank=True)
    message = EncryptedSentenceField(
        context="referrals.importjob.message",
        default="",
        empty_is_null=True,
        help_text=_("The last problem, for people."),
    )
    due_at = models.DateTimeField(null=True)
    woken_at = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    lost_workers = models.PositiveSmallIntegerField(
        default=0, help_text=_("Workers lost in a row.")
    )
    tries = models.PositiveSmallIntegerField(default=0, help_text=_("Failed tries in this round."))
    resends = models.PositiveSmallIntegerField(default=0, help_text=_("Retries by a person."))
    resent_at = models.DateTimeField(null=True, help_text=_("When a person last did so."))
    reference = models.CharField(
        max_length=64,
        blank=True,
        help_text=_(
            "The referral's, as it is sent; kept once something may have arrived under it."
        ),
    )
    external_id = models.CharField(max_length=MAX_EXTERNAL_ID, null=True)
    external_url = models.TextField(blank=True, help_text=_("With the id quoted: of any length."))
    imported_at = models.DateTimeField(null=True)
    missing_files = EncryptedSentencesField(
        context="referrals.importjob.missing_files",
        default=dict,
        empty_is_null=True,
        help_text=_("File names, each with why it is not in the destination."),
    )
    lacks_files = models.BooleanField(
        default=False, help_text=_("Whether there are missing files.")
    )
    corrections = EncryptedSentencesField(
        context="referrals.importjob.corrections",
        default=list,
        empty_is_null=True,
        help_text=_("What a person has to correct in the destination, in sentences."),
    )
    needs_correction = models.BooleanField(
        default=False, help_text=_("Whether something is to be corrected there.")
    )
    last_kind = models.CharField(
        max_length=16, choices=ErrorKind.choices, blank=True, help_text=_("Of the last attempt.")
    )
    last_code = models.CharField(
        max_length=MAX_CODE,
        null=True,
        help_text=_("Of the last attempt's answer; empty when it got none."),
    )
    stopped_at = models.DateTimeField(
        null=True, help_text=_("When the answer to this import last paused its destination.")
    )
    connection_failed_at = models.DateTimeField(
        null=True, help_text=_("When the destination last did not work for this import.")
    )
    error_at = models.DateTimeField(null=True)
    error_cleared_at = models.DateTimeField(null=True)
    error_cleared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        db_index=False,
        related_name="+",
        help_text=_("Who sees to its errors."),
    )
    snoozed_until = models.DateTimeField(null=True)
    snoozed_at = models.DateTimeField(null=True, help_text=_("An error that is newer is shown."))
    closed_why = EncryptedSentenceField(
        context="referrals.importjob.closed_why",
        default="",
        empty_is_null=True,
        help_text=_("Why it was dismissed."),
    )
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-opened_at"]
        verbose_name_plural = _("deliveries")
        permissions = [
            ("decide_delivery", "Can retry, dismiss and clear imports"),
            ("send_referral", "Can send referrals by hand"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["referral", "destination"], name="one_delivery_for_referral_and_destination"
            ),
            models.CheckConstraint(
                condition=~Q(state="queued") | Q(due_at__isnull=False),
                name="queued_delivery_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(state="needs_attention") & ~Q(reason="")
                | ~Q(state="needs_attention") & Q(reason=""),
                name="needs_attention_has_a_reason",
            ),
            models.CheckConstraint(
                condition=~Q(state="imported") | Q(external_id__isnull=False),
                name="imported_delivery_has_an_external_id",
            ),
            models.CheckConstraint(
                condition=Q(state="running")
                & Q(lease_token__isnull=False)
                & Q(lease_until__isnull=False)
                | ~Q(state="running") & Q(lease_token__isnull=True),
                name="running_delivery_has_a_lease",
            ),
        ]
        indexes = [
            # The states are columns, not conditions: SQLite would not see that a list is implied.
            models.Index(
                fields=["state", "due_at"], condition=Q(due_at__isnull=False), name="deliveries_due"
            ),
            models.Index(
                fields=["destination", "due_at"],
                condition=Q(due_at__isnull=False),
                name="deliveries_due_in_turn",
            ),
            models.Index(
                fields=["lease_until"], condition=Q(state="running"), name="deliveries_leased"
            ),
            models.Index(
                fields=["-error_at"],
                condition=Q(error_at__isnull=False, error_cleared_at__isnull=True),
                name="deliveries_uncleared",
            ),
            models.Index(
                fields=["reason", "error_at"],
                condition=Q(error_at__isnull=False, error_cleared_at__isnull=True),
                name="deliveries_uncleared_by_reason",
            ),
            models.Index(
                fields=["-error_at"],
                condition=Q(error_at__isnull=False, error_cleared_at__isnull=False),
                name="deliveries_cleared",
            ),
            models.Index(
                fields=["assigned_to", "error_at"],
                condition=Q(assigned_to__isnull=False),
                name="deliveries_assigned",
            ),
            models.Index(
                fields=["snoozed_until"],
                condition=Q(snoozed_until__isnull=False),
                name="deliveries_snoozed",
            ),
            models.Index(fields=["state", "-opened_at"], name="deliveries_by_state"),
            models.Index(fields=["-opened_at"], name="deliveries_by_time"),
            models.Index(fields=["external_id"], name="deliveries_by_external_id"),
            models.Index(fields=["last_code", "-opened_at"], name="deliveries_by_code"),
            GinIndex(
                fields=["triggers"], opclasses=["jsonb_path_ops"], name="deliveries_by_trigger"
            ),
            models.Index(fields=["destination", "-opened_at"], name="deliveries_of_a_destination"),
            models.Index(
                fields=["destination", "-imported_at"],
                condition=Q(imported_at__isnull=False),
                name="deliveries_imported",
            ),
            models.Index(
                fields=["destination", "-error_at"],
                condition=Q(error_at__isnull=False),
                name="deliveries_failed",
            ),
            models.Index(
                fields=["destination", "-connection_failed_at"],
                condition=Q(connection_failed_at__isnull=False),
                name="deliveries_not_let_through",
            ),
            models.Index(
                fields=["restore", "state"],
                condition=Q(restore__isnull=False),
                name="deliveries_after_a_restore",
            ),
        ]

    def __str__(self) -> str:
        return gettext("import {id}").format(id=self.pk)

    @property
    def reason_for_others(self) -> str:
        """The reason by the name that it has for others: three of them are one word there."""
        return MISCONFIGURED if self.reason in WRONGLY_SET_UP else self.reason

    @property
    def has_uncleared_error(self) -> bool:
        return self.error_at is not None and self.error_cleared_at is None

    @property
    def is_snoozed(self) -> bool:
        """Whether its error is to be looked at later, and it has not failed since."""
        if self.error_at is None or self.snoozed_at is None or self.snoozed_until is None:
            return False
        newest = self.snoozed_at >= self.error_at and self.error_cleared_at is None
        return newest and self.snoozed_until > timezone.now()

    @property
    def later_succeeded(self) -> bool:
        """Whether it was imported after its last error; that does not clear the error."""
        return (
            self.error_at is not None
            and self.imported_at is not None
            and self.imported_at > self.error_at
        )


WRONGLY_SET_UP = (
    Delivery.Reason.CONNECTION,
    Delivery.Reason.MAPPING,
    Delivery.Reason.DISCONNECTED,
)
