"""The quality of the directory: each check, the entries that it finds, and where each is fixed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.admin import AdminSite
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from directory.models import Directory
from directory.quality import checks
from directory.quality.checks import Severity
from workplace.directory.shared import name_of, rows_by_key, shown, url_of

PER_PAGE = 50


@dataclass(frozen=True)
class Words:
    """A check in words: its name, what to do about it, and the part of the page where that is."""

    label: Any
    fix: Any
    part: str = "texts"


SEVERITIES: Mapping[Severity, tuple[str, Any]] = {
    Severity.ERROR: ("bad", gettext_lazy("Error")),
    Severity.WARNING: ("wait", gettext_lazy("Warning")),
    Severity.INFO: ("calm", gettext_lazy("To know")),
}
WORDS: Mapping[str, Words] = {
    "missing_description": Words(
        gettext_lazy("No description"), gettext_lazy("Write what it is, and for whom.")
    ),
    "missing_phone": Words(
        gettext_lazy("No phone"),
        gettext_lazy("Add a phone to the service or its agency."),
        "phones",
    ),
    "no_taxonomy": Words(
        gettext_lazy("No term"), gettext_lazy("Add a term, so that it is found by topic."), "terms"
    ),
    "no_schedule": Words(
        gettext_lazy("No hours"), gettext_lazy("Fill in the week, or add a rule."), "hours"
    ),
    "no_location": Words(
        gettext_lazy("No place"),
        gettext_lazy("Add a place, unless it is a phone line or comes to people."),
        "related-places",
    ),
    "no_coordinates": Words(
        gettext_lazy("No coordinates"), gettext_lazy("Fill in latitude and longitude."), "facts"
    ),
    "outside_area": Words(
        gettext_lazy("Far from its own postcode"),
        gettext_lazy("Correct the coordinates, or the postcode."),
        "facts",
    ),
    "incomplete_address": Words(
        gettext_lazy("Incomplete address"),
        gettext_lazy("Fill in street, city, province, postcode, and country."),
        "addresses",
    ),
    "verification_overdue": Words(
        gettext_lazy("Not verified for long"),
        gettext_lazy("Ask the agency, then enter the day under “Last verified”."),
        "facts",
    ),
    "no_mailbox": Words(
        gettext_lazy("No verification address"),
        gettext_lazy("Enter the address that we may ask."),
        "facts",
    ),
    "missing_translation": Words(
        gettext_lazy("Missing translation"), gettext_lazy("Translate its name and description.")
    ),
    "stale_translation": Words(
        gettext_lazy("Translation to check"),
        gettext_lazy("Translate what has changed, or say that it is right as it is."),
    ),
    "invalid_phone": Words(
        gettext_lazy("Phone number that does not exist"),
        gettext_lazy("Correct the number."),
        "phones",
    ),
    "invalid_postcode": Words(
        gettext_lazy("Postcode that does not exist"),
        gettext_lazy("Correct the postcode."),
        "addresses",
    ),
    "unreadable_hours": Words(
        gettext_lazy("Hours that cannot be computed"),
        gettext_lazy("Remove the rule, and fill in the week instead."),
        "hours",
    ),
    "expired_schedule": Words(
        gettext_lazy("Hours that have ended"),
        gettext_lazy("Remove the rule, or give it a later end."),
        "hours",
    ),
    "orphan": Words(
        gettext_lazy("Belongs to nothing"),
        gettext_lazy("Withdraw it, or add it where it belongs."),
        "presence",
    ),
    "dead_link": Words(
        gettext_lazy("Web address that cannot be opened"), gettext_lazy("Correct the address.")
    ),
    "duplicate": Words(
        gettext_lazy("Perhaps twice"),
        gettext_lazy("Compare the two: merge them, or keep them apart."),
    ),
    "confidential_in_text": Words(
        gettext_lazy("Text that reveals something confidential"),
        gettext_lazy("Take the street, number, or e-mail address out of the text."),
    ),
    "confidential_twice": Words(
        gettext_lazy("Held back until you decide"),
        gettext_lazy("Decide whether it is confidential, too."),
        "confidential",
    ),
}


def overview(site: AdminSite, directory: Directory, request: HttpRequest) -> HttpResponse:
    """List the checks that find something, the worst first, and name those that find nothing."""
    found = [(check, len(keys)) for check, keys in checks.find(directory)]
    order = list(Severity)
    found.sort(key=lambda one: (order.index(one[0].severity), -one[1]))
    rows = [{**_in_words(check), "count": count} for check, count in found if count]
    clean = [str(_words(check.key).label) for check, count in found if not count]
    return shown(site, request, "quality", _("Quality"), {"rows": rows, "clean": clean})


def one_check(
    site: AdminSite, directory: Directory, request: HttpRequest, check_key: str
) -> HttpResponse:
    """List the entries that one check finds, each with a link to where it is fixed."""
    found = list(checks.find(directory, [check_key]))
    if not found:
        raise Http404
    check, keys = found[0]
    page = Paginator(keys, PER_PAGE).get_page(request.GET.get("page"))
    named = rows_by_key(list(page))
    words = _words(check.key)
    rows = [
        {
            "kind": row.entry.get_kind_display(),
            "name": name_of(row, directory),
            "url": f"{url}#{words.part}" if (url := url_of(row)) else "",
            "supplier": row.entry.supplier.name if row.entry.supplier_id else "",
        }
        for row in (named[one] for one in page if one in named)
    ]
    context = {**_in_words(check), "page": page, "rows": rows, "count": len(keys)}
    if check.key == "confidential_twice":
        context["decide_url"] = reverse("admin:directory_undecided")
    if check.key == "duplicate":
        context["decide_url"] = reverse("admin:directory_duplicates")
    return shown(site, request, "quality_check", str(words.label), context)


def _words(key: str) -> Words:
    """Return a check in words; one that has none yet, such as another app's, by its key."""
    return WORDS.get(key) or Words(key.replace("_", " ").capitalize(), "")


def _in_words(check: checks.Check) -> dict[str, Any]:
    state, severity = SEVERITIES[check.severity]
    words = _words(check.key)
    return {
        "label": words.label,
        "fix": words.fix,
        "state": state,
        "severity": severity,
        "url": reverse("admin:directory_quality_check", args=[check.key]),
    }
