"""Data partners: other systems that read the directory with a token, under an agreement.

Not to be confused with a *partner*, which is a kind of source.
"""

import uuid
from datetime import date
from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from core.database.rows import KeyedModel
from core.fields import EncryptedTextField
from directory.models.answers import View

RATE = 600  # requests a minute, unless the agreement says otherwise


class DataPartner(KeyedModel):
    """One data partner and its agreement: what it sees, from which day to which, how often.

    `directory.views.agreements` says what `include` and `exclude_fields` may hold, and saves an
    agreement so that it takes effect at once.
    """

    name = models.CharField(max_length=100, unique=True)
    view = models.OneToOneField(
        View, on_delete=models.PROTECT, related_name="data_partner", editable=False
    )
    valid_from = models.DateField(null=True, blank=True)
    valid_until = models.DateField(null=True, blank=True)
    license = models.JSONField(default=dict, blank=True)  # name, url
    rate = models.PositiveIntegerField(default=RATE, validators=[MinValueValidator(1)])
    include: Any = models.JSONField(default=dict, blank=True)
    exclude_fields: Any = models.JSONField(default=list, blank=True)
    notify_url = models.CharField(max_length=500, blank=True)
    notify_secrets = EncryptedTextField(null=True, blank=True)  # one or two, a space between them
    # How far memberships were checked against the agreement: `directory.taking_in`.
    checked_version = models.PositiveIntegerField(default=0, editable=False)
    check_version = models.PositiveIntegerField(default=0, editable=False)
    check_kind = models.PositiveSmallIntegerField(default=0, editable=False)
    check_after = models.BigIntegerField(default=0, editable=False)
    # What its page shows.
    called_at = models.DateTimeField(null=True, editable=False)
    read_at = models.DateTimeField(null=True, editable=False)  # the change feed
    read_number = models.BigIntegerField(null=True, editable=False)  # how far it has read the feed
    notified_number = models.BigIntegerField(null=True, editable=False)  # how far notices are made
    notify_ended_at = models.DateTimeField(null=True, editable=False)  # its receiver said 410
    history = HistoricalRecords(
        excluded_fields=[
            "row_key",
            "notify_secrets",
            "checked_version",
            "check_version",
            "check_kind",
            "check_after",
            "called_at",
            "read_at",
            "read_number",
            "notified_number",
            "notify_ended_at",
        ],
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_from=None)
                | Q(valid_until=None)
                | Q(valid_until__gte=models.F("valid_from")),
                name="agreement_days_in_order",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def has_begun(self, today: date) -> bool:
        return self.valid_from is None or self.valid_from <= today

    def has_ended(self, today: date) -> bool:
        return self.valid_until is not None and self.valid_until < today

    def is_valid(self, today: date) -> bool:
        """Return whether the agreement holds on the day; the first and last day are included."""
        return self.has_begun(today) and not self.has_ended(today)


class DataPartnerToken(models.Model):
    """A credential of a data partner, of which only a hash is kept. Two hold while one replaces
    the other."""

    data_partner = models.ForeignKey(DataPartner, on_delete=models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"token {self.pk} of data partner {self.data_partner_id}"


class DataPartnerNotice(models.Model):
    """A notice that something has changed: a due row (`core.database.due`) until it is sent."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    data_partner = models.ForeignKey(DataPartner, on_delete=models.CASCADE, related_name="notices")
    after = models.BigIntegerField()  # the numbers of the changes: above this
    until = models.BigIntegerField()
    cursor = models.TextField()
    counts: Any = models.JSONField(default=dict)
    made_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    problem = models.TextField(blank=True)

    class Meta:
        ordering = ["-made_at"]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(due_at__isnull=False), name="notice_by_due_at"
            ),
        ]

    def __str__(self) -> str:
        return f"notice {self.pk}"


class DataPartnerLetter(models.Model):
    """A letter at the end of an agreement, which a person has sent: the partner keeps its copy."""

    data_partner = models.ForeignKey(DataPartner, on_delete=models.CASCADE, related_name="letters")
    sent_on = models.DateField()
    way = models.CharField(max_length=200)  # by e-mail, by post
    by = models.CharField(max_length=150)

    class Meta:
        ordering = ["-sent_on", "-pk"]

    def __str__(self) -> str:
        return f"letter {self.pk} to data partner {self.data_partner_id}"
