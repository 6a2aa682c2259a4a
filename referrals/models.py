"""What happened: events, referrals, deliveries, versions, attempts, steps and files.

The row is the queue: whatever must happen is a row with a state and a due time. States change
only by the named conditional updates in `intake` and `importing`. No `__str__`, no plain column
and no constraint holds personal data: those end up in logs and error messages.
"""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.deletion import Collector
from django.utils import timezone

from core.database.rows import KeyedModel
from core.fields import (
    EncryptedBinaryField,
    EncryptedJSONField,
    EncryptedSentenceField,
    EncryptedSentencesField,
    EncryptedTextField,
    SentenceField,
    StoredFileField,
)
from integrations import sources
from integrations.models import Destination, Organization, ServiceListing, Source, TriggerConfig
from integrations.sources import Endpoint
from integrations.sources.warnings import sentence
from integrations.transport import ErrorKind

MAX_EXTERNAL_ID = 255  # characters
MAX_CODE = 40  # characters
MISCONFIGURED = "misconfigured"  # what the API calls three reasons of a delivery
# How the reference of a test event begins, and the key of each message that Dovetail sends for it.
TEST_REFERENCE = "TEST-"
TEST_EVENT_IDS = "id:dovetail-test-"


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


class Referral(KeyedModel):
    """One referral, whatever ids its messages use, as its merged snapshot shows it.

    Once it is purged only a tombstone is left: the ids, the dates and what became of it.
    """

    class PurgedWhy(models.TextChoices):
        REVOKED = "revoked", "Caredove revoked it"
        EXPIRED = "expired", "its retention period was over"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(max_length=64, db_index=True)
    organization = models.ForeignKey(
        Organization, null=True, on_delete=models.PROTECT, related_name="+"
    )
    listing = models.ForeignKey(
        ServiceListing, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    listing_caredove_id = models.CharField(max_length=64, blank=True)
    snapshot = EncryptedJSONField(default=dict, empty_is_null=True)
    classifications = models.JSONField(
        default=list, help_text="[time, classification] pairs in the order of their times."
    )
    version = models.PositiveIntegerField(default=0, help_text="Messages merged so far.")
    reading = models.PositiveSmallIntegerField(
        default=0, help_text="By which version of reading the snapshot was made."
    )
    received = models.BooleanField(default=False, help_text="A first “received” event was seen.")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    merged_into = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="merged"
    )
    purged_at = models.DateTimeField(null=True)
    purged_why = models.CharField(max_length=20, blank=True, choices=PurgedWhy.choices)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["-created_at"], name="referrals_by_time"),
            models.Index(
                fields=["organization", "changed_at"],
                condition=Q(purged_at__isnull=True),
                name="referrals_by_last_change",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def is_revoked(self) -> bool:
        """Whether Caredove has revoked it, and it must not stay anywhere."""
        return self.purged_why == self.PurgedWhy.REVOKED

    @property
    def is_in_part(self) -> bool:
        """Whether messages since its data was deleted have not brought it whole again."""
        return self.purged_at is None and self.purged_why == self.PurgedWhy.EXPIRED


class RetentionPeriod(models.Model):
    """How long an organization keeps what a referral says, after its last message.

    An organization without one keeps it until Caredove revokes the referral.
    """

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, related_name="retention_period"
    )
    days = models.PositiveIntegerField(
        validators=[MinValueValidator(30), MaxValueValidator(36_500)],
        help_text="Days after the last message on a referral.",
    )

    class Meta:
        ordering = ["organization__name"]

    def __str__(self) -> str:
        return f"retention period of {self.organization}"


class ReferralAlias(models.Model):
    """An id by which a sender kind names a referral."""

    referral = models.ForeignKey(Referral, on_delete=models.CASCADE, related_name="aliases")
    source_kind = models.CharField(max_length=20)
    value = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source_kind", "value"], name="alias_names_one_referral"
            )
        ]

    def __str__(self) -> str:
        return self.value


class RegistrantName(models.Model):
    """A name of the registrant, to be found and not to be read: `referrals.record.names`."""

    referral = models.ForeignKey(Referral, on_delete=models.CASCADE, related_name="names")
    key_id = models.CharField(max_length=8, db_index=True)
    digest = models.CharField(max_length=64, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["referral", "digest"], name="name_once_in_referral")
        ]

    def __str__(self) -> str:
        return f"name {self.pk}"


class InboundEventManager(models.Manager["InboundEvent"]):
    """Leaves the body (up to 30 MiB) unread until somebody asks for it."""

    def get_queryset(self) -> models.QuerySet["InboundEvent"]:
        return super().get_queryset().defer("body")


class InboundEvent(KeyedModel):
    """One message of a sender, kept as it came."""

    class State(models.TextChoices):
        RECEIVED = "received", "Received, not opened yet"
        OPENED = "opened", "Opened"
        CONFLICT = "conflict", "Conflict: same event id, another body"
        QUARANTINED = "quarantined", "Could not be opened"

    class Outcome(models.TextChoices):
        IMPORT_OPENED = "import_opened", "Started an import"
        IMPORT_REVIVED = "import_revived", "Sends a failed import again"
        IMPORT_OPEN = "import_open", "Its import is under way"
        UPDATED = "updated", "Sends an update"
        ALREADY_IMPORTED = "already_imported", "Already imported"
        WAITING = "waiting", "Import waits for details"
        NO_TRIGGER = "no_trigger", "No trigger matched"
        TRIGGER_OFF = "trigger_off", "Trigger config is off"
        NOT_INTEGRATED = "not_integrated", "Listing is not integrated"
        UNKNOWN_LISTING = "unknown_listing", "Listing is unknown"
        NO_LISTING = "no_listing", "Waits to learn its listing"
        UNKNOWN_ORGANIZATION = "unknown_organization", "Organization is unknown"
        SUSPENDED = "suspended", "Organization is suspended"
        PLAN_TOO_LOW = "plan_too_low", "Plan does not include importing"
        UNKNOWN_CODE = "unknown_code", "Unknown event code"
        IGNORED = "ignored", "Recorded and ignored"
        REVOKED = "revoked", "Referral was revoked"
        FORBIDDEN = "forbidden", "Source may not send for this organization"
        DISMISSED = "dismissed", "Its import was dismissed by a person"
        ROUTED = "routed", "Routed requests are not included"
        WITHDRAWN = "withdrawn", "Request is withdrawn: a person decides"
        UNREADABLE = "unreadable", "Could not be read"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="events")
    endpoint_name = models.CharField(
        "endpoint", max_length=10, help_text="The name of an endpoint of its source's kind."
    )
    dedup_key = models.CharField(max_length=300)
    body_sha256 = models.CharField(max_length=64)
    body = EncryptedBinaryField(null=True)
    size = models.PositiveIntegerField(help_text="Bytes of the body.")
    code = models.CharField("event", max_length=100)
    reference = models.CharField(
        max_length=64, db_index=True, help_text="The id of the referral that the message names."
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
    triggers = models.JSONField(default=list, help_text="Keys of the triggers that it fires.")
    outcome = models.CharField(max_length=30, choices=Outcome.choices, blank=True)
    reason = SentenceField(blank=True, help_text="Without personal data.")
    warnings = models.JSONField(
        default=list, help_text="Field and cause of each; earlier ones are sentences."
    )
    warning_texts = EncryptedJSONField(
        null=True, help_text="What came instead, by the number of its warning."
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


class ReferralFile(KeyedModel):
    """An attachment of a referral: stored, wanted from a URL, or unavailable with the reason."""

    class State(models.TextChoices):
        STORED = "stored", "Stored"
        WANTED = "wanted", "To be fetched"
        UNAVAILABLE = "unavailable", "Cannot be had"
        WITHDRAWN = "withdrawn", "Withdrawn by the sender"

    referral = models.ForeignKey(Referral, on_delete=models.CASCADE, related_name="files")
    source = models.ForeignKey(Source, null=True, on_delete=models.SET_NULL, related_name="+")
    key = models.CharField(
        max_length=100, help_text="Names its step, and its idempotency key: never changed."
    )
    identity = models.CharField(
        max_length=100, blank=True, help_text="The key by which messages know it."
    )
    position = models.PositiveIntegerField(default=0)
    filename = EncryptedTextField()
    content_type = models.CharField(max_length=200, blank=True)
    size = models.PositiveBigIntegerField(null=True, help_text="As announced, until it is stored.")
    announced_hashes = models.TextField(
        blank=True, help_text="As integrations.sources.content.hashes_of writes them."
    )
    sha256 = models.CharField(max_length=64, blank=True)
    stored_as = StoredFileField(max_length=200, blank=True)
    url = EncryptedTextField(null=True)
    state = models.CharField(max_length=12, choices=State.choices)
    problem = SentenceField(blank=True, help_text="Without personal data.")
    warning = models.CharField(
        max_length=40, blank=True, help_text="A cause of integrations.sources.warnings."
    )

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["referral", "key"], name="file_once_in_referral"),
            models.CheckConstraint(
                condition=~Q(state="stored") | (~Q(stored_as="") & ~Q(sha256="")),
                name="stored_file_has_a_place",
            ),
        ]

    def __str__(self) -> str:
        return f"file {self.key}"

    @property
    def remark(self) -> str:
        """What is wrong with it, in a sentence: why it cannot be had, or what it is warned of."""
        return self.problem or (sentence("file", self.warning) if self.warning else "")


class StoredSummary(KeyedModel):
    """A rendered Referral Summary, kept so that the same one is never rendered twice."""

    referral = models.ForeignKey(Referral, on_delete=models.CASCADE, related_name="summaries")
    fingerprint = models.CharField(max_length=64)
    stored_as = StoredFileField(max_length=200)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    plain = models.BooleanField(default=False, help_text="The plain fallback was used.")
    missing_glyphs = models.JSONField(default=list)
    rendered_at = models.DateTimeField()

    class Meta:
        ordering = ["-rendered_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["referral", "fingerprint"], name="summary_is_rendered_once"
            )
        ]
        verbose_name_plural = "stored summaries"

    def __str__(self) -> str:
        return f"summary {self.fingerprint[:8]}"


class Host(models.Model):
    """A host that delivers, or asks to, by the mark in its STATE_ROOT: `importing.restoring`."""

    id = models.UUIDField(primary_key=True, editable=False)
    number = models.PositiveBigIntegerField(
        default=0, help_text="Of its latest intent: never less than its mark."
    )
    asked_at = models.DateTimeField()
    admitted_at = models.DateTimeField(null=True, help_text="Since when it may deliver.")

    class Meta:
        default_permissions = ()
        ordering = ["asked_at"]

    def __str__(self) -> str:
        return f"host {self.pk}"


class Restore(models.Model):
    """The database was found to be a backup: what was sent after it may have arrived."""

    at = models.DateTimeField(help_text="When it was noticed, or a person said so.")
    known_until = models.DateTimeField(
        null=True, help_text="Until when a mark knows of the time that was lost."
    )

    class Meta:
        default_permissions = ()
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"restore {self.pk}"

    def knows(self, version: "Version") -> bool:
        """Whether what may have arrived of it was sent under the same keys as would be used now.

        A version that was asked for after a backup is another one when its event comes again.
        """
        return self.known_until is not None and version.asked_at <= self.known_until


class Delivery(KeyedModel):
    """The intent to keep one referral current at one destination, and how far it has come.

    What it has to bring are its versions. Beside the state stands a flag: an error that nobody has
    cleared yet. An imported delivery with a due time has files still to follow.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting for details"
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        IMPORTED = "imported", "Imported"
        NEEDS_ATTENTION = "needs_attention", "Needs attention"
        DISMISSED = "dismissed", "Dismissed"

    class Reason(models.TextChoices):
        REJECTED = "rejected", "The destination refused the referral"
        CONNECTION = "connection", "The connection is wrong"
        MAPPING = "mapping", "The mapping does not work"
        DISCONNECTED = "disconnected", "The listing is no longer connected"
        UNCONFIRMED = "unconfirmed", "Nobody knows whether it arrived"
        RETRIES_EXHAUSTED = "gave_up", "All automatic tries are used up"
        QUARANTINED = "quarantined", "It stopped its worker too often"
        SINGLED_OUT = "singled_out", "The destination refuses this referral alone"
        BUG = "bug", "Dovetail made a mistake"
        WITHDRAWN = "withdrawn", "Caredove withdrew the request"

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
    triggers = models.JSONField(default=list, help_text="Those of all versions.")
    wanted = models.PositiveIntegerField(default=1, help_text="Number of the newest version.")
    done = models.PositiveIntegerField(
        default=0, help_text="Number of the newest version that the destination has accepted."
    )
    opened_at = models.DateTimeField()
    restore = models.ForeignKey(
        Restore,
        null=True,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="deliveries",
        help_text="Since when it may have arrived, and is looked for before it is sent.",
    )
    absent_steps = models.JSONField(
        default=list, help_text="Of what may have arrived: what was looked for, and is not there."
    )
    state = models.CharField(max_length=16, choices=State.choices)
    reason = models.CharField(max_length=16, choices=Reason.choices, blank=True)
    message = EncryptedSentenceField(
        context="referrals.importjob.message",
        default="",
        empty_is_null=True,
        help_text="The last problem, for people.",
    )
    due_at = models.DateTimeField(null=True)
    woken_at = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    lost_workers = models.PositiveSmallIntegerField(default=0, help_text="Workers lost in a row.")
    tries = models.PositiveSmallIntegerField(default=0, help_text="Failed tries in this round.")
    resends = models.PositiveSmallIntegerField(default=0, help_text="Retries by a person.")
    resent_at = models.DateTimeField(null=True, help_text="When a person last did so.")
    reference = models.CharField(
        max_length=64,
        blank=True,
        help_text="The referral's, as it is sent; kept once something may have arrived under it.",
    )
    external_id = models.CharField(max_length=MAX_EXTERNAL_ID, null=True)
    external_url = models.TextField(blank=True, help_text="With the id quoted: of any length.")
    imported_at = models.DateTimeField(null=True)
    missing_files = EncryptedSentencesField(
        context="referrals.importjob.missing_files",
        default=dict,
        empty_is_null=True,
        help_text="File names, each with why it is not in the destination.",
    )
    lacks_files = models.BooleanField(default=False, help_text="Whether there are missing files.")
    corrections = EncryptedSentencesField(
        context="referrals.importjob.corrections",
        default=list,
        empty_is_null=True,
        help_text="What a person has to correct in the destination, in sentences.",
    )
    needs_correction = models.BooleanField(
        default=False, help_text="Whether something is to be corrected there."
    )
    last_kind = models.CharField(
        max_length=16, choices=ErrorKind.choices, blank=True, help_text="Of the last attempt."
    )
    last_code = models.CharField(
        max_length=MAX_CODE,
        null=True,
        help_text="Of the last attempt's answer; empty when it got none.",
    )
    stopped_at = models.DateTimeField(
        null=True, help_text="When the answer to this import last paused its destination."
    )
    connection_failed_at = models.DateTimeField(
        null=True, help_text="When the destination last did not work for this import."
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
        help_text="Who sees to its errors.",
    )
    snoozed_until = models.DateTimeField(null=True)
    snoozed_at = models.DateTimeField(null=True, help_text="An error that is newer is shown.")
    closed_why = EncryptedSentenceField(
        context="referrals.importjob.closed_why",
        default="",
        empty_is_null=True,
        help_text="Why it was dismissed.",
    )
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-opened_at"]
        verbose_name_plural = "deliveries"
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
        return f"import {self.pk}"

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


class Run(KeyedModel):
    """Due deliveries of one destination that travel together. Its id is their lease.

    Once its effect was begun it may be there: it is then carried again, with the same versions
    under the same id, until it is known to have arrived.
    """

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Arrived"
        FAILED = "failed", "Failed: all were given back"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    destination = models.ForeignKey(Destination, on_delete=models.PROTECT, related_name="runs")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    since = models.DateTimeField(null=True, help_text="From when: the one before ended its window.")
    until = models.DateTimeField(help_text="Until when: what was due by then.")
    token = models.UUIDField(help_text="Of whoever carries it.")
    lease_until = models.DateTimeField()
    intended_at = models.DateTimeField(null=True, help_text="When its effect was first begun.")
    ended_at = models.DateTimeField(null=True)
    name = models.CharField(max_length=MAX_EXTERNAL_ID, blank=True)
    rows = models.PositiveIntegerField(null=True)
    size = models.PositiveBigIntegerField(null=True, help_text="Bytes.")
    sha256 = models.CharField(max_length=64, blank=True)
    columns = models.PositiveIntegerField(
        null=True, help_text="How many of the destination's columns its list has."
    )
    message = EncryptedSentenceField(null=True, help_text="The last problem, for people.")

    class Meta:
        ordering = ["-until"]
        constraints = [
            models.UniqueConstraint(
                fields=["destination"], condition=Q(state="running"), name="one_run_at_a_time"
            ),
        ]
        indexes = [
            models.Index(fields=["lease_until"], condition=Q(state="running"), name="runs_leased"),
            models.Index(fields=["-until"], name="runs_by_time"),
            models.Index(fields=["destination", "-until"], name="runs_of_a_destination"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}"


class VersionManager(models.Manager["Version"]):
    """Leaves what was sent unread until somebody asks for it."""

    def get_queryset(self) -> models.QuerySet["Version"]:
        return super().get_queryset().defer("data")


class Version(KeyedModel):
    """What a delivery has to bring next: the referral as it is now, or its removal.

    Its id is stable over tries and replays: idempotency keys are made from it. The first version
    has the id of its delivery, so that keys which were made from that before stay what they were.
    """

    class Action(models.TextChoices):
        PUT = "put", "Put"
        REMOVE = "remove", "Remove"

    class State(models.TextChoices):
        OPEN = "open", "Still to be brought"
        REFUSED = "refused", "Refused by the destination"
        ACCEPTED = "accepted", "Accepted by the destination"
        SUPERSEDED = "superseded", "Superseded by a newer one"
        SKIPPED = "skipped", "Skipped: a newer one repairs it"
        DISMISSED = "dismissed", "Dismissed"

    class Why(models.TextChoices):
        TRIGGER = "trigger", "A trigger fired"
        PERSON = "person", "A person asked for it"
        SCHEDULE = "schedule", "It was its time"
        REVOCATION = "revocation", "The referral was revoked"
        JOINED = "joined", "The referral was joined to another"
        MOVED = "moved", "The referral was moved elsewhere"
        WITHDRAWN = "withdrawn", "The request was withdrawn"

    # A version that is still to be brought: a refused one may be tried again.
    PENDING: ClassVar = (State.OPEN, State.REFUSED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(default=1, help_text="From 1, within its delivery.")
    action = models.CharField(max_length=10, choices=Action.choices, default=Action.PUT)
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    why = models.CharField(max_length=12, choices=Why.choices, default=Why.TRIGGER)
    triggers = models.JSONField(default=list)
    opened_by = models.ForeignKey(
        InboundEvent, null=True, on_delete=models.SET_NULL, related_name="opened_versions"
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    asked_at = models.DateTimeField()
    run = models.ForeignKey(
        Run, null=True, on_delete=models.SET_NULL, related_name="versions", help_text="It goes in."
    )
    document = EncryptedJSONField(null=True, help_text="What the referral showed, as it is sent.")
    options = EncryptedJSONField(null=True, help_text="Of a sending by hand.")
    data = EncryptedJSONField(
        null=True, help_text="What its partner was sent: integrations.payload."
    )
    position = models.PositiveBigIntegerField(
        null=True,
        help_text="Where a partner answers: its place in the order in which sending began there.",
    )
    sent_at = models.DateTimeField(null=True, help_text="When its sending first began.")
    allowed_fields = models.JSONField(
        null=True, help_text="What might leave when it was last tried; null: everything."
    )

    objects: ClassVar[VersionManager] = VersionManager()

    class Meta:
        ordering = ["delivery", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "number"], name="version_number_once_in_delivery"
            ),
        ]
        indexes = [
            models.Index(
                fields=["position"],
                condition=Q(position__isnull=False),
                name="versions_in_order_of_sending",
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.number} of {self.delivery_id}"


class Attempt(KeyedModel):
    """One try of a version. Inserted when it starts, completed once when it ends, never edited."""

    class Outcome(models.TextChoices):
        IMPORTED = "imported", "Imported"
        TRY_AGAIN = "try_again", "To be tried again"
        REJECTED = "rejected", "Refused"
        MISCONFIGURED = "misconfigured", "Connection or mapping is wrong"
        UNCONFIRMED = "unconfirmed", "Not known whether it arrived"
        DOWN = "down", "Could not be reached"
        BUG = "bug", "Dovetail made a mistake"
        LOST = "lost", "The worker was lost"

    # Beside its version: pages and lists ask for all attempts of a delivery.
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField(help_text="From 1, within its delivery.")
    lease_token = models.UUIDField(unique=True, help_text="Sent as X-Request-ID.")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=16, choices=Outcome.choices, blank=True)
    doubt = models.CharField(
        max_length=20, blank=True, help_text="Why a person has to look: integrations.transport."
    )
    kind = models.CharField(
        max_length=16, choices=ErrorKind.choices, blank=True, help_text="What went wrong."
    )
    code = models.CharField(
        max_length=MAX_CODE, blank=True, help_text="The answer's, for people: HTTP 503."
    )
    message = EncryptedSentenceField(
        context="referrals.importattempt.message", default="", empty_is_null=True
    )
    headers = models.JSONField(default=dict)
    body = EncryptedTextField(
        context="referrals.importattempt.body",
        default="",
        empty_is_null=True,
        help_text="The destination's answer, capped.",
    )

    class Meta:
        ordering = ["delivery", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "number"], name="attempt_number_once_in_delivery"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | ~Q(outcome=""),
                name="ended_attempt_has_an_outcome",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")),
                name="attempt_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number}"


class Step(models.Model):
    """One remote effect of a version: meant, and, when the answer came, done."""

    # Beside its version: whether anything of a delivery may have arrived is asked in many places.
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="steps")
    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="steps")
    name = models.CharField(max_length=200)
    intended_at = models.DateTimeField()
    searches = models.PositiveSmallIntegerField(
        default=0, help_text="Times that it was looked for and not found."
    )
    searched_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    external_id = models.CharField(max_length=MAX_EXTERNAL_ID, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["version", "name"], name="step_once_in_version"),
        ]

    def __str__(self) -> str:
        return self.name


class SendingOrder(models.Model):
    """The last position that a version has got at a destination that a partner may answer.

    It is raised in the transaction that commits an intent, so positions are in the order of
    commits: whoever has read up to one has missed none before it.
    """

    destination = models.OneToOneField(
        Destination, primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    last = models.PositiveBigIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"position {self.last} at {self.destination_id}"


class PartnerUpdate(KeyedModel):
    """What a partner said once of a referral that it was sent. Inserted, never changed.

    What all of them come to stands beside the referral: `referrals.record.answered`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="partner_updates")
    number = models.PositiveIntegerField(help_text="From 1, within its delivery.")
    event = models.OneToOneField(
        InboundEvent, on_delete=models.CASCADE, related_name="partner_update"
    )
    patch = EncryptedJSONField(null=True, help_text="A JSON merge patch of what it said before.")
    at = models.DateTimeField()

    class Meta:
        ordering = ["delivery", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "number"], name="partner_update_once_in_delivery"
            ),
        ]

    def __str__(self) -> str:
        return f"update {self.number} of {self.delivery_id}"


class PartnerRequest(KeyedModel):
    """A PATCH with an Idempotency-Key: under way, or answered. Only what took effect is kept."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="+")
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=64, help_text="SHA-256 of the Idempotency-Key.")
    asked = models.CharField(max_length=64, help_text="SHA-256 of path and body.")
    begun_at = models.DateTimeField()
    token = models.UUIDField(default=uuid.uuid4, help_text="Of whoever answers it.")
    answer = EncryptedJSONField(null=True, help_text="Null while it is under way.")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["source", "key"], name="partner_request_once"),
        ]

    def __str__(self) -> str:
        return f"request {self.pk}"


class ClearedError(KeyedModel):
    """An error that a person has seen to. Added when the flag is lowered, never changed."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="cleared_errors")
    error_at = models.DateTimeField()
    reason = models.CharField(max_length=16, choices=Delivery.Reason.choices, blank=True)
    message = EncryptedSentenceField(
        default="", empty_is_null=True, help_text="The problem, as it was shown."
    )
    cleared_at = models.DateTimeField()
    cleared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    note = EncryptedTextField(default="", empty_is_null=True)
    corrections = EncryptedSentencesField(
        default=list,
        empty_is_null=True,
        help_text="What was to be corrected, for whoever takes the clearing back.",
    )

    class Meta:
        ordering = ["delivery", "cleared_at"]
        constraints = [
            models.UniqueConstraint(fields=["delivery", "error_at"], name="error_is_cleared_once"),
        ]

    def __str__(self) -> str:
        return f"cleared error {self.pk}"


class Note(KeyedModel):
    """What a person has written down about a referral, for colleagues. Never changed."""

    referral = models.ForeignKey(Referral, on_delete=models.CASCADE, related_name="notes")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    at = models.DateTimeField()
    text = EncryptedTextField()

    class Meta:
        default_permissions = ()
        ordering = ["referral", "at"]

    def __str__(self) -> str:
        return f"note {self.pk}"


class Deed(models.Model):
    """What a person has done to imports in one go, so that the same person can undo it.

    `before` holds the key of each import, and of what stood in the row what the undoing needs.
    """

    class What(models.TextChoices):
        ASSIGN = "assign", "Assigned"
        SNOOZE = "snooze", "Snoozed"
        CLEAR = "clear error", "Cleared"
        DISMISS = "dismiss", "Dismissed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    what = models.CharField(max_length=12, choices=What.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(db_index=True)
    undone_at = models.DateTimeField(null=True)
    before = models.JSONField(help_text="By key of the import. Keys, names of ours, and times.")
    after = models.JSONField(default=dict, help_text="How it left what it has set.")

    class Meta:
        default_permissions = ()
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"deed {self.pk}"


class SavedView(models.Model):
    """Filters and columns of the work list that a person keeps, alone or with an organization."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    organization = models.ForeignKey(
        Organization,
        null=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="Whose people see it, too.",
    )
    name = models.CharField(max_length=60)
    query = models.TextField(blank=True, help_text="Of the URL. Nothing that was searched for.")

    class Meta:
        default_permissions = ()
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="view_by_its_name"),
        ]

    def __str__(self) -> str:
        return f"view {self.pk}"


class BulkRetry(models.Model):
    """Imports of one organization that a person sends again together: one after the other, paced.

    It is asked about first; the dispatcher works it off. A selection that spans organizations is
    one of these for each, so that it belongs to those who work there.
    """

    class State(models.TextChoices):
        ASKED = "asked", "Not confirmed yet"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"

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
        verbose_name_plural = "bulk retries"
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
        return f"bulk retry {self.pk}"


class BulkRetryItem(models.Model):
    """One import of a bulk retry, in the order in which they have their turn."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waits for its turn"
        SENT = "sent", "Sent again"
        REFUSED = "refused", "Not sent again"
        CANCELLED = "cancelled", "Cancelled before its turn"

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
