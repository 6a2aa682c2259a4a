"""What ties the directory to the referral side."""

from django.db import models

from directory.models.entries import Service


class ListingLink(models.Model):
    """A listing is a service of the directory. Deleting either side deletes the link only.

    The listing keeps the name and category that Caredove gives it: mappings, summaries, and CRMS
    see no change.
    """

    listing = models.OneToOneField(
        "integrations.ServiceListing", on_delete=models.CASCADE, related_name="directory_link"
    )
    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="listing_links")

    def __str__(self) -> str:
        return f"listing {self.listing_id} is service {self.service_id}"
