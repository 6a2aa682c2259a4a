"""Referrals: the names by which they are found, and how long they are kept."""

import uuid

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.database.rows import KeyedModel
from core.fields import EncryptedJSONField
from integrations.models import Organization, ServiceListing


class Referral(KeyedModel):
    """One referral, whatever ids its messages use, as its merged snapshot shows it.

    Once it is purged only a tombstone is left: the ids, the dates and what became of it; and, while
    there is a legal hold on it, what it says.
    """

    class PurgedWhy(models.TextChoices):
        REVOKED = "revoked", _("Caredove revoked it")
        EXPIRED = "expired", _("its retention period was over")
        ERASED = "erased", _("the person asked for it")

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
        default=list, help_text=_("[time, classification] pairs in the order of their times.")
    )
    version = models.PositiveIntegerField(default=0, help_text=_("Messages merged so far."))
    reading = models.PositiveSmallIntegerField(
        default=0, help_text=_("By which version of reading the snapshot was made.")
    )
    received = models.BooleanField(default=False, help_text=_("A first “received” event was seen."))
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
        """Whether Caredove has revoked it, or it was erased: it must not stay anywhere."""
        return self.purged_why in (self.PurgedWhy.REVOKED, self.PurgedWhy.ERASED)

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
        help_text=_("Days after the last message on a referral."),
    )

    class Meta:
        ordering = ["organization__name"]

    def __str__(self) -> str:
        return gettext("retention period of {organization}").format(organization=self.organization)


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
