"""What every page shares: where a person may go, and the box "Why is it not in CRMS?"."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

# Any of these lets a person ask why; they hear of their organizations alone.
MAY_ASK = ("referrals.view_referral", "integrations.view_servicelisting")
# What it is called, its URL, and the permission that opens it.
PLACES = (
    ("Home", "admin:index", ""),
    ("Work list", "admin:referrals_delivery_changelist", "referrals.view_delivery"),
    ("Referrals", "admin:referrals_referral_changelist", "referrals.view_referral"),
    (
        "Listings",
        "admin:integrations_servicelisting_changelist",
        "integrations.view_servicelisting",
    ),
    ("Mappings", "admin:mapping_mapping_changelist", "mapping.view_mapping"),
    ("Destinations", "admin:integrations_destination_changelist", "integrations.view_destination"),
)


@dataclass(frozen=True, slots=True)
class Place:
    label: str
    url: str
    current: bool


def shell_of(request: HttpRequest) -> dict[str, Any]:
    """Return the places that the person may open, and the URL of the box if they may use it."""
    return {
        "places": [
            Place(label, url, _is_current(request.path, url))
            for label, name, permission in PLACES
            if (url := _open_to(request.user, name, permission))
        ],
        "why_url": _open_to(request.user, "admin:why", "") if may_ask(request.user) else "",
    }


def may_ask(user: Any) -> bool:
    """Return whether the person may ask why a referral is not in CRMS."""
    return any(user.has_perm(permission) for permission in MAY_ASK)


def _open_to(user: Any, name: str, permission: str) -> str:
    """Return the URL of a page, or an empty string where there is none for this person."""
    if not (user.is_active and user.is_staff):
        return ""
    if permission and not user.has_perm(permission):
        return ""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _is_current(path: str, url: str) -> bool:
    return path == url or (url != reverse("admin:index") and path.startswith(url))
