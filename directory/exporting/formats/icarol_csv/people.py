"""Phones, people, and addresses in iCarol's numbered headings."""

from collections.abc import Mapping, Sequence
from typing import Any

from directory.exporting.content.carried import Values
from directory.formats import icarol
from directory.formats.icarol import PhoneCells
from directory.reading import phones as numbers

Cells = dict[str, Any]
_NUMBERED = [one for one in icarol.PHONES if not one.kind]
_NAMED = [one for one in icarol.PHONES if one.kind]
_PHONE = ("number", "extension", "type", "description")


def phones(found: Sequence[Values]) -> Cells:
    """Return the cells of phones: those with headings of their own first, the others in order."""
    cells: Cells = {}
    free = [*_NAMED, *_NUMBERED]
    for one in found:
        place = next((place for place in free if _fits(place, one)), None)
        if place is None:
            continue  # a sixth
        free.remove(place)
        cells[place.number] = _number(one)
        cells[place.description[0]] = one.text("description")
        cells[place.private] = "FALSE"
        if place.type:
            cells[place.type] = one.get("type")
        one.take_all(_PHONE)
    return cells


def _fits(place: PhoneCells, phone: Values) -> bool:
    kind = phone.get("type") or ""
    if place.kind == "voice":  # PhoneTollFree
        return kind in ("", "voice") and numbers.is_toll_free(phone.get("number"))
    return not place.kind or kind == place.kind


def _number(phone: Values) -> str:
    extension = phone.get("extension")
    return f"{phone.get('number')}" + (f" ext. {extension}" if extension is not None else "")


def contacts(found: Sequence[Values]) -> Cells:
    """Return the cells of an agency's people: its two first, one alone as its main contact."""
    cells: Cells = {}
    places = icarol.PEOPLE if len(found) > 1 else icarol.PEOPLE[-1:]
    for place, one in zip(places, found, strict=False):
        cells |= {heading: one.take(column) for heading, column in place.columns.items()}
        for phone in one.rows("phones")[:1]:
            cells[f"{place.prefix}PhoneNumber"] = _number(phone)
            phone.take_all(("number", "extension"))
        cells[f"{place.prefix}IsPrivate"] = "No"
    return cells


def addresses(found: Sequence[Values], *, is_hidden: bool) -> Cells:
    """Return the cells of a site's physical and postal address; a hidden one is only private."""
    if is_hidden:
        return {"PhysicalAddressIsPrivate": "Yes"}
    return _address(found, "physical", icarol.PHYSICAL) | _address(found, "postal", icarol.MAILING)


def _address(found: Sequence[Values], kind: str, columns: Mapping[str, str]) -> Cells:
    one = next((one for one in found if one.get("address_type") == kind), None)
    if one is None:
        return {}
    one.take("address_type")
    prefix = next(iter(columns)).removesuffix("Address1").removesuffix("AttentionName")
    flag = {f"{prefix}AddressIsPrivate": "No"}
    return {heading: one.take(column) for heading, column in columns.items()} | flag
