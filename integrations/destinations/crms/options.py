"""What can be set for one CRMS. Every assumption about its API is a default here."""

import re
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations.destinations.crms.fields import NOTE_LENGTH, TARGET_FIELDS
from integrations.http.addresses import secure_parts
from integrations.transport import DeclaredField, Options, SecretField

BEARER = "bearer"
API_KEY = "api_key"

FILE_PARTS = ("file", "category", "sha256")
_BODY = tuple(field.key for field in TARGET_FIELDS)
_DOTTED = re.compile(r"^[^.\s]+(\.[^.\s]+)*\Z")

header_name = RegexValidator(
    r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z", _("A header name has letters, digits and hyphens only.")
)
one_word = RegexValidator(
    r"^[\x21-\x7e]+\Z", _("This has no spaces or line breaks in it. Copy it again, alone.")
)
path = RegexValidator(
    r"^/[\x21-\x7e]*\Z", _("A path starts with “/” and has no spaces, such as /api/v1/referrals.")
)
dotted = RegexValidator(
    _DOTTED, _("A name in the answer, with dots between levels, such as data.id.")
)


def secure_address(value: str) -> None:
    """Raise ValidationError unless `value` is an https address; http is for this machine only."""
    parts = secure_parts(value, "https://crms.example")
    if parts.username is not None or parts.password is not None:
        raise ValidationError(
            gettext("Leave user name and password out of the address: use “Token”.")
        )


def base_address(value: str) -> None:
    """Raise ValidationError when an address goes on after its path."""
    if "?" in value or "#" in value:
        raise ValidationError(gettext("Leave out the address's part from “?” or “#” on."))


def origin(address: str | None) -> tuple[str, str]:
    """Return the scheme, and the host with its port, of an address."""
    parts = urlsplit(address or "")
    return parts.scheme, parts.netloc.lower()


def names_the_id(value: str) -> None:
    """Raise ValidationError when a path or link has no place for the referral's id."""
    if "{id}" not in value:
        raise ValidationError(gettext("Write {id} where the id of the referral in CRMS stands."))


def renamed_fields(value: Any) -> None:
    """Raise ValidationError unless `value` gives known fields new names that do not collide."""
    if not isinstance(value, dict):
        raise ValidationError(gettext('Write pairs: {"client.first_name": "client.given_name"}.'))
    for key, name in value.items():
        if key not in (*_BODY, *FILE_PARTS):
            raise ValidationError(
                gettext("“{key}” is not a field that Dovetail sends.").format(key=key)
            )
        if not isinstance(name, str) or not _DOTTED.match(name):
            raise ValidationError(
                gettext("The new name of “{key}” has dots between levels, no spaces.").format(
                    key=key
                )
            )
    names = [value.get(key, key) for key in _BODY]
    for name in names:
        if names.count(name) > 1 or any(other.startswith(f"{name}.") for other in names):
            raise ValidationError(
                gettext("“{name}” would be used twice in what is sent.").format(name=name)
            )


def _path(label: str, initial: str, *more: Any) -> forms.CharField:
    return forms.CharField(label=label, initial=initial, required=False, validators=[path, *more])


def _header(label: str, initial: str) -> forms.CharField:
    return forms.CharField(label=label, initial=initial, required=False, validators=[header_name])


def _seconds(label: str, initial: int) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, initial=initial, required=False, min_value=1, max_value=120
    )


class CrmsOptions(Options):
    """The options of one CRMS; only the address and the token are needed."""

    base_url = forms.CharField(
        label=_("Address"),
        max_length=500,
        validators=[secure_address, base_address],
        help_text=_("Where the CRMS API is, such as https://crms.example."),
    )
    auth = forms.ChoiceField(
        label=_("Credentials"),
        choices=[(BEARER, _("Bearer token")), (API_KEY, _("API key in a header"))],
        initial=BEARER,
        required=False,
    )
    auth_header = _header("Header of the API key", "X-API-Key")
    token = SecretField(label=_("Token or API key"), max_length=4000, validators=[one_word])

    ping_path = _path("Path of the connection test", "/api/v1/ping")
    referrals_path = _path("Path of referrals", "/api/v1/referrals")
    attachments_path = _path(
        "Path of attachments", "/api/v1/referrals/{id}/attachments", names_the_id
    )
    referral_link = forms.CharField(
        label=_("Link to a referral"),
        required=False,
        initial="",
        validators=[secure_address, names_the_id],
        help_text=_(
            "For people, such as https://crms.example/inbox/{id}. Empty: no link is shown."
        ),
    )

    look_up = DeclaredField(
        label=_("Referrals can be looked up by reference"),
        help_text=_(
            "No: CRMS is never searched, and a person decides whenever it did not answer in "
            "time. Not declared: it is searched, and the first import proves whether that "
            "finds anything."
        ),
    )
    reference_parameter = forms.CharField(
        label=_("Look-up parameter"),
        initial="external_reference",
        required=False,
        validators=[one_word],
    )
    results_field = forms.CharField(
        label=_("List in the look-up's answer"),
        initial="results",
        required=False,
        validators=[dotted],
    )
    files_field = forms.CharField(
        label=_("List of files in a look-up's result"),
        initial="attachments",
        required=False,
        validators=[dotted],
        help_text=_("Where CRMS lists a referral's files with their sha256; it may be absent."),
    )
    id_field = forms.CharField(
        label=_("Id in an answer"), initial="id", required=False, validators=[dotted]
    )
    repeat_files = DeclaredField(
        label=_("A file sent twice is recognised"),
        help_text=_(
            "CRMS keeps one copy of files sent under the same idempotency key. Not declared: a "
            "test event proves it. Until it is proved or declared, and CRMS lists no "
            "files, a person "
            "decides when it is not known whether a file arrived."
        ),
    )
    idempotency_header = _header("Header of the idempotency key", "Idempotency-Key")
    request_id_header = _header("Header of the request id", "X-Request-ID")

    field_names = forms.JSONField(
        label=_("Field names that differ"),
        required=False,
        initial={},
        validators=[renamed_fields],
        help_text=_('Ours and theirs: {"client.first_name": "client.given_name"}.'),
    )
    note_limit = forms.IntegerField(
        label=_("Longest referral note"),
        initial=NOTE_LENGTH,
        required=False,
        min_value=200,
        max_value=NOTE_LENGTH,
        help_text=_("Characters. Of a longer note the longest lines are shortened."),
    )
    max_file_mb = forms.IntegerField(
        label=_("Largest file"), initial=50, required=False, min_value=1, help_text=_("Megabytes.")
    )
    connect_seconds = _seconds("Seconds to connect", 10)
    read_seconds = _seconds("Seconds for an answer", 30)
    file_seconds = _seconds("Seconds for a file", 60)

    def clean(self) -> dict[str, Any]:
        """Keep a stored token for the address that it was entered for."""
        given = self.cleaned_data.get("token")
        cleaned = super().clean()
        moved = origin(cleaned.get("base_url")) != origin(self.initial.get("base_url"))
        if moved and not given and not self.errors:
            self.add_error("token", gettext("Enter the token again: it was for another address."))
        return cleaned
