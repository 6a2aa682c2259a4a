"""What a CRMS can do, shown by asking it: its search finds and filters, and it lists files."""

from collections.abc import Mapping, Sequence
from secrets import randbelow
from typing import Any
from uuid import uuid4

from core.outbound import Answer
from integrations.capabilities import Capability, Finding, Shown
from integrations.destinations.crms import search, sentences
from integrations.destinations.crms.answers import Call, SearchRefused, error_for, is_success
from integrations.destinations.crms.api import Api
from integrations.transport import Document, Exchange, Unconfirmed

UNKNOWN: Shown = {Capability.SEARCH_FINDS: None, Capability.SEARCH_FILTERS: None}
LISTED_OTHERS = Finding(False, sentences.LISTED_ANOTHER())


def by_reading(
    api: Api,
    options: Mapping[str, Any],
    reference: str,
    external_id: str,
    documents: Sequence[Document],
) -> Shown:
    """Search for a referral that is there with these files, and for one that cannot exist.

    The second proves nothing by itself: an empty CRMS has nothing for anybody. Raises a
    DeliveryError where the answers say nothing about the search, Unconfirmed when it gave something
    that cannot be read.
    """
    try:
        if not external_id:
            _found(api, options, _impossible())
            return UNKNOWN
        found = _found(api, options, reference)
        if found.nothing:
            return UNKNOWN
        if found.ours(filters=True) != external_id:
            return _something_else(found)
        filters = _found(api, options, _impossible()).nothing
    except SearchRefused as refused:
        return refused_by(refused.exchange)
    return {
        Capability.SEARCH_FINDS: Finding(True),
        Capability.SEARCH_FILTERS: Finding(True) if filters else LISTED_OTHERS,
        **_lists(found, options, documents),
    }


def refused_by(answer: Exchange) -> Shown:
    """Return that a CRMS cannot be searched, with the reason for the page of the destination."""
    because = sentences.ANSWERED_SEARCH_WITH(code=answer.code)
    return {Capability.SEARCH_FINDS: Finding(False, because, refused=True)}


def _something_else(found: search.Found) -> Shown:
    if found.listed is None:
        unreadable = Unconfirmed(found.seen())
        unreadable.shown = UNKNOWN
        raise unreadable
    shown = {Capability.SEARCH_FINDS: Finding(False, sentences.NOT_THAT_ONE())}
    return shown | ({Capability.SEARCH_FILTERS: LISTED_OTHERS} if found.foreign else {})


def _lists(
    found: search.Found, options: Mapping[str, Any], documents: Sequence[Document]
) -> dict[Capability, Finding | None]:
    """Return whether the referral's result lists its files, each by its id and its hash.

    A list that lacks one of them shows nothing: it may be late.
    """
    files = found.listed[0].files if found.listed else None
    if not documents:
        return {}
    if files is None:
        return {Capability.LISTS_FILES: Finding(False, sentences.LISTED_NO_FILES())}
    complete = all(any(search.is_file(file, one, options) for file in files) for one in documents)
    return {Capability.LISTS_FILES: Finding(True)} if complete else {}


def _found(api: Api, options: Mapping[str, Any], reference: str) -> search.Found:
    answer: Answer = api.look_up(reference, str(uuid4()))
    if not is_success(answer):
        raise error_for(Call.LOOK_UP, answer)
    return search.read(answer, reference, options)


def _impossible() -> str:
    """Return a reference that no referral has: it is three times as long as any of Caredove's."""
    return f"{randbelow(10**30):030}"
