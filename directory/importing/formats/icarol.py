"""iCarol's CSV: one row for each agency, program, site, and program at a site."""

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from core.text.markup import plain_text
from directory.files.archives import Archive
from directory.files.tables import read as read_table
from directory.formats import icarol
from directory.hours import closings as closing_days
from directory.hours import icarol as icarol_hours
from directory.hours.reading import WeeklyHours, read_weekly
from directory.importing.formats.vocabularies import Vocabularies
from directory.importing.reports import Problem, Severity
from directory.importing.rows import Batch, Sent
from directory.models import Directory, Secrecy, Taxonomy, TaxonomyTerm
from directory.reading import phones, texts
from directory.reading.days import parse_day, parse_moment

_NEEDED = ("ResourceAgencyNum", "TaxonomyLevelName", "PublicName")
_HEADINGS = {heading.casefold(): heading for heading in icarol.HEADINGS}
_LEVELS = {level.casefold(): table for level, table in icarol.LEVELS.items()}
_LEVELS["servicesite"] = icarol.LEVELS["ProgramAtSite"]
_YES = ("yes", "true", "y", "1")
_LANGUAGES = {"english": "en", "french": "fr", "français": "fr", "anglais": "en"}
_BIGGEST = 9 * 10**15
# Tables whose rows of phones and hours name them as a parent.
_WITH_HOURS = ("service", "location", "service_at_location")


def is_icarol(archive: Archive) -> bool:
    """Return whether an archive has a CSV file with iCarol's headings."""
    for name in archive:
        with archive.open(name) as file:
            start = texts.decode(file.read(1 << 14)).casefold()
        if all(heading.casefold() in start for heading in _NEEDED):
            return True
    return False


def read(archive: Archive, batch: Batch) -> None:
    """Read the rows in the batch's language; note the others, which are read in their turn."""
    terms = Terms(batch)
    for name in archive:
        with archive.open(name) as file:
            table = read_table(file)
            known = {heading: _HEADINGS.get(heading.casefold()) for heading in table.headings}
            for row in table.rows:
                cells: dict[str, str] = {}
                unknown: dict[str, str] = {}
                for heading, value in row.cells.items():
                    text = plain_text(value)
                    if text:
                        (cells if known[heading] else unknown)[known[heading] or heading] = text
                record = Record(batch, terms, name, row.line, cells, unknown)
                record.read()


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone as it was sent; `key` names it within its entry."""

    key: str
    sent: str
    description: str = ""
    kind: str = ""
    is_private: bool = False


@dataclass(slots=True)
class Record:
    """One row of the file, by heading. `more_phones` are those that have no heading."""

    batch: Batch
    terms: "Terms"
    file: str
    line: int
    cells: dict[str, str]
    unknown: dict[str, str]
    used: set[str] = field(default_factory=set)
    more_phones: Sequence[Phone] = ()
    table: str = ""
    key: str = ""

    def read(self) -> None:
        level = re.sub(r"[\s_-]", "", self.cells.get("TaxonomyLevelName", "")).casefold()
        self.table = _LEVELS.get(level, "")
        self.key = self.cells.get("ResourceAgencyNum", "")
        if not self.table:
            self.batch.unlisted |= set(_LEVELS.values())
            message = "The level is none of Agency, Program, Site, ProgramAtSite."
            self._report(message, Severity.ERROR, "TaxonomyLevelName")
            self.batch.read["organization"] += 1
            return
        named = self.cells.get("LanguageOfRecord", "").casefold()
        code = _LANGUAGES.get(named, named[:2])
        language = code if code in self.batch.languages else self.batch.language
        if language != self.batch.language:
            if self.key:
                self.batch.listed[self.table].add(self.batch.id_of(self.table, self.key))
            self.batch.other_languages.add(language)
            return
        self._read()

    def _read(self) -> None:
        values = self._own_cells()
        beside = self._beside()
        self._mark(values, beside)
        entry = self.batch.add(self.table, values, file=self.file, line=self.line, beside=beside)
        if entry is None:
            return
        if moment := parse_moment(self._take("UpdatedOn")):
            entry.values["last_modified"] = moment if moment.tzinfo else self.terms.local(moment)
        self._rows()
        self._phones()
        self._hours()
        self._people()
        self._addresses(entry)
        if self.table == "service":
            self.terms.add(self._take("TaxonomyCodes"), self._take("TaxonomyTerm"), entry, self)
        self._keep(entry)

    # -- Columns of the entry --------------------------------------------------------------------

    def _take(self, heading: str) -> str:
        self.used.add(heading)
        return self.cells.get(heading, "")

    def _own_cells(self) -> dict[str, Any]:
        values: dict[str, Any] = {"id": self.key}
        for cell in (*icarol.CELLS, *icarol.REFERENCES):
            if self.table in cell.tables and (value := self._take(cell.heading)):
                values[cell.column] = value
        if values.get("parent_organization_id") == self.key:
            del values["parent_organization_id"]  # an agency names itself
        if self.table == "location":
            values["location_type"] = "physical"
        if self.table == "service":
            values["status"] = "active"
        return values

    def _beside(self) -> dict[str, Any]:
        beside: dict[str, Any] = {}
        for cell in icarol.DAYS:
            if self.table in cell.tables:
                day = parse_day(self._take(cell.heading))
                beside |= {cell.column: day} if day else {}
        if number := self._number():
            beside["number"] = number
        return beside

    def _number(self) -> int | None:
        if not self.key.isdecimal():
            return None
        digits = self.key.lstrip("0")
        # Counted first: Python reads no number of thousands of digits.
        if len(digits) > len(str(_BIGGEST)) or int(digits or 0) > _BIGGEST:
            message = "The number is too large, so the entry gets another one."
            self._report(message, field_of="ResourceAgencyNum")
            return None
        return int(digits or 0) or None

    def _mark(self, values: dict[str, Any], beside: dict[str, Any]) -> None:
        """Set the status, and the mark *not public*."""
        status = self._take("AgencyStatus").casefold()
        excluded = [self._is(f"ExcludeFrom{where}") for where in ("Website", "Directory")]
        is_inactive = status == "inactive"
        if is_inactive and self.table == "service":
            values["status"] = "inactive"
        if any(excluded) or "do not refer" in status or (is_inactive and self.table != "service"):
            beside["not_public"] = True
        if status not in ("", "active", "inactive", "active but do not refer"):
            self._report("The status is not one of iCarol's.", Severity.WARNING, "AgencyStatus")

    def _is(self, heading: str) -> bool:
        return self._take(heading).casefold() in _YES

    # -- Rows of the entry -----------------------------------------------------------------------

    def _add(self, table: str, name: str, cells: Mapping[str, Any], **more: Any) -> Sent | None:
        """Add a row of the entry, whose id is made from the entry's and a name."""
        parents = {f"{self.table}_id": self.batch.id_of(self.table, self.key)}
        return self.batch.add(
            table,
            cells,
            file=self.file,
            line=self.line,
            parents=more.pop("parents", parents),
            key=f"{self.key}/{name}",
            **more,
        )

    def _rows(self) -> None:
        for heading, (table, column, tables) in icarol.ROWS.items():
            if self.table in tables and (value := self._take(heading)):
                self._add(table, heading, {column: value})
        for heading, (table, column, tables) in icarol.ITEMS.items():
            if self.table in tables:
                items = [one.strip() for one in re.split(r"[;\n]", self._take(heading))]
                for item in dict.fromkeys(filter(None, items)):
                    self._add(table, f"{heading}/{item[:100]}", {column: item})

    def _phones(self) -> None:
        for one in (*self._phones_of_headings(), *self.more_phones):
            phone = phones.split(one.sent)
            cells = {"number": phone.number, "extension": phone.extension, "type": one.kind}
            cells["description"] = one.description
            beside = {"secrecy": Secrecy.YES} if one.is_private else {}
            self._add("phone", one.key, cells, beside=beside)

    def _phones_of_headings(self) -> Iterator[Phone]:
        for one in icarol.PHONES:
            sent = self._take(one.number)
            described = list(dict.fromkeys(filter(None, map(self._take, one.description))))
            is_private = self._is(one.private)
            kind = one.kind or (self._take(one.type).casefold() if one.type else "")
            if sent:
                yield Phone(one.number, sent, ": ".join(described), kind, is_private)

    def _hours(self) -> None:
        if self.table not in _WITH_HOURS:
            return
        weekly, words = self._take("Hours"), self._take("HoursOfOperation")
        found = icarol_hours.parse_hours(weekly) if weekly else None
        if weekly and found is None:
            words = "; ".join(filter(None, [weekly, words]))
            self._report("The hours cannot be read, so they are shown in words.", field_of="Hours")
        closed, rest = closing_days.split(words)
        if rest and found is None and (found := read_weekly(rest)):
            rest = ""
        # Closings at the head of the words are those of the weekly hours.
        notes = {"notes": closing_days.join(closed, "", "en")} if closed else {}
        for number, hours in enumerate(found or ()):
            self._add("schedule", f"Hours/{number}", _weekly(hours) | notes)
        words = rest if found else words
        if words:
            self._add("schedule", "HoursOfOperation", {"description": words})

    def _people(self) -> None:
        if self.table != "organization":
            return
        for person in icarol.PEOPLE:
            cells = {column: self._take(heading) for heading, column in person.columns.items()}
            number = self._take(f"{person.prefix}PhoneNumber")
            is_private = self._is(f"{person.prefix}IsPrivate")
            if not any([*cells.values(), number]):
                continue
            beside = {"secrecy": Secrecy.YES} if is_private else {}
            contact = self._add("contact", person.key, cells, beside=beside)
            if contact is not None and number:
                phone = phones.split(number)
                sent = {"number": phone.number, "extension": phone.extension}
                self._add(
                    "phone",
                    f"{person.key}/phone",
                    sent,
                    parents={"contact_id": contact},
                    beside=beside,
                )

    # -- Addresses -------------------------------------------------------------------------------

    def _addresses(self, entry: Sent) -> None:
        """Add the addresses of a site; an agency's own become a location of it."""
        if self.table not in ("organization", "location"):
            return
        is_secret = self._is("PhysicalAddressIsPrivate")
        is_private = self._is("MailingAddressIsPrivate")
        physical = self._address(icarol.PHYSICAL)
        mailing = self._address(icarol.MAILING)
        place: Sent | None = entry
        if self.table == "organization" and (physical or mailing):
            place = self._own_place(entry)
        if place is None:
            return
        if is_secret:
            place.beside["secrecy"] = Secrecy.YES
        parents = {"location_id": place.id}
        if physical:
            cells = {**physical, "address_type": "physical"}
            self._add("address", "physical", cells, parents=parents)
        if mailing:
            cells = {**mailing, "address_type": "postal"}
            beside = {"private": True} if is_private else {}
            self._add("address", "mailing", cells, parents=parents, beside=beside)

    def _address(self, columns: Mapping[str, str]) -> dict[str, str]:
        """Return the cells of an address; without a street or a city there is none."""
        if not {"address_1", "city"} <= {
            column for heading, column in columns.items() if self.cells.get(heading)
        }:
            return {}
        return {column: self._take(heading) for heading, column in columns.items()}

    def _own_place(self, entry: Sent) -> Sent | None:
        cells: dict[str, Any] = {"id": self.key, "location_type": "physical"}
        for heading in ("Latitude", "Longitude"):
            cells[heading.casefold()] = self._take(heading)
        beside = {"not_public": True} if entry.beside.get("not_public") else {}
        return self.batch.add(
            "location",
            cells,
            file=self.file,
            line=self.line,
            parents={"organization_id": entry.id},
            beside=beside,
        )

    # -- What is left ----------------------------------------------------------------------------

    def _keep(self, entry: Sent) -> None:
        """Keep the cells that have no column; count those under headings that iCarol lacks."""
        for heading, value in self.cells.items():
            if heading not in self.used and heading not in icarol.DERIVED:
                entry.kept[heading] = value
        for heading, value in self.unknown.items():
            entry.kept[heading] = value
            self.batch.also_sent[heading] += 1

    def _report(
        self, message: str, severity: Severity = Severity.WARNING, field_of: str = ""
    ) -> None:
        self.batch.report(Problem(message, severity, self.file, self.line, self.key, field_of))


def _weekly(hours: WeeklyHours) -> dict[str, str]:
    opens, closes = (f"{time // 60:02}:{time % 60:02}" for time in (hours.opens, hours.closes))
    if hours.opens == hours.closes == 0:
        closes = "23:59"  # how HSDS writes around the clock
    return {
        "freq": "WEEKLY",
        "byday": ",".join(hours.days),
        "opens_at": opens,
        "closes_at": closes,
    }


class Terms:
    """The terms of the directory's AIRS taxonomy, by code; unknown codes become terms of it."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        directory = Directory.objects.get()
        self._zone = directory.zone
        self._name = directory.airs_name
        self._taxonomies = Vocabularies(batch)
        self._ids: dict[str, UUID] = {}
        if one := Taxonomy.named(self._name):
            rows = TaxonomyTerm.objects.filter(taxonomy=one)
            self._ids = dict(rows.values_list("code", "entry__hsds_id"))

    def local(self, moment: Any) -> Any:
        return moment.replace(tzinfo=self._zone)

    def add(self, codes: str, names: str, entry: Sent, record: Record) -> None:
        """Give an entry the terms with these codes, whose names come in the same order."""
        named = [one.strip() for one in names.split(";")]
        wanted = [one.strip() for one in codes.split(";")]
        for number, code in enumerate(wanted):
            if not code:
                continue
            name = named[number] if number < len(named) and named[number] else code
            term = self._ids.get(code) or self._new(code, name, record)
            self._batch.add(
                "attribute",
                {},
                file=record.file,
                line=record.line,
                parents={"link_id": entry, "taxonomy_term_id": term},
                key=f"{record.key}/term/{code}",
            )

    def _new(self, code: str, name: str, record: Record) -> UUID:
        place = {"file": record.file, "line": record.line}
        taxonomy = self._taxonomies.id_of(self._name, record.file, record.line)
        urn = f"urn:dovetail:taxonomy:{self._name}:{code}"
        self._ids[code] = uuid.uuid5(uuid.NAMESPACE_URL, urn)
        cells = {"id": str(self._ids[code]), "code": code, "name": name, "description": name}
        parents = {"taxonomy_id": taxonomy}
        self._batch.add("taxonomy_term", cells, parents=parents, **place)  # type: ignore[arg-type]
        return self._ids[code]
