"""Versions of a delivery, their attempts and steps, and the order in which they were sent."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.database.rows import KeyedModel
from core.fields import (
    EncryptedJSONField,
    EncryptedSentenceField,
    EncryptedTextField,
    StoredFileField,
)
from integrations.models import Destination
from integrations.transport import ErrorKind
from referrals.models.deliveries import MAX_CODE, MAX_EXTERNAL_ID, Delivery
from referrals.models.events import InboundEvent
from referrals.models.runs import Run


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
        PUT = "put", _("Put")
        REMOVE = "remove", _("Remove")

    class State(models.TextChoices):
        OPEN = "open", _("Still to be brought")
        REFUSED = "refused", _("Refused by the destination")
        ACCEPTED = "accepted", _("Accepted by the destination")
        SUPERSEDED = "superseded", _("Superseded by a newer one")
        SKIPPED = "skipped", _("Skipped: a newer one repairs it")
        DISMISSED = "dismissed", _("Dismissed")

    class Why(models.TextChoices):
        TRIGGER = "trigger", _("A trigger fired")
        PERSON = "person", _("A person asked for it")
        SCHEDULE = "schedule", _("It was its time")
        REVOCATION = "revocation", _("The referral was revoked")
        JOINED = "joined", _("The referral was joined to another")
        MOVED = "moved", _("The referral was moved elsewhere")
        WITHDRAWN = "withdrawn", _("The request was withdrawn")

    # A version that is still to be brought: a refused one may be tried again.
    PENDING: ClassVar = (State.OPEN, State.REFUSED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(default=1, help_text=_("From 1, within its delivery."))
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
        Run,
        null=True,
        on_delete=models.SET_NULL,
        related_name="versions",
        help_text=_("It goes in."),
    )
    document = EncryptedJSONField(
        null=True, help_text=_("What the referral showed, as it is sent.")
    )
    options = EncryptedJSONField(null=True, help_text=_("Of a sending by hand."))
    made_as = StoredFileField(
        max_length=200,
        default="",
        blank=True,
        help_text=_("What was made of it to be sent, until it is accepted or given up."),
    )
    data = EncryptedJSONField(
        null=True, help_text=_("What its partner was sent: integrations.payload.")
    )
    position = models.PositiveBigIntegerField(
        null=True,
        help_text=_(
            "Where a partner answers: its place in the order in which sending began there."
        ),
    )
    sent_at = models.DateTimeField(null=True, help_text=_("When its sending first began."))
    allowed_fields = models.JSONField(
        null=True, help_text=_("What might leave when it was last tried; null: everything.")
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
        IMPORTED = "imported", _("Imported")
        TRY_AGAIN = "try_again", _("To be tried again")
        REJECTED = "rejected", _("Refused")
        MISCONFIGURED = "misconfigured", _("Connection or mapping is wrong")
        UNCONFIRMED = "unconfirmed", _("Not known whether it arrived")
        DOWN = "down", _("Could not be reached")
        BUG = "bug", _("Dovetail made a mistake")
        LOST = "lost", _("The worker was lost")

    # Beside its version: pages and lists ask for all attempts of a delivery.
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField(help_text=_("From 1, within its delivery."))
    lease_token = models.UUIDField(unique=True, help_text=_("Sent as X-Request-ID."))
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=16, choices=Outcome.choices, blank=True)
    doubt = models.CharField(
        max_length=20, blank=True, help_text=_("Why a person has to look: integrations.transport.")
    )
    kind = models.CharField(
        max_length=16, choices=ErrorKind.choices, blank=True, help_text=_("What went wrong.")
    )
    code = models.CharField(
        max_length=MAX_CODE, blank=True, help_text=_("The answer's, for people: HTTP 503.")
    )
    message = EncryptedSentenceField(
        context="referrals.importattempt.message", default="", empty_is_null=True
    )
    headers = models.JSONField(default=dict)
    body = EncryptedTextField(
        context="referrals.importattempt.body",
        default="",
        empty_is_null=True,
        help_text=_("The destination's answer, capped."),
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
        default=0, help_text=_("Times that it was looked for and not found.")
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
