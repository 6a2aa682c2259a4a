"""iCarol's records in JSON: an array, of which each is read as a row of its CSV."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from core.text.markup import plain_text
from directory.files.archives import Archive
from directory.files.documents import items
from directory.formats import icarol, icarol_json
from directory.importing.formats.icarol import Phone, Record, Terms
from directory.importing.reports import Problem, Severity
from directory.importing.rows import Batch
from directory.importing.values import as_text
from directory.reading import texts

_LEVELS = {*icarol.LEVELS, "ServiceSite"}
_PHYSICAL = {*icarol.PHYSICAL}
_MAILING = {*icarol.MAILING}

Json = Mapping[str, Any]
Cells = dict[str, str]


def is_this(archive: Archive) -> bool:
    """Return whether an archive has a JSON file with iCarol's records."""
    return any(_has_records(archive, name) for name in archive if not name.endswith(".csv"))


def _has_records(archive: Archive, name: str) -> bool:
    with archive.open(name) as file:
        start = texts.decode(file.read(1 << 14)).lstrip()
    if start[:1] not in ("[", "{"):
        return False
    has_level = any(f'"{level}"' in start for level in _LEVELS)
    return has_level and '"type"' in start and ('"names"' in start or '"uniquePriorID"' in start)


def read(archive: Archive, batch: Batch) -> None:
    """Read the records in the batch's language; note the others, which are read in their turn."""
    terms = Terms(batch)
    for name in archive:
        if name.endswith(".csv"):
            continue
        with archive.open(name) as file:
            for item in items(file):
                if not isinstance(item.value, dict):
                    batch.unlisted |= set(icarol.LEVELS.values())
                    message = "This is no record of iCarol, so it is not taken."
                    batch.report(Problem(message, Severity.ERROR, name, item.line))
                    batch.read["organization"] += 1
                    continue
                cells = _Cells(item.value)
                record = Record(batch, terms, name, item.line, cells.known, cells.unknown)
                record.more_phones = cells.phones
                record.read()


class _Cells:
    """The cells of a record by heading; what no heading holds is in `unknown`."""

    def __init__(self, record: Json) -> None:
        self.known: Cells = {}
        self.unknown: Cells = {}
        self.phones: list[Phone] = []
        self._people = [person.prefix for person in icarol.PEOPLE]
        makers: Mapping[str, Callable[[Any], None]] = {
            "names": self._names,
            "contactDetails": self._contacts,
            "related": self._related,
            "taxonomy": self._taxonomy,
            "coverage": self._coverage,
            "hours": self._hours,
        }
        for key, value in record.items():
            if key in makers:
                makers[key](value)
            elif heading := icarol_json.TEXTS.get(key):
                self._put(heading, _joined(value))
            elif key in icarol_json.KEPT:
                self._put(key, value if isinstance(value, str) else _as_json(value))
            elif key not in icarol_json.OTHERS:
                self.unknown[key] = _as_json(value)
        described = record.get("descriptionText") or record.get("description")
        is_site = record.get("type") == "Site"
        self._put("PhysicalLocationDescription" if is_site else "AgencyDescription", described)
        if self.known.get("TaxonomyLevelName") == "Agency":  # names itself, as in a row of CSV
            self.known.setdefault("ParentAgencyNum", self.known.get("ResourceAgencyNum", ""))

    def _put(self, heading: str, value: Any) -> None:
        text = plain_text(as_text(value)) if value not in (None, "", [], {}) else ""
        if text:
            self.known[heading] = text

    # -- parts of a record ------------------------------------------------------------------------

    def _names(self, names: Any) -> None:
        for one in _objects(names):
            heading = icarol_json.NAMES.get(one.get("purpose", "Primary"), "AlternateName")
            if heading not in self.known:
                self._put(heading, one.get("value"))

    def _related(self, related: Any) -> None:
        for one in _objects(related):
            heading = icarol_json.RELATED.get(one.get("type", ""))
            if heading and heading not in self.known:
                self._put(heading, one.get("id"))

    def _taxonomy(self, terms: Any) -> None:
        found = [one if isinstance(one, Mapping) else {"code": one} for one in _list(terms)]
        found = [one for one in found if one.get("code")]
        self._put("TaxonomyCodes", "; ".join(as_text(one["code"]) for one in found))
        if any(one.get("name") for one in found):
            names = (as_text(one.get("name") or "").replace(";", ",") for one in found)
            self._put("TaxonomyTerm", "; ".join(names))

    def _coverage(self, areas: Any) -> None:
        names = [one.get("name") if isinstance(one, Mapping) else one for one in _list(areas)]
        self._put("Coverage", "; ".join(as_text(name) for name in names if name))

    def _hours(self, hours: Any) -> None:
        if not isinstance(hours, Mapping):
            self._put("HoursOfOperation", hours)
            return
        days = [
            f"{one['dayOfWeek']} {one['opens']} - {one['closes']}; "
            for one in _objects(hours.get("days"))
            if {"dayOfWeek", "opens", "closes"} <= one.keys()
        ]
        self._put("Hours", "".join(days))
        self._put("HoursOfOperation", hours.get("note"))

    # -- how to reach it --------------------------------------------------------------------------

    def _contacts(self, details: Any) -> None:
        for number, detail in enumerate(_objects(details)):
            contact = detail.get("contact")
            if not isinstance(contact, Mapping):
                continue
            is_private = detail.get("isConfidential") is True
            kind = contact.get("type", "")
            if kind in icarol_json.ADDRESSES:
                is_read = self._address(icarol_json.ADDRESSES[kind], contact, is_private=is_private)
            elif kind == "PhoneNumber" and contact.get("number"):
                is_read = self._phone(contact, is_private=is_private)
            elif kind == "Person" and self._people:
                is_read = self._person(contact, is_private=is_private)
            elif kind in ("EmailAddress", "Website") and not is_private:
                is_read = self._link(kind, contact)
            else:
                is_read = False
            if not is_read:
                self.known[f"contactDetails/{number}"] = _as_json(detail)  # kept with the entry

    def _address(self, prefix: str, contact: Json, *, is_private: bool) -> bool:
        if f"{prefix}Address1" in self.known:
            return False
        for key, end in icarol_json.ADDRESS.items():
            if f"{prefix}{end}" in _PHYSICAL | _MAILING:
                self._put(f"{prefix}{end}", contact.get(key))
        if prefix == "Physical":
            self._put("Latitude", contact.get("latitude"))
            self._put("Longitude", contact.get("longitude"))
        if is_private:
            self._put(f"{prefix}AddressIsPrivate", "Yes")
        return True

    def _phone(self, contact: Json, *, is_private: bool) -> bool:
        described = [contact.get("label"), contact.get("description")]
        kind = as_text(contact.get("purpose") or "").casefold()
        self.phones.append(
            Phone(
                key=f"contactDetails/{len(self.phones)}",
                sent=plain_text(as_text(contact["number"])),
                description=": ".join(dict.fromkeys(as_text(one) for one in described if one)),
                kind=kind,
                is_private=is_private,
            )
        )
        return True

    def _person(self, contact: Json, *, is_private: bool) -> bool:
        prefix = self._people.pop(0)
        name = contact.get("name")
        if isinstance(name, Mapping):
            name = " ".join(as_text(part) for part in name.values() if part)
        title = contact.get("title") or "; ".join(map(as_text, _list(contact.get("titles"))))
        self._put(f"{prefix}Name", name)
        self._put(f"{prefix}Title", title)
        self._put(f"{prefix}EmailAddress", contact.get("emailAddress"))
        self._put(f"{prefix}PhoneNumber", contact.get("phoneNumber"))
        if is_private:
            self._put(f"{prefix}IsPrivate", "Yes")
        return True

    def _link(self, kind: str, contact: Json) -> bool:
        heading, key = {
            "EmailAddress": ("EmailAddressMain", "address"),
            "Website": ("WebsiteAddress", "url"),
        }[kind]
        if heading in self.known:
            return False
        self._put(heading, contact.get(key))
        return True


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: Any) -> Iterator[Json]:
    return (one for one in _list(value) if isinstance(one, Mapping))


def _joined(value: Any) -> Any:
    """Return a text; of a list, its items in one."""
    if isinstance(value, list):
        return "; ".join(as_text(one) for one in value if isinstance(one, str | int | float))
    return value


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
