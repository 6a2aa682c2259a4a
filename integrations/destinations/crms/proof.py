"""Whether the search of a CRMS finds what is there, and filters."""

from collections.abc import Mapping
from secrets import randbelow
from typing import Any
from uuid import uuid4

from core.outbound import Answer
from integrations.destinations.crms import search
from integrations.destinations.crms.answers import Call, SearchRefused, error_for, is_success
from integrations.destinations.crms.api import Api
from integrations.transport import Exchange, Search, Unconfirmed


def prove(api: Api, options: Mapping[str, Any], reference: str, external_id: str) -> Search:
    """Search for a referral that is there under this id, and for one that cannot exist.

    The second proves nothing by itself: an empty CRMS has nothing for anybody. Raises a
    DeliveryError where the answers say nothing about the search, Unconfirmed when it gave something
    else than it should.
    """
    try:
        if external_id:
            found = _found(api, options, reference)
            if found.nothing:
                return Search()
            if found.ours(filters=True) != external_id:
                raise Unconfirmed(found.seen())
        filters = _found(api, options, _impossible()).nothing
    except SearchRefused as refused:
        return Search(refused=refused_by(refused.exchange))
    return Search(finds=bool(external_id), filters=bool(external_id) and filters)


def refused_by(answer: Exchange) -> str:
    """Say why a CRMS cannot be searched, for the page of the destination."""
    return f"It answered a search with {answer.code}."


def _found(api: Api, options: Mapping[str, Any], reference: str) -> search.Found:
    answer: Answer = api.look_up(reference, str(uuid4()))
    if not is_success(answer):
        raise error_for(Call.LOOK_UP, answer)
    return search.read(answer, reference, options)


def _impossible() -> str:
    """Return a reference that no referral has: it is three times as long as any of Caredove's."""
    return f"{randbelow(10**30):030}"
