"""What partners sent back, and their requests under way."""

import uuid

from django.db import models

from core.database.rows import KeyedModel
from core.fields import EncryptedJSONField
from integrations.models import Source
from referrals.models.deliveries import Delivery
from referrals.models.events import InboundEvent


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
