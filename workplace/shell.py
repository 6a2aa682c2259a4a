"""What every page shares: one navigation, by what people do, and the box that finds anything."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from access.roles import EDIT_DIRECTORY
from core import audit
from directory.models import Directory
from workplace.guide import help_url

# Any of these lets a person ask why; they hear of their organizations alone.
MAY_ASK = ("referrals.view_referral", "integrations.view_servicelisting")


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the navigation: what it is called, its URL's name, what permission opens it.

    `key` leads there after "g".
    """

    label: str | Promise
    name: str
    permission: str | tuple[str, ...] = ""
    key: str = ""


# The first group has no heading: it is what people open daily, and stands at the thumb on a phone.
GROUPS: tuple[tuple[str | Promise, tuple[Page, ...]], ...] = (
    (
        "",
        (
            Page(_("Home"), "index", key="h"),
            Page(_("Work list"), "referrals_delivery_changelist", "referrals.view_delivery", "w"),
            Page(_("Referrals"), "referrals_referral_changelist", "referrals.view_referral", "r"),
            Page(
                _("Events"),
                "referrals_inboundevent_changelist",
                "referrals.view_inboundevent",
                "e",
            ),
            Page(_("Bulk retries"), "referrals_bulkretry_changelist", "referrals.view_bulkretry"),
            Page(_("Runs"), "referrals_run_changelist", "referrals.view_run"),
        ),
    ),
    (
        _("Set up"),
        (
            Page(
                _("Listings"),
                "integrations_servicelisting_changelist",
                "integrations.view_servicelisting",
                "l",
            ),
            Page(_("Mappings"), "mapping_mapping_changelist", "mapping.view_mapping", "m"),
            Page(
                _("Destinations"),
                "integrations_destination_changelist",
                "integrations.view_destination",
                "d",
            ),
            Page(_("Alerts"), "workplace_alert_changelist", "workplace.view_alert"),
            Page(
                _("Alert recipients"),
                "workplace_alertrecipient_changelist",
                "workplace.view_alertrecipient",
            ),
            Page(
                _("Alert settings"),
                "workplace_alertsettings_changelist",
                "workplace.view_alertsettings",
            ),
        ),
    ),
    (
        _("Directory"),
        (
            Page(_("Services"), "directory_services", EDIT_DIRECTORY),
            Page(_("Agencies"), "directory_agencies", EDIT_DIRECTORY),
            Page(_("Locations"), "directory_locations", EDIT_DIRECTORY),
            Page(_("Corrections"), "directory_corrections", EDIT_DIRECTORY),
            Page(_("Decisions"), "directory_undecided", EDIT_DIRECTORY),
            Page(_("Quality"), "directory_quality", EDIT_DIRECTORY),
            Page(_("Data partners"), "directory_data_partners", EDIT_DIRECTORY),
            Page(_("Duplicates"), "directory_duplicates", EDIT_DIRECTORY),
            Page(_("Suppliers"), "directory_suppliers", EDIT_DIRECTORY),
            Page(_("Files"), "directory_files", EDIT_DIRECTORY),
        ),
    ),
    (
        _("Administration"),
        (
            Page(
                _("Organizations"),
                "integrations_organization_changelist",
                "integrations.view_organization",
            ),
            Page(_("Onboarding"), "onboarding", "integrations.view_organization"),
            Page(_("Sources"), "integrations_source_changelist", "integrations.view_source"),
            Page(_("People"), "auth_user_changelist", "auth.view_user"),
            Page(_("Roles"), "auth_group_changelist", "auth.view_group"),
            Page(_("API tokens"), "access_apitoken_changelist", "access.view_apitoken"),
            Page(
                _("Retention"),
                "referrals_retentionperiod_changelist",
                "referrals.view_retentionperiod",
            ),
            Page(_("Audit"), "core_auditevent_changelist", audit.READ_BY),
            Page(_("Configuration"), "configuration_import", "access.see_all_organizations"),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Place:
    label: str
    url: str
    current: bool
    key: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    label: str
    places: list[Place]


def shell_of(request: HttpRequest) -> dict[str, Any]:
    """Return the places that the person may open, the URL of the box if they may, and of help."""
    groups = [
        Group(str(label), places)
        for label, pages in GROUPS
        if (places := [*_places(request, pages)])
    ]
    return {
        "groups": groups,
        "find_url": _url(request, Page("", "find")),
        "help_url": help_url(request) if groups else "",
    }


def places_of(request: HttpRequest) -> list[Place]:
    """Return every place of the navigation that the person may open."""
    return [place for group in shell_of(request)["groups"] for place in group.places]


def may_ask(user: Any) -> bool:
    """Return whether the person may ask why a referral is not in CRMS."""
    return any(user.has_perm(permission) for permission in MAY_ASK)


def _places(request: HttpRequest, pages: tuple[Page, ...]) -> Iterator[Place]:
    home, services = _reverse("index"), _reverse("directory_services")
    for page in pages:
        if url := _url(request, page):
            # Other pages of the navigation stand below these two.
            below = f"{url}services/" if url in (home, services) else url
            is_current = request.path == url or request.path.startswith(below)
            yield Place(str(page.label), url, is_current, page.key)


def has_directory(request: HttpRequest) -> bool:
    """Return whether the portal has a directory; asked once a request."""
    known: bool | None = getattr(request, "_has_directory", None)
    if known is None:
        known = Directory.objects.exists()
        request._has_directory = known  # type: ignore[attr-defined]
    return known


def _url(request: HttpRequest, page: Page) -> str:
    """Return the URL of a page, or an empty string where there is none for this person."""
    user: Any = request.user
    if not (user.is_active and user.is_staff):
        return ""
    needed = (page.permission,) if isinstance(page.permission, str) else page.permission
    if any(needed) and not user.has_perms(needed):
        return ""
    # A superuser has the permission of what is not there, too. Nobody else is asked about here.
    if page.permission == EDIT_DIRECTORY and not has_directory(request):
        return ""
    return _reverse(page.name)


def _reverse(name: str) -> str:
    """Return the URL of a page of the admin, or an empty string where there is none."""
    return _known_url(name, get_urlconf(), get_script_prefix())


@cache
def _known_url(name: str, urlconf: str | None, prefix: str) -> str:
    """Return the URL of a page: found once, for every page names all of the navigation."""
    try:
        return reverse(f"admin:{name}", urlconf)
    except NoReverseMatch:
        return ""
