"""Trigger configs: which listing leads to which destination."""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from integrations.models.destinations import Destination
from integrations.models.organizations import ServiceListing
from integrations.models.validators import check_trigger_keys
from integrations.triggers import labels_of


class TriggerConfig(models.Model):
    """When the referrals of a listing go to a destination, and by which mapping."""

    listing = models.ForeignKey(
        ServiceListing, on_delete=models.CASCADE, related_name="trigger_configs"
    )
    destination = models.ForeignKey(
        Destination, on_delete=models.CASCADE, related_name="trigger_configs"
    )
    on = models.JSONField(_("triggers"), default=list, validators=[check_trigger_keys])
    include_routed = models.BooleanField(
        default=False, help_text=_("Received: include requests routed from another organization.")
    )
    mapping = models.ForeignKey("mapping.Mapping", on_delete=models.PROTECT)
    enabled = models.BooleanField(default=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["listing__name", "destination__name"]
        constraints = [
            models.UniqueConstraint(
                fields=["listing", "destination"], name="listing_and_destination_connect_once"
            )
        ]

    def __str__(self) -> str:
        return gettext("{listing} to {destination}").format(
            listing=self.listing, destination=self.destination
        )

    def labels(self) -> str:
        """Return the chosen triggers in Caredove's words, joined by commas."""
        return labels_of(self.on)

    def clean(self) -> None:
        if (
            self.listing_id
            and self.destination_id
            and self.listing.organization_id != self.destination.organization_id
        ):
            raise ValidationError(
                {"destination": "The destination belongs to another organization than the listing."}
            )
        if self.enabled and self.destination_id and not self.destination.transport().by_trigger:
            raise ValidationError(
                {
                    "destination": _(
                        "With its options, referrals can be sent to this destination by hand only."
                    )
                }
            )
        if self.mapping_id and self.destination_id:
            self._check_mapping()

    def _check_mapping(self) -> None:
        if self.mapping.destination_kind != self.destination.kind:
            raise ValidationError(
                {"mapping": f"This mapping is for {self.mapping.destination_kind} destinations."}
            )
        owner = self.mapping.organization_id
        if owner and owner != self.destination.organization_id:
            raise ValidationError({"mapping": "This mapping belongs to another organization."})
