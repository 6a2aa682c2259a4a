"""What a request asks for: who asks, in which language, with which parameters."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpRequest
from django.utils.translation.trans_real import parse_accept_lang_header

from directory.models import Directory, View
from directory.views.rules import api_view
from integrations.sources.responses import Problem

MOST_BYTES = 100_000  # of a body, which holds a few parameters
_REALM = {"WWW-Authenticate": 'Bearer realm="directory"'}
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def check_token(request: HttpRequest) -> None:
    """Raise Problem 401 for a token, as none is known."""
    if request.headers.get("Authorization"):
        raise Problem(401, "This token is not known.", headers=_REALM)


def view_of(directory: Directory) -> View:
    """Return what whoever asks without a token sees; raises Problem 401 where that is nothing."""
    if directory.public != Directory.Public.YES:
        raise Problem(401, "This directory is read with a token.", headers=_REALM)
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
    if _length(request) > MOST_BYTES:
        raise Problem(413, "The body is too large for parameters.")
    if request.content_type in _FORMS:
        return [(name, value) for name, values in request.POST.lists() for value in values]
    body = request.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise Problem(413, "The body is too large for parameters.")
    if not body.strip():
        return []
    if request.content_type != "application/json":
        raise Problem(415, "Send parameters as JSON, as a form, or in the query string.")
    return _pairs_of_json(body)


def _length(request: HttpRequest) -> int:
    text = request.headers.get("Content-Length") or "0"
    return int(text) if text.isascii() and text.isdecimal() else 0


def _pairs_of_json(body: bytes) -> Iterable[tuple[str, str]]:
    try:
        pairs = json.loads(body, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        raise Problem(400, "The body is not JSON.") from None
    if not isinstance(pairs, _Pairs):
        raise Problem(400, "A JSON object with parameters is expected.")
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
    from directory.listing.parameters import Refused, Wrong

    raise Refused(Wrong(name[:100], "A text, a number, true or false is expected."))
