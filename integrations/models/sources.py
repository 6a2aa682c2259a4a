"""Sources of events, and their credentials."""

from urllib.parse import quote

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from core.database.rows import KeyedHistory, KeyedModel
from core.fields import EncryptedTextField
from integrations import destinations, sources
from integrations.models.organizations import Organization
from integrations.models.validators import (
    REFERENCE,
    check_address,
    check_hosts,
    check_referral_address,
    check_source_kind,
)


class Source(KeyedModel):
    """A sender of events, with its credentials and the limits on what it may send.

    A partner is linked to the one destination whose deliveries it reads and answers, and acts for
    that destination's organization alone.
    """

    class Updates(models.TextChoices):
        NONE = "none", _("Outbound only")
        ALLOW = "allow", _("Allow updates")

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(
        max_length=20, default=sources.default_kind, validators=[check_source_kind]
    )
    organizations = models.ManyToManyField(
        Organization, blank=True, help_text=_("None chosen: it may send for all of them.")
    )
    active = models.BooleanField(default=True)
    attachment_hosts = models.JSONField(
        default=list,
        blank=True,
        validators=[check_hosts],
        help_text=_("Attachments named by URL are fetched from these hosts only."),
    )
    fetch_username = models.CharField(max_length=200, blank=True)
    fetch_password = EncryptedTextField(null=True, blank=True)
    fetch_token = EncryptedTextField(
        null=True, blank=True, help_text=_("Instead of a user name and password.")
    )
    listings_url = models.CharField(
        _("address of the listing API"),
        max_length=300,
        blank=True,
        validators=[check_address],
        help_text=_("Its part before /Service/, such as https://caredove.example/api/native_v1."),
    )
    listings_username = models.CharField(
        _("user name for the listing API"), max_length=200, blank=True
    )
    listings_password = EncryptedTextField(_("password for the listing API"), null=True, blank=True)
    referral_url = models.CharField(
        _("address of a referral"),
        max_length=300,
        blank=True,
        validators=[check_referral_address],
        help_text=_(
            "With {reference} where the reference stands. Pages link to the referral there."
        ),
    )
    destination = models.OneToOneField(
        "Destination",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="partner",
        help_text=_("Of a partner: it reads what was sent there, and nothing else."),
    )
    updates = models.CharField(
        max_length=10,
        choices=Updates.choices,
        default=Updates.NONE,
        help_text=_("Of a partner: whether it may answer what it was sent."),
    )
    history = KeyedHistory(m2m_fields=[organizations])
    # Whether it may send for some organizations alone; None where the query did not ask.
    is_limited: bool | None = None

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.kind in sources.kinds():
            self._check_partner(is_partner=sources.source_kind(self.kind).answers is not None)

    def address_of(self, reference: str) -> str:
        """Return where people open a referral at this source; empty where that is not known."""
        return self.referral_url.replace(REFERENCE, quote(reference, safe=""))

    def _check_partner(self, *, is_partner: bool) -> None:
        if not is_partner and self.destination_id:
            raise ValidationError({"destination": "Only a partner has a destination."})
        if not is_partner and self.updates != self.Updates.NONE:
            raise ValidationError({"updates": "Only a partner answers what it was sent."})
        if self.destination and not self.destination.is_answered:
            label = destinations.transport_class(self.destination.kind).label
            text = f"Nothing that is sent to a destination of this kind ({label}) can be answered."
            raise ValidationError({"destination": text})

    def limit_to_its_destination(self) -> None:
        """Let a partner act for the organization of its destination alone."""
        if self.destination:
            owner = self.destination.organization
            if list(self.organizations.all()) != [owner]:
                self.organizations.set([owner])

    def may_send_for(self, caredove_id: str) -> bool:
        """Return whether events for the organization with this Caredove id are welcome."""
        allowed = list(self.organizations.values_list("caredove_id", flat=True))
        return not allowed or caredove_id in allowed

    def fetch_credentials(self) -> tuple[str, str] | str | None:
        """Return (user name, password), a bearer token, or None, for fetching attachments."""
        if self.fetch_token:
            return self.fetch_token
        if self.fetch_username:
            return self.fetch_username, self.fetch_password or ""
        return None


class SourceCredential(KeyedModel):
    """One credential of a source. Several are valid at once, so that they can be rotated."""

    class Scheme(models.TextChoices):
        BASIC = "basic", _("HTTP Basic")
        SIGNATURE = "signature", _("Standard Webhooks signature")

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="credentials")
    scheme = models.CharField(max_length=10, choices=Scheme.choices, default=Scheme.BASIC)
    key = models.CharField(_("key id"), max_length=100, blank=True)
    secret_hash = models.CharField(max_length=300, blank=True, editable=False)
    signing_secret = EncryptedTextField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    active = models.BooleanField(default=True)
    history = HistoricalRecords(excluded_fields=["secret_hash", "signing_secret", "row_key"])

    class Meta:
        ordering = ["source", "scheme", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["key"], condition=Q(scheme="basic"), name="basic_key_names_one_credential"
            ),
            models.CheckConstraint(
                condition=Q(scheme="basic", signing_secret__isnull=True) & ~Q(secret_hash="")
                | Q(scheme="signature", signing_secret__isnull=False, secret_hash=""),
                name="credential_holds_the_secret_of_its_scheme",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_scheme_display()} {self.key or self.pk}"
