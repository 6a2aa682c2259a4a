"""Mails that ask agencies whether what is published of them is right."""

from django.db import models

from directory.models.entries import Agency


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
