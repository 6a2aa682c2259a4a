"""Files of a referral: its attachments, and its rendered summaries."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.database.rows import KeyedModel
from core.fields import EncryptedTextField, SentenceField, StoredFileField
from integrations.models import Source
from integrations.sources.warnings import sentence
from referrals.models.referrals import Referral


class ReferralFile(KeyedModel):
    """An attachment of a referral: stored, wanted from a URL, or unavailable with the reason."""

    class State(models.TextChoices):
        STORED = "stored", _("Stored")
        WANTED = "wanted", _("To be fetched")
        UNAVAILABLE = "unavailable", _("Cannot be had")
        WITHDRAWN = "withdrawn", _("Withdrawn by the sender")

    referral = models.ForeignKey(Referral, on_delete=models.CASCADE, related_name="files")
    source = models.ForeignKey(Source, null=True, on_delete=models.SET_NULL, related_name="+")
    key = models.CharField(
        max_length=100, help_text="Names its step, and its idempotency key: never changed."
    )
    identity = models.CharField(
        max_length=100, blank=True, help_text="The key by which messages know it."
    )
    position = models.PositiveIntegerField(default=0)
    filename = EncryptedTextField()
    content_type = models.CharField(max_length=200, blank=True)
    size = models.PositiveBigIntegerField(null=True, help_text="As announced, until it is stored.")
    announced_hashes = models.TextField(
        blank=True, help_text="As integrations.sources.content.hashes_of writes them."
    )
    sha256 = models.CharField(max_length=64, blank=True)
    stored_as = StoredFileField(max_length=200, blank=True)
    url = EncryptedTextField(null=True)
    state = models.CharField(max_length=12, choices=State.choices)
    problem = SentenceField(blank=True, help_text="Without personal data.")
    warning = models.CharField(
        max_length=40, blank=True, help_text="A cause of integrations.sources.warnings."
    )

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["referral", "key"], name="file_once_in_referral"),
            models.CheckConstraint(
                condition=~Q(state="stored") | (~Q(stored_as="") & ~Q(sha256="")),
                name="stored_file_has_a_place",
            ),
        ]

    def __str__(self) -> str:
        return f"file {self.key}"

    @property
    def remark(self) -> str:
        """What is wrong with it, in a sentence: why it cannot be had, or what it is warned of."""
        return self.problem or (sentence("file", self.warning) if self.warning else "")


class StoredSummary(KeyedModel):
    """A rendered Referral Summary, kept so that the same one is never rendered twice."""

    referral = models.ForeignKey(Referral, on_delete=models.CASCADE, related_name="summaries")
    fingerprint = models.CharField(max_length=64)
    stored_as = StoredFileField(max_length=200)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    plain = models.BooleanField(default=False, help_text="The plain fallback was used.")
    missing_glyphs = models.JSONField(default=list)
    rendered_at = models.DateTimeField()

    class Meta:
        ordering = ["-rendered_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["referral", "fingerprint"], name="summary_is_rendered_once"
            )
        ]
        verbose_name_plural = _("stored summaries")

    def __str__(self) -> str:
        return f"summary {self.fingerprint[:8]}"
