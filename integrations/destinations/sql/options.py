"""What can be set for one database; only its address is needed."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from core.outbound import AddressRefused
from core.outbound.addresses import check_host
from integrations.destinations.sql.database.tables import encryptable
from integrations.destinations.sql.sealing import key_of
from integrations.transport import Options, SecretField

SQLITE = "sqlite"
PORTS = {"postgresql+psycopg": 5432, "mysql+pymysql": 3306, "mssql+pyodbc": 1433}
# Of a query, what changes neither where the connection leads nor how it is protected.
KNOWN_QUERY = {
    "postgresql+psycopg": {"application_name"},
    "mysql+pymysql": set[str](),
    "mssql+pyodbc": {"driver"},
    SQLITE: set[str](),
}
PREFIX = "dovetail_"


def parsed(address: str) -> URL:
    """Return the address of a database; raises ValidationError for one that cannot be used."""
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise ValidationError(_("This is not the address of a database.")) from None
    if url.drivername not in KNOWN_QUERY:
        known = ", ".join(f"{name}://" for name in KNOWN_QUERY)
        raise ValidationError(
            _("The address must start with one of these: %(known)s."), params={"known": known}
        )
    if url.password is not None:
        raise ValidationError(_("Leave the password out of the address: it has its own field."))
    if unknown := sorted(set(url.query) - KNOWN_QUERY[url.drivername]):
        raise ValidationError(
            _("Leave out what cannot be set here: %(names)s."), params={"names": ", ".join(unknown)}
        )
    if not url.database:
        raise ValidationError(_("Name the database, after the last slash."))
    if url.drivername == SQLITE:
        _check_file(url)
    else:
        _check_host(url)
    return url


def _check_host(url: URL) -> None:
    try:
        check_host((url.host or "").lower())
    except AddressRefused:
        raise ValidationError(_("Name the host of the database server.")) from None


def _check_file(url: URL) -> None:
    if url.host or url.username:
        raise ValidationError(_("A file has no host: write sqlite:/// and the path."))
    if str(url.database).startswith(("file:", ":memory:")):
        raise ValidationError(_("Name the path of a file."))


def check_address(value: str) -> None:
    """Raise ValidationError unless `value` is the address of a database that can be used."""
    parsed(value)


class ColumnsField(forms.CharField):
    """Columns as `table.column`, kept as one text with a space between them."""

    def to_python(self, value: Any) -> str:
        given = value if isinstance(value, list | tuple) else re.split(r"[\s,]+", str(value or ""))
        return " ".join(dict.fromkeys(filter(None, map(str, given))))

    def validate(self, value: Any) -> None:
        super().validate(value)
        known = encryptable()
        if unknown := [name for name in value.split() if name not in known]:
            raise ValidationError(
                _("These columns cannot be encrypted, or do not exist: %(names)s."),
                params={"names": ", ".join(unknown)},
            )


def check_key(value: str) -> None:
    """Raise ValidationError unless `value` is a key of 32 bytes."""
    try:
        key_of(value)
    except ValueError:
        raise ValidationError(_("A key is the base64 of 32 bytes.")) from None


class SqlOptions(Options):
    """Where the database is, and how our tables are called there."""

    url = forms.CharField(
        label=_("Address"),
        max_length=1000,
        validators=[check_address],
        help_text=_("Such as postgresql+psycopg://dovetail@db.example/warehouse."),
    )
    password = SecretField(label=_("Password"), max_length=1000, required=False, initial="")
    schema = forms.CharField(
        label=_("Schema"),
        max_length=63,
        required=False,
        initial="",
        validators=[RegexValidator(r"\A[A-Za-z_][A-Za-z0-9_]*\Z", _("Use letters and digits."))],
        help_text=_("Of the tables. Left out: the account's usual one."),
    )
    prefix = forms.CharField(  # type: ignore[assignment] # the form has no use for its own
        label=_("Prefix of the tables"),
        max_length=30,
        required=False,
        initial=PREFIX,
        validators=[RegexValidator(r"\A[a-z][a-z0-9_]*\Z", _("Use small letters and digits."))],
    )
    encrypt = ColumnsField(
        label=_("Encrypted columns"),
        max_length=4000,
        required=False,
        initial="",
        help_text=_("As table.column, with a space between them: referral.client_last_name."),
        widget=forms.Textarea(attrs={"rows": 2, "cols": 60}),
    )
    encryption_key = SecretField(
        label=_("Encryption key"),
        max_length=100,
        required=False,
        initial="",
        validators=[check_key],
        help_text=_("The base64 of 32 bytes; the partner has it, too."),
    )

    def clean(self) -> dict[str, Any]:
        """Keep a stored password for the server that it was entered for."""
        given = self.cleaned_data.get("password")
        cleaned = super().clean()
        before, now = (_server(one.get("url")) for one in (self.initial, cleaned))
        if before and before != now and cleaned.get("password") and not given and not self.errors:
            self.add_error("password", _("Enter the password again: it was for another server."))
        if str(cleaned.get("url")).startswith(SQLITE) and cleaned.get("schema"):
            self.add_error("schema", _("A file has no schemas."))
        if cleaned.get("encrypt") and not cleaned.get("encryption_key") and not self.errors:
            self.add_error("encryption_key", _("Encrypted columns need a key."))
        return cleaned


def _server(address: Any) -> tuple[Any, ...] | None:
    try:
        url = parsed(str(address)) if address else None
    except ValidationError:
        return None
    return (url.drivername, url.host, url.port, url.username) if url else None


def encrypted_columns(options: Mapping[str, Any]) -> list[str]:
    """Return the columns that are encrypted, as `table.column`."""
    return str(options["encrypt"] or "").split()
