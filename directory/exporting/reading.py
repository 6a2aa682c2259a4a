"""The entries of a view in one language, as the API shows them."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from directory.listing.items import Shape, members, texts
from directory.models import Membership, View

_CHUNK = 500


def answers(view: View, kind: str, language: str) -> Iterator[str]:
    """Yield the whole answers of a kind as text, by id. To be read within one snapshot."""
    present = Membership.objects.filter(view=view, present=True, entry__kind=kind)
    keys = present.order_by("entry__hsds_id").values_list("entry", flat=True).iterator(_CHUNK)
    shape = Shape(language)
    while some := list(islice(keys, _CHUNK)):
        yield from texts(view, members(view, some), shape)


def objects(view: View, kind: str, language: str) -> Iterator[dict[str, Any]]:
    """Yield the whole answers of a kind, parsed."""
    for text in answers(view, kind, language):
        yield json.loads(text)
