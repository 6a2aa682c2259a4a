"""Entries as the objects of HSDS 3.1 JSON, in one language.

What is confidential or withdrawn is left out here, once for every reader. What is absent, empty, or
refused by a format of the standard is left out, too: a row that lacks what HSDS requires goes.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import Model

from directory import models as rows
from directory.answers import formats
from directory.answers.loading import Loaded
from directory.fields import in_language
from directory.hours import closings as closing_days
from directory.hours.times import RowTime, winter_offset
from directory.models import HIDDEN, Directory, Entry
from directory.reading import phones
from directory.tables import LISTS, TABLES, WITHOUT_ATTRIBUTES, Column, Sort

Json = dict[str, Any]

# Stands where a service's last_modified is to be: it is known only after the answer is stored. No
# text of an entry can look like it: within a JSON string its quotation marks are escaped.
LAST_MODIFIED = "@last_modified"

_FREQUENCIES = ("WEEKLY", "MONTHLY")
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
NEUTRAL_NAME = {"en": "Confidential location", "fr": "Lieu confidentiel"}
_EXTENSION = {"en": "ext.", "fr": "poste"}
# References that JSON shows; all others are shown by nesting.
_SHOWN = {
    ("organization", "parent_organization_id"),
    ("location", "organization_id"),
    ("taxonomy_term", "parent_id"),
}


def is_out(entry: Entry) -> bool:
    """Return whether the entry is in no view at all. A confidential location is, without a name."""
    return bool(entry.withdrawn_by) or (
        entry.secrecy in HIDDEN and entry.kind != rows.Kind.LOCATION
    )


def is_hidden(entry: Entry) -> bool:
    return entry.secrecy in HIDDEN


class Renderer:
    """Makes objects of what was loaded. Each entry is rendered once and may be nested often.

    `terms` has the keys of the terms that each entry shows of its own, by its key.
    """

    def __init__(self, loaded: Loaded, directory: Directory, language: str, today: date) -> None:
        self.loaded = loaded
        self.language = language
        self.terms: dict[int, set[int]] = defaultdict(set)
        self._today = today
        self._languages: list[str] = directory.languages
        self._winter = winter_offset(directory.zone, today.year)
        self._made: dict[tuple[str, int], Json] = {}
        self._finishers: dict[str, Callable[[Any, Json], None]] = {
            "attribute": self._finish_attribute,
            "contact": self._finish_email,
            "organization": self._finish_email,
            "phone": self._finish_phone,
            "schedule": self._finish_schedule,
            "service": self._finish_service,
            "service_capacity": self._finish_capacity,
        }

    # -- entries, whole, as they are nested -----------------------------------------------------

    def organization(self, key: int) -> Json:
        """Return an agency with everything but its locations and services."""
        return self._entry("organization", self.loaded.agencies[key])

    def service(self, key: int) -> Json:
        """Return a service with its agency and program, and without the places where it is."""
        service = self.loaded.services[key]
        made = self._entry("service", service)
        if "organization" not in made and (agency := self._shown(service.organization_id)):
            made["organization"] = self.organization(agency)
        if "program" not in made and (program := self._program(service)):
            made["program"] = program
        return made

    def service_at_location(self, key: int) -> Json:
        """Return a service at a location with its location, and without its service."""
        one = self.loaded.services_at[key]
        made = self._entry("service_at_location", one)
        made["location"] = self.location(one.location_id)
        if is_hidden(self.loaded.entries[one.location_id]):
            made.pop("description", None)
        return made

    def location(self, key: int) -> Json:
        """Return a location; of a confidential one nothing but its id and type."""
        location = self.loaded.locations[key]
        if not is_hidden(location.entry):
            return self._entry("location", location)
        return {
            "id": str(location.entry.hsds_id),
            "location_type": location.location_type,
            "name": self._text(NEUTRAL_NAME),
        }

    def taxonomy_term(self, key: int) -> Json:
        term = self.loaded.terms[key]
        made = self._entry("taxonomy_term", term)
        if taxonomy := self._shown(term.taxonomy_id):
            made["taxonomy_detail"] = self.taxonomy(taxonomy)
        return made

    def taxonomy(self, key: int) -> Json:
        return self._entry("taxonomy", self.loaded.taxonomies[key])

    # -- the answers of entries -----------------------------------------------------------------

    def answer(self, entry: Entry) -> Json:
        """Return what the entry's own path answers."""
        make: dict[str, Callable[[int], Json]] = {
            "organization": self._organization_answer,
            "service": self._service_answer,
            "service_at_location": self._service_at_location_answer,
            "location": self.location,
            "taxonomy": self.taxonomy,
            "taxonomy_term": self.taxonomy_term,
        }
        return make[entry.kind](entry.pk)

    def _organization_answer(self, key: int) -> Json:
        lists = self.loaded.lists
        made = dict(self.organization(key))
        locations = self._present(lists["location", "organization", key])
        if locations:
            made["locations"] = [
                _without(self.location(one.pk), "organization_id") for one in locations
            ]
        made["services"] = [
            {
                "id": str(service.entry.hsds_id),
                "name": self._name(service),
                "status": service.status,
            }
            for service in self._present(lists["service", "organization", key])
        ]
        return made

    def _service_answer(self, key: int) -> Json:
        made = dict(self.service(key))
        places = [
            one
            for one in self._present(self.loaded.lists["service_at_location", "service", key])
            if not is_out(self.loaded.entries[one.location_id])
        ]
        if places:
            made["service_at_locations"] = [self.service_at_location(one.pk) for one in places]
        return made

    def _service_at_location_answer(self, key: int) -> Json:
        service = self.service(self.loaded.services_at[key].service_id)
        return {**self.service_at_location(key), "service": service}

    # -- rows -----------------------------------------------------------------------------------

    def _entry(self, table: str, row: rows.EntryRow) -> Json:
        if (table, row.pk) not in self._made:
            self._made[table, row.pk] = self._object(table, row, row.pk)
        return self._made[table, row.pk]

    def _object(self, table: str, row: Any, of: int) -> Json:
        """Return a row with its lists; its terms are noted for the entry with the key `of`."""
        made = {}
        for column in TABLES[table].columns.values():
            value = self._value(table, column, row)
            if value not in ("", None):
                made[column.name] = value
        if finish := self._finishers.get(table):
            finish(row, made)
        if "description" in TABLES[table].required and "description" not in made:
            made["description"] = self._name(row)
        if "name" in TABLES[table].required:
            made["name"] = self._name(row)
        for key, nested in LISTS.get(table, {}).items():
            if nested not in ("location", "service_at_location"):
                self._add_list(made, key, self._rows(nested, table, row, of))
        if table not in WITHOUT_ATTRIBUTES:
            self._add_list(made, "attributes", self._rows("attribute", table, row, of))
        return made

    def _add_list(self, made: Json, key: str, found: list[Json]) -> None:
        if found:
            made[key] = found

    def _rows(self, table: str, parent: str, row: Model, of: int) -> list[Json]:
        found = []
        for child in self.loaded.lists.get((table, parent, row.pk), ()):
            if self._may_be_seen(table, child):
                made = self._object(table, child, of)
                if made.keys() >= TABLES[table].required:
                    found.append(made)
                    if table == "attribute" and child.taxonomy_term_id:
                        self.terms[of].add(child.taxonomy_term_id)
        return found

    def _may_be_seen(self, table: str, row: Any) -> bool:
        if table in ("phone", "contact"):
            return row.secrecy not in HIDDEN
        if table == "address":
            return not row.private
        if table == "attribute" and row.taxonomy_term_id:
            return not is_out(self.loaded.entries[row.taxonomy_term_id])
        return table != "service_capacity" or row.unit_id in self.loaded.units

    # -- values ---------------------------------------------------------------------------------

    def _value(self, table: str, column: Column, row: Any) -> Any:
        sort = column.sort
        if sort is Sort.ID:
            return str(row.entry.hsds_id if column.field == "entry.hsds_id" else row.hsds_id)
        if sort is Sort.REFERENCE:
            return self._reference(table, column, row)
        if sort is Sort.LINKED or column.field.startswith("entry.") or sort is Sort.TIME:
            return None  # by nesting, or by a finisher
        value = getattr(row, column.field)
        if sort in (Sort.TEXT, Sort.LINK):
            value = self._text(value)
        return _formatted(column, value)

    def _reference(self, table: str, column: Column, row: Any) -> str | None:
        key = getattr(row, f"{column.field}_id")
        if (table, column.name) not in _SHOWN or not (shown := self._shown(key)):
            return None
        return str(self.loaded.entries[shown].hsds_id)

    def _shown(self, key: int | None) -> int | None:
        """Return the key of an entry that may be shown, else None."""
        entry = self.loaded.entries.get(key or 0)
        return None if entry is None or is_out(entry) else entry.pk

    def _present(self, found: Iterable[Any]) -> list[Any]:
        return [row for row in found if not is_out(row.entry)]

    def _text(self, texts: dict[str, str]) -> str:
        return in_language(texts, self.language, self._languages)

    def _name(self, row: Any) -> str:
        """Return a name, which HSDS requires: without one another name, or else the id."""
        alternate = getattr(row, "alternate_name", {})
        entry = row.entry if isinstance(row, rows.EntryRow) else row
        return self._text(row.name) or self._text(alternate) or str(entry.hsds_id)

    # -- what single tables have beside -----------------------------------------------------------

    def _finish_email(self, row: Any, made: Json) -> None:
        if row.email_secrecy in HIDDEN:
            made.pop("email", None)

    def _finish_service(self, service: rows.Service, made: Json) -> None:
        self._finish_email(service, made)
        made["last_modified"] = LAST_MODIFIED
        first, last = service.alert_from, service.alert_until
        if (first and self._today < first) or (last and self._today > last):
            made.pop("alert", None)
        self._put_closings(made, "alert", self.loaded.lists["closing", "service", service.pk])

    def _finish_schedule(self, schedule: rows.Schedule, made: Json) -> None:
        for name in ("opens_at", "closes_at"):
            if (clock := getattr(schedule, name)) is not None:
                offset = getattr(schedule, f"{name}_offset")
                time = RowTime(clock.hour * 60 + clock.minute, offset)
                made[name] = time.to_json(self._winter)
        for name, known in (("freq", _FREQUENCIES), ("wkst", _DAYS)):
            if made.get(name, known[0]) not in known:
                del made[name]
        self._put_closings(made, "notes", self.loaded.lists["closing", "schedule", schedule.pk])

    def _put_closings(self, made: Json, name: str, closings: Iterable[rows.Closing]) -> None:
        days = [closing_days.Closing(one.first_day, one.last_day) for one in closings]
        if days:
            made[name] = closing_days.join(days, made.get(name, ""), self.language)

    def _finish_phone(self, phone: rows.Phone, made: Json) -> None:
        """Put an extension that is no plain number, such as 007, into the description."""
        extension = made.pop("extension", "")
        if phones.is_plain_extension(extension):
            made["extension"] = int(extension)
        elif extension:
            text = f"{self._text(_EXTENSION)} {extension}"
            made["description"] = (
                f"{made['description']} ({text})" if "description" in made else text
            )

    def _finish_attribute(self, attribute: rows.Attribute, made: Json) -> None:
        if attribute.taxonomy_term_id:
            made["taxonomy_term"] = self.taxonomy_term(attribute.taxonomy_term_id)

    def _finish_capacity(self, capacity: rows.ServiceCapacity, made: Json) -> None:
        made["unit"] = self._object(
            "unit", self.loaded.units[capacity.unit_id], capacity.service_id
        )

    def _program(self, service: rows.Service) -> Json | None:
        """Return a service's program, unless its agency is out."""
        program = self.loaded.programs.get(service.program_id or 0)
        if program is None or not self._shown(program.organization_id):
            return None
        made = self._object("program", program, service.pk)
        if program.organization_id != service.organization_id:
            agency = self.loaded.entries[program.organization_id]
            made = {**made, "organization_id": str(agency.hsds_id)}
        return made


def _formatted(column: Column, value: Any) -> Any:
    if value is None or isinstance(value, str):
        form = {"uri": formats.uri, "email": formats.email}.get(column.format)
        return form(value) if form and value else value
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return value.isoformat()
    return formats.number(value)


def moment(value: datetime) -> str:
    """Return a moment as answers write it: `2026-11-30T14:05:06.123456Z`."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _without(made: Json, key: str) -> Json:
    return {name: value for name, value in made.items() if name != key}
