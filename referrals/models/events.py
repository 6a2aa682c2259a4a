"""Inbound events: the messages of senders, as they came."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.database.rows import KeyedModel
from core.fields import EncryptedBinaryField, EncryptedJSONField, SentenceField
from integrations import sources
from integrations.models import Source
from integrations.sources import Endpoint
from referrals.models.referrals import Referral

# How the reference of a test event begins, and the key of each message that Dovetail sends for it.
TEST_REFERENCE = "TEST-"
TEST_EVENT_IDS = "id:dovetail-test-"


class InboundEventManager(models.Manager["InboundEvent"]):
    """Leaves the body (up to 30 MiB) unread until somebody asks for it."""

    def get_queryset(self) -> models.QuerySet["InboundEvent"]:
        return super().get_queryset().defer("body")


class InboundEvent(KeyedModel):
    """One message of a sender, kept as it came."""

    class State(models.TextChoices):
        RECEIVED = "received", _("Received, not opened yet")
        OPENED = "opened", _("Opened")
        CONFLICT = "conflict", _("Conflict: same event id, another body")
        QUARANTINED = "quarantined", _("Could not be opened")

    class Outcome(models.TextChoices):
        IMPORT_OPENED = "import_opened", _("Started an import")
        IMPORT_REVIVED = "import_revived", _("Sends a failed import again")
        IMPORT_OPEN = "import_open", _("Its import is under way")
        UPDATED = "updated", _("Sends an update")
        ALREADY_IMPORTED = "already_imported", _("Already imported")
        WAITING = "waiting", _("Import waits for details")
        NO_TRIGGER = "no_trigger", _("No trigger matched")
        TRIGGER_OFF = "trigger_off", _("Trigger config is off")
        NOT_INTEGRATED = "not_integrated", _("Listing is not integrated")
        UNKNOWN_LISTING = "unknown_listing", _("Listing is unknown")
        NO_LISTING = "no_listing", _("Waits to learn its listing")
        UNKNOWN_ORGANIZATION = "unknown_organization", _("Organization is unknown")
        SUSPENDED = "suspended", _("Organization is suspended")
        PLAN_TOO_LOW = "plan_too_low", _("Plan does not include importing")
        UNKNOWN_CODE = "unknown_code", _("Unknown event code")
        IGNORED = "ignored", _("Recorded and ignored")
        REVOKED = "revoked", _("Referral was revoked")
        FORBIDDEN = "forbidden", _("Source may not send for this organization")
        DISMISSED = "dismissed", _("Its import was dismissed by a person")
        ROUTED = "routed", _("Routed requests are not included")
        WITHDRAWN = "withdrawn", _("Request is withdrawn: a person decides")
        UNREADABLE = "unreadable", _("Could not be read")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="events")
    endpoint_name = models.CharField(
        _("endpoint"), max_length=10, help_text=_("The name of an endpoint of its source's kind.")
    )
    dedup_key = models.CharField(max_length=300)
    body_sha256 = models.CharField(max_length=64)
    body = EncryptedBinaryField(null=True)
    size = models.PositiveIntegerField(help_text=_("Bytes of the body."))
    code = models.CharField(_("event"), max_length=100)
    reference = models.CharField(
        max_length=64, db_index=True, help_text=_("The id of the referral that the message names.")
    )
    received_at = models.DateTimeField()
    occurred_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=20, choices=State.choices, default=State.RECEIVED)
    conflict_with = models.ForeignKey(
        "self", null=True, on_delete=models.CASCADE, related_name="conflicts"
    )
    referral = models.ForeignKey(
        Referral, null=True, on_delete=models.CASCADE, related_name="events"
    )
    triggers = models.JSONField(default=list, help_text=_("Keys of the triggers that it fires."))
    outcome = models.CharField(max_length=30, choices=Outcome.choices, blank=True)
    reason = SentenceField(blank=True, help_text=_("Without personal data."))
    warnings = models.JSONField(
        default=list, help_text=_("Field and cause of each; earlier ones are sentences.")
    )
    warning_texts = EncryptedJSONField(
        null=True, help_text=_("What came instead, by the number of its warning.")
    )
    due_at = models.DateTimeField(null=True)
    openings = models.PositiveSmallIntegerField(default=0)

    objects: ClassVar[InboundEventManager] = InboundEventManager()

    class Meta:
        ordering = ["-received_at"]
        permissions = [("read_body", "Can read the body of inbound events")]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "dedup_key"],
                condition=Q(conflict_with__isnull=True),
                name="event_is_stored_once",
            ),
            models.UniqueConstraint(
                fields=["conflict_with", "body_sha256"], name="conflict_is_stored_once"
            ),
            models.CheckConstraint(
                condition=~Q(state="received") | Q(due_at__isnull=False),
                name="event_to_open_has_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="received"), name="events_to_open"),
            models.Index(fields=["referral", "received_at"], name="events_of_a_referral"),
            models.Index(fields=["-received_at"], name="events_by_time"),
            models.Index(fields=["state", "-received_at"], name="events_by_state"),
            models.Index(fields=["outcome", "-received_at"], name="events_by_outcome"),
            models.Index(fields=["source", "-received_at"], name="events_by_source"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.pk}"

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint at which it came; raises UnknownKind when its folder is gone."""
        return sources.endpoint(self.source.kind, self.endpoint_name)
