"""The address of a destination that speaks HTTP, as a person enters it."""

from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from core.outbound.addresses import is_this_machine


def secure_parts(value: str, example: str) -> SplitResult:
    """Return the parts of an https address; http is for this machine only.

    Raises ValidationError, with `example` to show what an address looks like.
    """
    try:
        parts = urlsplit(value)
        host, __ = parts.hostname, parts.port
    except ValueError:
        raise ValidationError(
            _("This is not a web address, such as {example}.").format(example=example)
        ) from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValidationError(
            _("An address starts with https://, such as {example}.").format(example=example)
        )
    if parts.scheme == "http" and not is_this_machine(host):
        raise ValidationError(
            _("Use https:// here: plain http:// would send personal data in clear.")
        )
    return parts
