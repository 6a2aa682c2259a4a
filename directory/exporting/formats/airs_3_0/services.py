"""Services at a site: what AIRS calls SiteService, which stands for a code at a place."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from directory.exporting.content.carried import Values
from directory.exporting.content.wording import Wording
from directory.exporting.formats.airs_3_0 import elements as made
from directory.exporting.formats.airs_3_0.elements import Element, element, parent
from directory.models import Taxonomy

_DATE = 10  # characters of a moment


class Services:
    """Makes elements of services. `terms` has the ids of the terms that stand in them."""

    def __init__(self, taxonomy: Taxonomy | None, wording: Wording) -> None:
        self.terms: set[str] = set()
        self._taxonomy = str(taxonomy.entry.hsds_id) if taxonomy else ""
        self._wording = wording

    def account(self, service: Values) -> bool:
        """Note what the elements of a service carry; return False for one without a code.

        Such a one has none: AIRS requires a code. Its name stands in its group.
        """
        if not self._codes(service):
            return False
        joined = service.get("service_at_locations") or ()
        # Hours of its own stand for those of the service, at each place that has them.
        are_shown = not joined or any(not one.get("schedules") for one in joined)
        list(self._parts(service, None, service.rows("schedules") if are_shown else []))
        return True

    def element(self, service: Mapping[str, Any], at: Values | None = None) -> Element | None:
        """Return a service at a place, or without one; None for one without a code."""
        values = Values("service", service)
        if not self._codes(values):
            return None
        schedules = (at.rows("schedules") if at else []) or values.rows("schedules")
        parts = self._parts(values, at, schedules)
        return parent("SiteService", parts, ServiceGroupKey=values.number or 0)

    def _codes(self, service: Values) -> list[str]:
        """Return the service's codes of the taxonomy of AIRS."""
        found = []
        for one in service.rows("attributes"):
            term = one.get("taxonomy_term") or {}
            taxonomy = term.get("taxonomy_detail", {}).get("id")
            if taxonomy and taxonomy == self._taxonomy and term.get("code"):
                one.take("taxonomy_term_id")
                self.terms.add(term["id"])
                found.append(term["code"])
        return found

    def _parts(
        self, service: Values, at: Values | None, schedules: Sequence[Values]
    ) -> Iterator[Element]:
        yield element("Name", service.text("name"))
        if at is not None and at.number:
            yield element("Key", at.number)
        described = [service.text("description"), at.text("description") if at else ""]
        if any(described):
            yield element("Description", "\n".join(filter(None, described)))
        yield from made.phone_elements(_both(service, at, "phones"))
        yield from made.time_open(schedules, self._wording)
        yield parent("Taxonomy", [element("Code", code) for code in self._codes(service)])
        yield from made.languages(service.rows("languages"))
        yield from self._areas(_both(service, at, "service_areas"))
        yield self._about(service)
        for one in service.rows("required_documents"):
            if document := one.text("document"):
                inside = [element("DocumentsRequired", document)]
                yield parent("DocumentsRequired", inside)
        if step := service.text("application_process"):
            yield parent("ApplicationProcess", [element("Step", step)])
        yield from made.fields("SiteService", "FeeStructure", service)
        if eligibility := service.text("eligibility_description"):
            yield element("OtherRequirements", eligibility)
        yield from self._ages(service)

    def _areas(self, found: list[Values]) -> Iterator[Element]:
        """Yield the areas. AIRS wants to know of what kind each is; names are towns, as a rule."""
        for one in found:
            if name := one.text("name"):
                inside = [element("City", name)]
                if description := one.text("description"):
                    inside.append(element("Description", description))
                yield parent("GeographicAreaServed", inside)

    def _about(self, service: Values) -> Element:
        days = {
            "DateLastVerified": service.text("assured_date"),
            "DateOfLastAction": service.text("last_modified")[:_DATE],
        }
        return element("ResourceInfo", **{name: day for name, day in days.items() if day})

    def _ages(self, service: Values) -> Iterator[Element]:
        ages = {}
        for name, column in (("MinimumAge", "minimum_age"), ("MaximumAge", "maximum_age")):
            age = service.get(column)
            if age is not None and age >= 0 and age == int(age):
                service.take(column)
                ages[name] = int(age)
        if ages:
            yield element("AgeRequirements", **ages)


def _both(service: Values, at: Values | None, name: str) -> list[Values]:
    """Return the rows of a service at a place, then those of the service."""
    return [*(at.rows(name) if at else ()), *service.rows(name)]
