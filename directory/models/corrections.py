"""What people say is wrong in an entry, for staff to accept or refuse, field by field."""

from django.db import models

from directory.models.entries import Entry
from directory.models.verifying import VerificationRequest


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
