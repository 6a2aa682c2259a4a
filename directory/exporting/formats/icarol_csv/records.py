"""Entries as iCarol's rows: cells by heading."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from directory.exporting.content.carried import Tally, Values
from directory.exporting.content.reading import Described, described, objects
from directory.exporting.content.wording import Wording, wording
from directory.exporting.formats.icarol_csv import people
from directory.fields import in_language
from directory.formats import icarol
from directory.hours import icarol as icarol_hours
from directory.models import HIDDEN, Directory, Kind, Taxonomy, View
from directory.reading.coordinates import as_text
from directory.reading.days import parse_moment
from directory.tables import LISTS

Cells = dict[str, Any]
_LEVELS = {table: level for level, table in icarol.LEVELS.items()}
_LANGUAGES = {"en": "English", "fr": "French"}
_WITH_HOURS = ("service", "location", "service_at_location")
_DO_NOT_REFER = "Active but do not refer"
_STATUSES = {
    "active": "Active",
    "temporarily closed": _DO_NOT_REFER,
    "inactive": "Inactive",
    "defunct": "Inactive",
}
# What these statuses become comes back as another one.
_NOT_CARRIED = ("temporarily closed", "defunct")
_SEPARATORS = (";", "\n")  # within a cell that has several items


class Records:
    """The rows of a file, one by one."""

    def __init__(self, view: View, language: str, tally: Tally) -> None:
        self.directory = Directory.objects.get()
        self.language = language
        self.wording: Wording = wording(self.directory, language)
        self.terms: set[str] = set()  # that a service has, by their ids
        airs = Taxonomy.named(self.directory.airs_name)
        self.airs = str(airs.entry.hsds_id) if airs else ""
        self._view = view
        self._tally = tally

    def __iter__(self) -> Iterator[Cells]:
        for kind in icarol.LEVELS.values():
            is_site = kind == Kind.LOCATION
            for one in described(self._view, kind, self.language, with_owners=is_site):
                record = _Record(self, kind, one)
                yield record.cells()
                record.values.leave_out_rest(self._tally)
                self._tally.rows[kind] += 1
        self._leave_out_terms()

    def moment(self, moment: datetime | None) -> str:
        """Return a moment as iCarol writes it, by the clock on the wall."""
        return f"{moment.astimezone(self.directory.zone):%Y-%m-%d %H:%M:%S}" if moment else ""

    def name(self, texts: Mapping[str, str]) -> str:
        return in_language(texts, self.language, self.directory.languages)

    def _leave_out_terms(self) -> None:
        """Count what is in no row: of terms, all but the code and name beside a service."""
        for kind in (Kind.TAXONOMY, Kind.TAXONOMY_TERM):
            for value in objects(self._view, kind, self.language):
                values = Values(kind.value, value)
                if value["id"] in self.terms:
                    values.take_all(("code", "name", "taxonomy_id"))
                values.leave_out_rest(self._tally)


class _Record:
    """One row."""

    def __init__(self, of: Records, table: str, one: Described) -> None:
        self.values = Values(table, one.value)
        self._of = of
        self._table = table
        self._one = one
        self._entry = one.row.entry
        self._is_hidden = self._entry.secrecy in HIDDEN

    def cells(self) -> Cells:
        """Return the cells of the row; what is absent is not there."""
        cells = self._account() | self._parents() | self._own_columns() | self._rows()
        cells |= people.phones(self.values.rows("phones"))
        if self._table in _WITH_HOURS:
            hours = self._of.wording.take(self.values.rows("schedules"))
            cells["Hours"] = icarol_hours.format_hours(hours.weekly)
            cells["HoursOfOperation"] = hours.words
        if self._table == "organization":
            cells |= people.contacts(self.values.rows("contacts"))
        if self._table == "location":
            cells |= people.addresses(self.values.rows("addresses"), is_hidden=self._is_hidden)
        if self._table == "service":
            cells |= self._terms()
        return cells

    def _account(self) -> Cells:
        """Return what every row says of its entry."""
        entry = self._entry
        excluded = "Yes" if entry.not_public else "No"
        of = self._of
        return {
            "ResourceAgencyNum": entry.number,
            "TaxonomyLevelName": _LEVELS[self._table],
            "RecordOwner": of.directory.record_owner,
            "UniqueIDPriorSystem": "" if self._is_hidden else entry.supplier_key,
            "AgencyStatus": self._status(),
            "ExcludeFromWebsite": excluded,
            "ExcludeFromDirectory": excluded,
            "UpdatedOn": of.moment(self._updated()),
            "LanguageOfRecord": _LANGUAGES.get(of.language[:2], of.language),
        }

    def _status(self) -> str:
        status = self.values.take("status") or "active"
        if status in _NOT_CARRIED:
            self.values.put_back("status")
        if self._entry.not_public and status == "active":
            return _DO_NOT_REFER
        return _STATUSES.get(status, "Active")

    def _updated(self) -> datetime | None:
        if self._table == "service":
            return parse_moment(self.values.take("last_modified") or "")
        moment: datetime | None = self._entry.last_modified
        return moment

    def _parents(self) -> Cells:
        """Return the numbers and names of what the entry belongs to: an agency names itself."""
        value = self._one.value
        if self._table == "service_at_location":
            service, place = value["service"], value["location"]
            organization = service.get("organization", {})
            return _agency(organization) | {
                "PublicName": service["name"],
                "ConnectsToProgramNum": service.get("x_number"),
                "ConnectsToSiteNum": place.get("x_number"),
                "ProgramAgencyNamePublic": service["name"],
                "SiteAgencyNamePublic": place.get("name") or organization.get("name"),
                "IsLinkOnly": "TRUE",
            }
        if self._table == "location":
            return self._owner()
        return _agency(value if self._table == "organization" else value.get("organization", {}))

    def _owner(self) -> Cells:
        owner = self._one.owner
        if owner is None:
            return {}
        name = self._of.name(owner.name)
        # A site needs a name: one that has none is called as its agency.
        return _agency({"name": name, "x_number": owner.entry.number}) | {"PublicName": name}

    def _own_columns(self) -> Cells:
        cells: Cells = {}
        for cell in icarol.CELLS:
            if self._table not in cell.tables or self.values.get(cell.column) is None:
                continue
            value = self.values.take(cell.column)
            is_place = cell.column in ("latitude", "longitude")
            cells[cell.heading] = as_text(value) if is_place else value
        for cell in icarol.DAYS:
            if self._table in cell.tables and (day := self._day(cell.column)):
                cells[cell.heading] = f"{day} 00:00:00"
        return cells

    def _day(self, column: str) -> date | str | None:
        """Return a day: of a service only with what it is shown with."""
        if self._table != "service":
            day: date | None = getattr(self._one.row, column)
            return None if self._is_hidden else day
        if column == "assured_date":
            return self.values.text(column)
        return getattr(self._one.row, column) if "alert" in self._one.value else None

    def _rows(self) -> Cells:
        """Return what stands in rows of other tables: several in one cell."""
        cells: Cells = {}
        for heading, (table, column, tables) in icarol.ROWS.items():
            if self._table in tables:
                texts = [one.text(column) for one in self._list(table)]
                cells[heading] = "; ".join(filter(None, texts))
        for heading, (table, column, tables) in icarol.ITEMS.items():
            if self._table in tables:
                items = [_item(one, column) for one in self._list(table)]
                cells[heading] = "".join(f"{item}; " for item in filter(None, items))
        if offered := cells.get("LanguagesOfferedList"):
            cells["LanguagesOfferedList"] = offered.removesuffix("; ")
        return cells

    def _list(self, table: str) -> list[Values]:
        name = next(name for name, of in LISTS[self._table].items() if of == table)
        return self.values.rows(name)

    def _terms(self) -> Cells:
        codes, names = [], []
        for one in self.values.rows("attributes"):
            term = one.get("taxonomy_term") or {}
            taxonomy = term.get("taxonomy_detail", {}).get("id")
            if taxonomy == self._of.airs and _is_one(term.get("code", "")):
                one.take("taxonomy_term_id")
                self._of.terms.add(term["id"])
                codes.append(term["code"])
                names.append(term["name"].replace(";", ","))
        return {"TaxonomyCodes": "; ".join(codes), "TaxonomyTerm": "".join(f"{n}; " for n in names)}


def _agency(organization: Mapping[str, Any]) -> Cells:
    return {
        "ParentAgency": organization.get("name"),
        "ParentAgencyNum": organization.get("x_number"),
    }


def _item(one: Values, column: str) -> str:
    """Return an item of a cell that has several; a language without a name goes by its code."""
    if column == "name" and one.table == "language" and not one.get("name"):
        column = "code"
    return one.text(column) if _is_one(one.get(column) or "") else ""


def _is_one(text: str) -> bool:
    """Return whether a text can be one of several items: a separator in it would make it two."""
    return bool(text) and not any(separator in text for separator in _SEPARATORS)
