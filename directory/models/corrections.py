"""What people outside say of entries: verified by their agency when asked, or to be corrected."""

from django.db import models

from directory.models.entries import Agency, Entry


class VerificationRequest(models.Model):
    """One mail to an agency. Its link is answered once; of its token only a hash is kept."""

    agency = models.ForeignKey(
        Agency, on_delete=models.CASCADE, related_name="verification_requests"
    )
    token_hash = models.CharField(max_length=64, unique=True)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"verification request {self.pk} of agency {self.agency_id}"


class Correction(models.Model):
    """One field of a service as somebody would have it, or a note where `field` is empty.

    Nothing is kept of who suggested it.
    """

    class State(models.TextChoices):
        OPEN = "open", "to be reviewed"
        ACCEPTED = "accepted", "accepted"
        REFUSED = "refused", "refused"

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="corrections")
    field = models.CharField(max_length=40, blank=True)  # a text of the service
    language = models.CharField(max_length=35)
    text = models.TextField()
    was = models.TextField(blank=True)  # what was published then
    at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    # Of an agency that was asked to verify; None: of a visitor.
    request = models.ForeignKey(
        VerificationRequest, null=True, on_delete=models.SET_NULL, related_name="corrections"
    )
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(
                fields=["entry"], condition=models.Q(state="open"), name="correction_open"
            ),
        ]

    def __str__(self) -> str:
        return f"correction {self.pk} of entry {self.entry_id}"
