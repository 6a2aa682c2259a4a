"""An entry as a data partner sees it."""

import json

from directory.listing.items import Shape, members, texts
from directory.models import DataPartner, Entry


def seen_by_partner(partner: DataPartner, entry: Entry, language: str) -> str:
    """Return what the data partner is sent of an entry, indented; empty where that is nothing."""
    shape = Shape(language, extras=True)
    found = members(partner.view, [entry.pk], shape)
    if not found:
        return ""
    (text,) = texts(partner.view, found, shape)
    return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
