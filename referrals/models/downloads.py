"""Downloads: lists of referrals that people take."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from integrations.models import Organization, ServiceListing


class Download(models.Model):
    """A list of referrals that a person downloads: what was chosen, and how far it is.

    It is taken once, and stays as the record of who took what.
    """

    class State(models.TextChoices):
        ASKED = "asked", _("Ready to be downloaded")
        RUNNING = "running", _("Under way")
        DONE = "done", _("Downloaded")
        STOPPED = "stopped", _("Ended before it was whole")

    class Format(models.TextChoices):
        CSV = "csv", _("CSV")
        JSONL = "jsonl", _("JSON lines")
        XML = "xml", _("XML")

    class Status(models.TextChoices):
        SUBMITTED = "submitted", _("Submitted")
        BOOKED = "booked", _("Booked")
        CLOSED = "closed", _("Closed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="downloads"
    )
    listing = models.ForeignKey(
        ServiceListing, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    start = models.DateTimeField(null=True, help_text="Received from then on.")
    end = models.DateTimeField(null=True, help_text="Received before.")
    status = models.CharField(max_length=10, choices=Status.choices, blank=True)
    format = models.CharField(max_length=5, choices=Format.choices)
    safe_for_spreadsheets = models.BooleanField(default=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ASKED)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    ended_at = models.DateTimeField(null=True)
    total = models.PositiveIntegerField(default=0, help_text="Referrals to look at.")
    seen = models.PositiveIntegerField(default=0, help_text="Referrals that were looked at.")
    rows = models.PositiveIntegerField(null=True)
    size = models.PositiveBigIntegerField(null=True, help_text="Bytes.")
    sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-asked_at"]
        default_permissions = ()
        indexes = [models.Index(fields=["organization", "-asked_at"], name="downloads_of_one")]

    def __str__(self) -> str:
        return f"download {self.pk}"
