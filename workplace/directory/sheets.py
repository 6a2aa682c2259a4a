"""What the page of each kind of entry has: its texts, facts, rows, and whether it has hours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from directory.models import Agency, EntryRow, Location, Service, ServiceAtLocation


@dataclass(frozen=True)
class Text:
    """A text of the entry in all languages; `lines` is its height on the page."""

    field: str
    label: Any
    lines: int = 1


@dataclass(frozen=True)
class Rows:
    """Rows of one table. The first column is the one that a row cannot be without."""

    table: str
    related: str  # what the entry's model calls them
    label: Any
    columns: Sequence[tuple[str, Any]]
    extra: int = 1  # empty rows to fill in


@dataclass(frozen=True)
class Sheet:
    """The page of one kind. `name` is that of its URL."""

    name: str
    model: type[EntryRow]
    texts: Sequence[Text]
    facts: Any
    rows: Sequence[Rows] = ()
    has_hours: bool = False
    has_terms: bool = False


def _date() -> forms.DateInput:
    return forms.DateInput({"type": "date"}, "%Y-%m-%d")


class Facts(forms.ModelForm):  # type: ignore[type-arg]
    """What is the same in all languages. `pairs` are fields of which the first is not above."""

    pairs: Sequence[tuple[str, str]] = ()

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for first, last in self.pairs:
            low, high = cleaned.get(first), cleaned.get(last)
            if low is not None and high is not None and low > high:
                self.add_error(last, _("This is before the other one."))
        for name in {"email", "verification_email"} & set(self.changed_data):
            text = cleaned.get(name) or ""
            if text and ("@" not in text or any(map(str.isspace, text))):
                self.add_error(name, _("This is not an e-mail address."))
        return cleaned


class ServiceFacts(Facts):
    pairs = (("minimum_age", "maximum_age"), ("alert_from", "alert_until"))

    class Meta:
        model = Service
        fields = (
            "status",
            "minimum_age",
            "maximum_age",
            "email",
            "alert_from",
            "alert_until",
            "assured_date",
        )
        widgets = {
            "email": forms.EmailInput(),
            "alert_from": _date(),
            "alert_until": _date(),
            "assured_date": _date(),
        }
        labels = {
            "status": _("Status"),
            "minimum_age": _("Youngest age"),
            "maximum_age": _("Oldest age"),
            "email": _("E-mail"),
            "alert_from": _("Notice from"),
            "alert_until": _("Notice until"),
            "assured_date": _("Last verified"),
        }


class AgencyFacts(Facts):
    class Meta:
        model = Agency
        fields = (
            "email",
            "verification_email",
            "tax_id",
            "year_incorporated",
            "assured_date",
        )
        widgets = {
            "email": forms.EmailInput(),
            "verification_email": forms.EmailInput(),
            "tax_id": forms.TextInput(),
            "assured_date": _date(),
        }
        labels = {
            "email": _("E-mail"),
            "verification_email": _("Verification address, which no reader sees"),
            "tax_id": _("Tax number"),
            "year_incorporated": _("Year of incorporation"),
            "assured_date": _("Last verified"),
        }


class LocationFacts(Facts):
    class Meta:
        model = Location
        fields = ("location_type", "latitude", "longitude", "assured_date")
        widgets = {"assured_date": _date()}
        labels = {
            "location_type": _("Kind of place"),
            "latitude": _("Latitude"),
            "longitude": _("Longitude"),
            "assured_date": _("Last verified"),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not {"latitude", "longitude"} & set(self.changed_data):
            return cleaned  # what came from a supplier stays as it came
        for name, most in (("latitude", 90), ("longitude", 180)):
            degrees = cleaned.get(name)
            if degrees is not None and not -most <= degrees <= most:
                text = _("Degrees are between -%(most)s and %(most)s.") % {"most": most}
                self.add_error(name, text)
        given = [cleaned.get("latitude"), cleaned.get("longitude")]
        if any(one is None for one in given) and any(one is not None for one in given):
            self.add_error("longitude", _("A place needs both coordinates, or neither."))
        if given == [0, 0]:
            self.add_error("longitude", _("0, 0 is in the Gulf of Guinea: leave both empty."))
        return cleaned


class PlaceFacts(Facts):
    class Meta:
        model = ServiceAtLocation
        fields = ("assured_date",)
        widgets = {"assured_date": _date()}
        labels = {"assured_date": _("Last verified")}


_PHONES = Rows(
    "phone",
    "phones",
    _("Phones"),
    (
        ("number", _("Number")),
        ("extension", _("Extension")),
        ("type", _("Kind")),  # voice, fax, …
        ("description", _("Name")),
    ),
    extra=2,
)
_CONTACTS = Rows(
    "contact",
    "contacts",
    _("Contacts"),
    (("name", _("Name")), ("title", _("Title")), ("email", _("E-mail"))),
)
_LANGUAGES = Rows(
    "language", "languages", _("Languages"), (("code", _("Code")), ("name", _("Name")))
)
_AREAS = Rows("service_area", "service_areas", _("Areas served"), (("name", _("Name")),))

SHEETS: Mapping[str, Sheet] = {
    sheet.model.KIND.value: sheet
    for sheet in (
        Sheet(
            "service",
            Service,
            (
                Text("name", _("Name")),
                Text("alternate_name", _("Other name")),
                Text("description", _("Description"), 5),
                Text("eligibility_description", _("Who it is for"), 3),
                Text("fees_description", _("Cost"), 2),
                Text("application_process", _("How to apply"), 3),
                Text("wait_time", _("Wait time")),
                Text("interpretation_services", _("Interpretation")),
                Text("alert", _("Notice"), 2),
                Text("url", _("Web address")),
            ),
            ServiceFacts,
            (
                _PHONES,
                _CONTACTS,
                _LANGUAGES,
                _AREAS,
                Rows(
                    "required_document",
                    "required_documents",
                    _("Documents to bring"),
                    (("document", _("Document")),),
                ),
            ),
            has_hours=True,
            has_terms=True,
        ),
        Sheet(
            "agency",
            Agency,
            (
                Text("name", _("Name")),
                Text("alternate_name", _("Other name")),
                Text("description", _("Description"), 5),
                Text("legal_status", _("Legal status")),
                Text("website", _("Web address")),
            ),
            AgencyFacts,
            (
                _PHONES,
                _CONTACTS,
                Rows(
                    "program",
                    "programs",
                    _("Programs"),
                    (("name", _("Name")), ("description", _("Description"))),
                ),
                Rows("funding", "funding", _("Funding"), (("source", _("Source")),)),
            ),
            has_terms=True,
        ),
        Sheet(
            "location",
            Location,
            (
                Text("name", _("Name")),
                Text("alternate_name", _("Other name")),
                Text("description", _("Description"), 3),
                Text("transportation", _("Getting there"), 2),
            ),
            LocationFacts,
            (
                Rows(
                    "address",
                    "addresses",
                    _("Addresses"),
                    (
                        ("address_1", _("Street")),
                        ("address_2", _("Unit")),
                        ("city", _("City")),
                        ("state_province", _("Province")),
                        ("postal_code", _("Postcode")),
                        ("country", _("Country")),
                        ("address_type", _("Kind")),
                    ),
                ),
                Rows(
                    "accessibility",
                    "accessibility",
                    _("Access"),
                    (("description", _("Description")), ("details", _("Details"))),
                ),
                _PHONES,
                _CONTACTS,
                _LANGUAGES,
            ),
            has_hours=True,
        ),
        Sheet(
            "place",
            ServiceAtLocation,
            (Text("description", _("Description"), 3),),
            PlaceFacts,
            (_PHONES, _CONTACTS, _AREAS),
            has_hours=True,
            has_terms=True,
        ),
    )
}
