"""What a field of a configuration may hold. Migrations name these functions."""

import zoneinfo
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from integrations import sources
from integrations.transport import ATTACHMENT, SUMMARY
from integrations.triggers import TRIGGER_KEYS
from mapping.source import allowing

FILE_CATEGORIES = (SUMMARY, ATTACHMENT)
LOOPBACK = ("localhost", "127.0.0.1", "::1")
REFERENCE = "{reference}"  # in the template of a referral's address


def check_time_zone(value: str) -> None:
    """Raise ValidationError unless `value` is an IANA time zone such as America/Toronto."""
    if value not in zoneinfo.available_timezones():
        raise ValidationError(
            _("“{value}” is not a time zone. An example: America/Toronto.").format(value=value)
        )


def check_trigger_keys(value: object) -> None:
    """Raise ValidationError unless `value` is a list of one or more trigger keys."""
    if not isinstance(value, list) or not value:
        raise ValidationError(_("Choose at least one trigger."))
    unknown = [str(key) for key in value if key not in TRIGGER_KEYS]
    if unknown:
        raise ValidationError(
            _("Unknown trigger: {names}. Known: {names2}.").format(
                names=", ".join(unknown), names2=", ".join(TRIGGER_KEYS)
            )
        )


def check_hosts(value: object) -> None:
    """Raise ValidationError unless `value` is a list of host names, each with an optional port."""
    if not isinstance(value, list) or not all(isinstance(host, str) and host for host in value):
        raise ValidationError(_("A list of host names, such as files.example.org."))
    for host in value:
        if "/" in host or " " in host or "@" in host:
            raise ValidationError(
                _("“{host}” is not a host name: leave out https:// and paths.").format(host=host)
            )


def check_allowed_fields(value: object) -> None:
    """Raise ValidationError unless `value` is a list of what an allow-list may name."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValidationError(
            _("A list of fields and groups, such as registrant.phone_1 or answers.")
        )
    if wrong := allowing.unknown(value):
        named = ", ".join(f"“{name}”" for name in wrong)
        raise ValidationError(
            _("No field or group is named {named}. Groups: all, {names}.").format(
                named=named, names=", ".join(allowing.GROUPS)
            )
        )


def check_allowed_files(value: object) -> None:
    """Raise ValidationError unless `value` is a list of categories of files."""
    if not isinstance(value, list) or not all(one in FILE_CATEGORIES for one in value):
        raise ValidationError(
            _("A list of categories: {names}.").format(names=", ".join(FILE_CATEGORIES))
        )


def all_fields() -> list[str]:
    """Return the allow-list of a destination that names none."""
    return [allowing.ALL]


def check_address(value: str) -> None:
    """Raise ValidationError unless `value` is an https address; http is for this machine only."""
    try:
        parts = urlsplit(value)
        host, __ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise ValidationError(
            _("An address starts with https://, such as https://caredove.example.")
        )
    if parts.scheme == "http" and host not in LOOPBACK:
        raise ValidationError(
            _("Use https:// here: plain http:// would send the password in clear.")
        )
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValidationError(_("Leave out names and passwords, and the part from “?” or “#” on."))


def check_referral_address(value: str) -> None:
    """Raise ValidationError unless `value` is an https address with one place for a reference.

    The reference must not stand in the host: it comes from a message.
    """
    try:
        parts = urlsplit(value)
        host, __ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme != "https" or not host or "@" in parts.netloc:
        raise ValidationError(_("An address starts with https://, without names and passwords."))
    rest = value.replace(REFERENCE, "")
    if value.count(REFERENCE) != 1 or REFERENCE in parts.netloc or set("{}") & set(rest):
        raise ValidationError(
            _("Write {reference} once, after the host: where the reference stands.")
        )


def check_source_kind(value: str) -> None:
    """Raise ValidationError unless `value` is a kind of source."""
    known = sources.kinds()
    if value not in known:
        raise ValidationError(
            _("“{value}” is not a kind. Known: {names}.").format(
                value=value, names=", ".join(known)
            )
        )
