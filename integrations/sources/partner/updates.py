"""What a partner says of a referral: status, outcome, its own record id, and notes.

The body of a PATCH is a JSON merge patch. The event that is stored for it holds the reference, too.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from integrations.sources.account import Account, Entry, leaves
from integrations.sources.parsed import Envelope, EventKind, FieldError, ParsedEvent, Unusable
from mapping.source.document import CLASSIFICATIONS, Document

ENDPOINT = "answers"
CODE = "partner_update"
# That a referral was entered in error is its sender's to say.
STATUSES = tuple(one for one in CLASSIFICATIONS if one != "entered-in-error")
LONGEST = {"status_label": 200, "record_id": 200, "note": 10_000}
LONGEST_OF_OUTCOME = {"code": 100, "text": 2_000}
# Half a character, or one that no screen shows; line ends and tabs are text.
_UNREADABLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

Errors = Iterator[FieldError]


def read(body: bytes) -> dict[str, Any]:
    """Return the patch, checked; raises Unusable with an error for each mistake."""
    patch = _object(body)
    if errors := list(_errors(patch)):
        raise Unusable(errors)
    return patch


def as_event(reference: str, patch: Mapping[str, Any]) -> bytes:
    """Return the body of the event that is stored for a patch."""
    return json.dumps({"reference": reference, "update": patch}, ensure_ascii=False).encode()


def read_envelope(body: bytes) -> Envelope:
    reference, _ = _event(body)
    return Envelope(event_id="", code=CODE, references=(reference,))


def parse(body: bytes) -> ParsedEvent:
    """Return the event. It changes nothing in the referral's own document, so it has none."""
    reference, _ = _event(body)
    return ParsedEvent(
        code=CODE, kind=EventKind.PARTNER_UPDATE, references=(reference,), document=Document()
    )


def account(body: bytes) -> tuple[ParsedEvent, list[Entry]]:
    parsed, (_, update) = parse(body), _event(body)
    kept = Account()
    for _, address, value, _ in leaves(update):
        kept.read(address, str(value))
        kept.take(address)
    return parsed, list(kept.entries(update))


def _event(body: bytes) -> tuple[str, dict[str, Any]]:
    event = _object(body)
    reference, update = event.get("reference"), event.get("update")
    if not isinstance(reference, str) or not reference or not isinstance(update, dict):
        raise Unusable([FieldError("reference", _("This names no referral."))])
    return reference, update


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise Unusable([FieldError("", _("The body is not JSON in UTF-8."))]) from None
    if not isinstance(found, dict):
        raise Unusable([FieldError("", _("The body is not a JSON object."))])
    return found


# -- one error for each mistake ------------------------------------------------------------------


def _errors(patch: Mapping[str, Any]) -> Errors:
    for name, value in patch.items():
        check = _CHECKS.get(name)
        yield from check(name, value) if check else _unknown(name, _CHECKS)


def _unknown(name: str, known: Mapping[str, object], where: str = "") -> Errors:
    shown = where + _UNREADABLE.sub("?", name)[:100]
    yield FieldError(shown, _("This is not known. Known: {names}.").format(names=", ".join(known)))


def _status(name: str, value: object) -> Errors:
    if value is not None and value not in STATUSES:
        yield FieldError(name, _("One of {names}, or null.").format(names=", ".join(STATUSES)))


def _text(name: str, value: object, longest: int) -> Errors:
    if not isinstance(value, str):
        yield FieldError(name, _("A text is expected here."))
    elif len(value) > longest:
        yield FieldError(name, _("At most {count} characters.").format(count=longest))
    elif _UNREADABLE.search(value):
        yield FieldError(name, _("It contains characters that are not text."))


def _text_or_null(name: str, value: object) -> Errors:
    if value is not None:
        yield from _text(name, value, LONGEST[name])


def _note(name: str, value: object) -> Errors:
    if value is None or (isinstance(value, str) and not value.strip()):
        yield FieldError(name, _("Each note is kept: leave it out instead."))
    else:
        yield from _text(name, value, LONGEST[name])


def _outcome(name: str, value: object) -> Errors:
    if value is None:
        return
    if not isinstance(value, dict):
        yield FieldError(name, _("An object with code and text is expected here, or null."))
        return
    for key, text in value.items():
        if key not in LONGEST_OF_OUTCOME:
            yield from _unknown(key, LONGEST_OF_OUTCOME, f"{name}.")
        elif text is not None:
            yield from _text(f"{name}.{key}", text, LONGEST_OF_OUTCOME[key])


_CHECKS: Mapping[str, Callable[[str, Any], Errors]] = {
    "status": _status,
    "status_label": _text_or_null,
    "outcome": _outcome,
    "record_id": _text_or_null,
    "note": _note,
}
