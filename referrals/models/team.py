"""What a team does beside the deliveries: cleared errors, notes, deeds, saved views."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.database.rows import KeyedModel
from core.fields import EncryptedSentenceField, EncryptedSentencesField, EncryptedTextField
from integrations.models import Organization
from referrals.models.deliveries import Delivery
from referrals.models.referrals import Referral


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
        ASSIGN = "assign", _("Assigned")
        SNOOZE = "snooze", _("Snoozed")
        CLEAR = "clear error", _("Cleared")
        DISMISS = "dismiss", _("Dismissed")

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
