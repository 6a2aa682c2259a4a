"""Legal holds: what is kept although its time is over."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.database.rows import KeyedModel
from core.fields import EncryptedTextField
from referrals.models.referrals import Referral


class LegalHold(KeyedModel):
    """While one is placed on a referral, nothing of it is deleted: `record.removal.holds`."""

    referral = models.ForeignKey(Referral, on_delete=models.CASCADE, related_name="legal_holds")
    reason = EncryptedTextField(_("reason"))
    placed_at = models.DateTimeField()
    placed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    released_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        permissions = [("place_legal_hold", "Can place and release legal holds")]
        ordering = ["placed_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["referral"], condition=Q(released_at=None), name="one_legal_hold_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"legal hold {self.pk}"
