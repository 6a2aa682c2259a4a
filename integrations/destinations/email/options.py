"""What can be set for one destination by e-mail."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator, RegexValidator
from django.utils.translation import gettext_lazy as _

from core.outbound.addresses import is_this_machine
from integrations.channels.smtp import Security
from integrations.destinations.email import passphrases, wording
from integrations.destinations.email.message import name_and_address
from integrations.transport import Options, SecretField

NOTHING = "none"  # typed into a secret, it removes what is stored
MOST_RECIPIENTS = 50
WITHIN, APART = "within", "apart"
PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}
_HOST = r"\A[A-Za-z0-9:]([A-Za-z0-9.:-]*[A-Za-z0-9])?\.?\Z"
_is_address = EmailValidator(allowlist=[])
_ascii = RegexValidator(r"\A[\x20-\x7e]*\Z", _("Only letters without accents, digits and signs."))


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()


def check_address(address: str) -> None:
    """Raise ValidationError unless this is an address that every mail server takes."""
    local, _at, domain = address.rpartition("@")
    if not (local.isascii() and domain.isascii()):
        raise ValidationError(
            _("“%(address)s”: only letters without accents."), params={"address": address}
        )
    try:
        _is_address(address)
    except ValidationError:
        raise ValidationError(
            _("“%(address)s” is not an e-mail address."), params={"address": address}
        ) from None


def check_sender(sender: str) -> None:
    """Raise ValidationError unless this is an address, or a name and an address."""
    try:
        _name, address = name_and_address(sender)
    except ValueError:
        raise ValidationError(_("Write an address, or a name and an address in < >.")) from None
    check_address(address)


class LinesField(forms.CharField):
    """Several words, one a line; given as a list, or with commas, too. Kept as lines."""

    widget = forms.Textarea(attrs={"rows": 3, "cols": 60})

    def to_python(self, value: Any) -> str:
        given = value if isinstance(value, list | tuple) else re.split(r"[\s,;]+", str(value or ""))
        words = (str(one).strip() for one in given)
        return "\n".join(dict.fromkeys(filter(None, words)))


class AddressesField(LinesField):
    """E-mail addresses."""

    def validate(self, value: Any) -> None:
        super().validate(value)
        addresses = value.splitlines()
        for address in addresses:
            check_address(address)
        if len(addresses) > MOST_RECIPIENTS:
            raise ValidationError(
                _("At most %(most)s recipients."), params={"most": MOST_RECIPIENTS}
            )


class DomainsField(LinesField):
    """Names of domains."""

    def to_python(self, value: Any) -> str:
        return super().to_python(value).lower().replace("@", "")

    def validate(self, value: Any) -> None:
        super().validate(value)
        for domain in value.splitlines():
            check_address(f"somebody@{domain}")


class PassphraseField(SecretField):
    """A passphrase, in the form in which it is used."""

    def to_python(self, value: Any) -> str:
        return passphrases.as_typed(str(value or ""))

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value not in ("", NOTHING) and (why := passphrases.fault(value)):
            raise ValidationError(why)


class TemplateField(forms.CharField):
    """A text with variables that cannot identify a person."""

    def validate(self, value: Any) -> None:
        super().validate(value)
        if unknown := wording.unknown_variables(str(value)):
            known = ", ".join(f"{{{name}}}" for name in wording.VARIABLES)
            raise ValidationError(
                _("%(unknown)s cannot be used here. These can: %(known)s."),
                params={"unknown": ", ".join(unknown), "known": known},
            )


class EmailOptions(Options):
    """Which mail server takes the messages, who gets them, and what stands around the PDF."""

    main = ("username", "recipients", "allowed_domains")

    smtp_host = forms.CharField(
        label=_("Mail server"),
        max_length=253,
        validators=[RegexValidator(_HOST, _("This is not the name of a host."))],
    )
    smtp_port = forms.IntegerField(
        label=_("Port"),
        required=False,
        initial=None,
        min_value=1,
        max_value=65_535,
        help_text=_("Empty: 587 for STARTTLS, 465 for TLS."),
    )
    security = forms.ChoiceField(
        label=_("Connection"),
        choices=[
            (Security.STARTTLS.value, _("STARTTLS (required)")),
            (Security.TLS.value, _("TLS from the start")),
            (Security.NONE.value, _("No TLS: to this machine only")),
        ],
        required=False,
        initial=Security.STARTTLS.value,
        help_text=_("The server's certificate is checked. Without TLS nothing is sent elsewhere."),
    )
    username = forms.CharField(
        label=_("User name"), max_length=320, required=False, initial="", validators=[_ascii]
    )
    password = SecretField(
        label=_("Password"), max_length=1000, required=False, initial="", validators=[_ascii]
    )
    sender = forms.CharField(
        label=_("Sender"),
        max_length=320,
        validators=[check_sender],
        help_text=_(
            "An address that the mail server accepts. A name may stand before it; the address is "
            "then in angle brackets."
        ),
    )
    recipients = AddressesField(
        label=_("Recipients"),
        required=False,
        initial="",
        help_text=_("Each referral goes to all of them, one address a line."),
    )
    allowed_domains = DomainsField(
        label=_("Domains of chosen recipients"),
        required=False,
        initial="",
        help_text=_(
            "Who sends by hand may choose other addresses of these domains, one a line: "
            "partner.example."
        ),
    )
    passphrase = PassphraseField(
        label=_("Passphrase of the partner"),
        max_length=200,
        required=False,
        initial="",
        help_text=_(
            "Opens every PDF that is sent here; agree on it by phone. Without one, referrals are "
            "sent by hand only, and a new one is made for each message. Write none to remove it."
        ),
    )
    attachments = forms.ChoiceField(
        label=_("Files"),
        choices=[
            (WITHIN, _("Within the PDF of the summary")),
            (APART, _("Each as a protected PDF of its own")),
        ],
        required=False,
        initial=WITHIN,
    )
    subject = TemplateField(
        label=_("Subject"), max_length=200, required=False, initial=wording.SUBJECT
    )
    body = TemplateField(
        label=_("Text"),
        max_length=5000,
        required=False,
        initial=wording.BODY,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "cols": 60}),
        help_text=_(
            "Subject and text are not protected. They may hold {organization}, {listing}, "
            "{program}, {sent_on} and {sender_name}, and nothing about the person."
        ),
    )

    def clean_body(self) -> str:
        return str(self.cleaned_data["body"]).replace("\r\n", "\n")

    def clean_subject(self) -> str:
        return wording.in_one_line(str(self.cleaned_data["subject"]))

    def clean(self) -> dict[str, Any]:
        """Keep a stored password for the server that it was entered for."""
        given = self.cleaned_data.get("password")
        cleaned = super().clean()
        for name in ("password", "passphrase"):
            if cleaned.get(name) == NOTHING:
                cleaned[name] = ""
        if self.errors:
            return cleaned
        if cleaned["security"] == Security.NONE and not is_this_machine(cleaned["smtp_host"]):
            self.add_error("security", _("Only this machine itself may be reached without TLS."))
        if not (cleaned["recipients"] or cleaned["allowed_domains"]):
            self.add_error("recipients", _("Enter recipients, or domains of chosen ones."))
        before = str(self.initial.get("smtp_host") or "")
        if before and before != cleaned["smtp_host"] and cleaned["password"] and not given:
            self.add_error("password", _("Enter the password again: it was for another server."))
        return cleaned
