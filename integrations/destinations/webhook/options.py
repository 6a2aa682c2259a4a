"""What can be set for one webhook; only the address and a secret are needed."""

import base64
import json
import re
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations.http.addresses import secure_parts
from integrations.transport import Options, SecretField, YesNoField

MOST_SECRETS = 2  # the old one and the new one, while they are rotated
NO_HEADERS = "none"
PREFIX = "whsec_"
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\x20-\x7e]*")
# Standard Webhooks asks for 24 to 64 bytes; some libraries make shorter ones.
SECRET_BYTES = range(16, 65)


def secure_address(value: str) -> None:
    """Raise ValidationError unless `value` is an https address; http is for this machine only."""
    parts = secure_parts(value, "https://partner.example")
    if "@" in parts.netloc or parts.fragment:
        raise ValidationError(gettext("Leave out names and passwords, and the part from “#” on."))


class SecretsField(SecretField):
    """One or two signing secrets; kept as one text with a space between them."""

    def to_python(self, value: Any) -> str:
        given = value if isinstance(value, list | tuple) else re.split(r"[\s,]+", str(value or ""))
        return " ".join(filter(None, map(str, given)))

    def validate(self, value: Any) -> None:
        super().validate(value)
        secrets = value.split()
        if len(secrets) > MOST_SECRETS:
            raise ValidationError(gettext("Enter one secret, or two while they are rotated."))
        if not all(map(_is_secret, secrets)):
            raise ValidationError(
                gettext("A secret starts with whsec_, and the rest of it is base64.")
            )


def _is_secret(secret: str) -> bool:
    if not secret.startswith(PREFIX):
        return False
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        return False
    return len(key) in SECRET_BYTES


class HiddenText(forms.Textarea):
    """Several lines that are never shown again."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        return super().get_context(name, None, attrs)


class HeadersField(SecretField):
    """Fixed extra headers, `Name: value`, one a line; kept so."""

    def to_python(self, value: Any) -> str:
        pairs = _as_pairs(value)
        if pairs is None:
            return str(value or "").strip()
        return "\n".join(f"{name}: {text}" for name, text in pairs.items())

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value == NO_HEADERS:
            return
        for line in value.splitlines():
            name, mark, text = line.partition(":")
            if not (mark and _NAME.fullmatch(name.strip()) and _VALUE.fullmatch(text.strip())):
                raise ValidationError(
                    gettext("Write each header in a line of its own, as Name: value.")
                )


def _as_pairs(value: Any) -> dict[str, str] | None:
    """Return headers that a configuration file gives as an object, also where it is written out."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return value if isinstance(value, dict) else None


class WebhookOptions(Options):
    """Where a partner takes what is pushed, and how it knows that it comes from us."""

    url = forms.CharField(
        label=_("Address"),
        max_length=1000,
        validators=[secure_address],
        help_text=_("Referrals are posted here. Redirects are not followed."),
    )
    secrets = SecretsField(
        label=_("Signing secrets"),
        max_length=1000,
        help_text=_("whsec_…, as the partner has it. While it is replaced enter both: all sign."),
    )
    headers = HeadersField(
        label=_("Extra headers"),
        max_length=4000,
        required=False,
        initial="",
        help_text=_("Name: value, one a line. They never replace ours. Write none to remove them."),
        widget=HiddenText(attrs={"rows": 2, "cols": 60, "autocomplete": "off"}),
    )
    inline_files = YesNoField(
        label=_("Send files within the message"),
        initial=False,
        help_text=_("Up to 5 MiB in all; what is more is only named."),
    )

    def clean(self) -> dict[str, Any]:
        """Keep stored secrets for the address that they were entered for."""
        given = self.cleaned_data.get("secrets")
        cleaned = super().clean()
        if cleaned.get("headers") == NO_HEADERS:
            cleaned["headers"] = ""
        before, now = (urlsplit(str(one.get("url") or "")) for one in (self.initial, cleaned))
        moved = (before.scheme, before.netloc) != (now.scheme, now.netloc)
        if moved and before.netloc and not given and not self.errors:
            self.add_error(
                "secrets", gettext("Enter the secret again: it was for another address.")
            )
        return cleaned


def headers_of(options: Any) -> dict[str, str]:
    """Return the extra headers by name."""
    lines = (line.partition(":") for line in str(options["headers"] or "").splitlines())
    return {name.strip(): text.strip() for name, _, text in lines}
