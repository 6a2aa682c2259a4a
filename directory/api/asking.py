"""What a request asks for: who asks, in which language, with which parameters."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.utils.translation.trans_real import parse_accept_lang_header

from core.web import ratelimit
from directory.data_partners import tokens
from directory.listing.parameters import Refused, Wrong
from directory.models import DataPartner, Directory, View
from directory.taking_in import Standing
from directory.views.rules import api_view
from integrations.sources.responses import Problem

MOST_BYTES = 100_000  # of a body, which holds a few parameters
_REALM = {"WWW-Authenticate": 'Bearer realm="directory"'}
_INVALID = {"WWW-Authenticate": 'Bearer realm="directory", error="invalid_token"'}
_NAMES_OF_TOKENS = {"token", "access_token", "api_key", "apikey", "key", "authorization"}
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass(frozen=True)
class Reader:
    """Who asks: a data partner, or anyone."""

    partner: DataPartner | None = None

    def view(self, found: Standing) -> View:
        """Return what the reader sees; raises Problem 401 or 403 where that is nothing."""
        if self.partner is None:
            return _public_view(found.directory)
        today = found.now.astimezone(found.directory.zone).date()
        if not self.partner.has_begun(today):
            raise Problem(403, _("The agreement that this token belongs to has not begun."))
        if self.partner.has_ended(today):
            raise Problem(403, _("The agreement that this token belongs to has ended."))
        return self.partner.view


def reader_of(request: HttpRequest) -> Reader:
    """Return who asks; raises Problem 401 for a token that is not valid, 429 for too many calls."""
    authorization = request.headers.get("Authorization")
    _refuse_token_in_address(request)
    if not authorization:
        return Reader()
    scheme, _space, secret = authorization.strip().partition(" ")
    secret = secret.strip()
    found = tokens.find(secret) if scheme.lower() == "bearer" and secret else None
    if found is None:
        raise Problem(401, _("This token is not known, or is no longer valid."), headers=_INVALID)
    if wait := ratelimit.seconds_to_wait(f"data partner:{found.pk}", found.rate):
        detail = ngettext(
            "This agreement allows {count} request a minute.",
            "This agreement allows {count} requests a minute.",
            found.rate,
        ).format(count=found.rate)
        raise Problem(429, detail, headers={"Retry-After": str(ceil(wait))})
    return Reader(found)


def _refuse_token_in_address(request: HttpRequest) -> None:
    """Refuse a token in the query: addresses are kept in logs and histories."""
    names = {name.lower() for name in request.GET}
    values = (value for _, several in request.GET.lists() for value in several)
    if names & _NAMES_OF_TOKENS or any(value.startswith(tokens.PREFIX) for value in values):
        raise Problem(
            400,
            _(
                "Do not put a token in an address, where others may read it. Send it as "
                "“Authorization: Bearer …”, and ask for a new token."
            ),
        )


def _public_view(directory: Directory) -> View:
    if directory.public != Directory.Public.YES:
        raise Problem(401, _("Reading this directory requires a token."), headers=_REALM)
    return api_view()


def language_of(request: HttpRequest, languages: Sequence[str]) -> str:
    """Return the language that a reader prefers among the directory's, else the first."""
    for wanted, quality in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        if quality > 0 and (found := _best(wanted, languages)):
            return found
    return languages[0]


def _best(wanted: str, languages: Sequence[str]) -> str | None:
    """Return `fr-CA` or else `fr` for `fr-ca`; for `fr`, also `fr-CA`."""
    if wanted == "*":
        return languages[0]
    parts = wanted.lower().split("-")
    for length in range(len(parts), 0, -1):
        for language in languages:
            if language.lower().split("-")[:length] == parts[:length] and (
                length == len(parts) or len(language.split("-")) == length
            ):
                return language
    return None


def pairs_of(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the parameters of the query string and, with POST, of the body. Raises Problem."""
    pairs = [(name, value) for name, values in request.GET.lists() for value in values]
    if request.method != "POST":
        return pairs
    return [*pairs, *_pairs_of_body(request)]


def _pairs_of_body(request: HttpRequest) -> Iterable[tuple[str, str]]:
    if request.content_type in _FORMS:
        _refuse_large(_length(request))
        for name in request.FILES:
            raise _no_text(name)
        return [(name, value) for name, values in request.POST.lists() for value in values]
    body = body_of(request)
    if not body.strip():
        return []
    if request.content_type != "application/json":
        raise Problem(415, _("Send parameters as JSON, as a form, or in the query string."))
    return _pairs_of_json(body)


def body_of(request: HttpRequest) -> bytes:
    """Return the body of a question; raises Problem 413 where it is larger than any question."""
    _refuse_large(_length(request))
    body = request.read(MOST_BYTES + 1)
    _refuse_large(len(body))
    return body


def _refuse_large(size: int) -> None:
    if size > MOST_BYTES:
        raise Problem(413, _("The body is too large for parameters."))


def _length(request: HttpRequest) -> int:
    text = request.headers.get("Content-Length") or "0"
    return int(text) if text.isascii() and text.isdecimal() else 0


def _pairs_of_json(body: bytes) -> Iterable[tuple[str, str]]:
    try:
        pairs = json.loads(body, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        raise Problem(400, _("The body is not JSON.")) from None
    if not isinstance(pairs, _Pairs):
        raise Problem(400, _("A JSON object with parameters is expected."))
    return [(name, _text(name, value)) for name, value in pairs]


class _Pairs(list[tuple[str, Any]]):
    """The members of an object, also those that come twice."""


def _text(name: str, value: Any) -> str:
    """Return the value as it would stand in a query string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, int | float):
        return repr(value)
    raise _no_text(name)


def _no_text(name: str) -> Refused:
    return Refused(Wrong(name[:100], _("A text, a number, true or false is expected.")))
