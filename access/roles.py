"""Who may do what: three groups, renewed with each `migrate`, and one more with a directory.

Whoever needs something else makes a group of their own beside these.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import connection

LIAISON = "Liaison"
SUPPORT = "Support"
ADMINISTRATOR = "Administrator"
DIRECTORY_EDITOR = "Directory editor"

SEES_WHAT_HAPPENED = (
    "referrals.view_referral",
    "referrals.view_inboundevent",
    "referrals.view_delivery",
    "referrals.view_bulkretry",
    "referrals.view_run",
    "referrals.view_destinationjob",
)
SEES_CONFIGURATION = (
    "integrations.view_organization",
    "integrations.view_servicelisting",
    "integrations.view_destination",
    "integrations.view_triggerconfig",
    "mapping.view_mapping",
    "mapping.view_fieldrule",
    "mapping.view_valuetable",
)
CONNECTS_LISTINGS = tuple(
    f"{app}.{action}_{model}"
    for app, models in {
        "integrations": ("servicelisting", "triggerconfig"),
        "mapping": ("mapping", "fieldrule", "valuetable", "valuetableentry"),
    }.items()
    for model in models
    for action in ("add", "change", "delete", "view")
)
DECIDES = ("referrals.decide_delivery", "referrals.read_body")
SENDS = ("referrals.send_referral",)
SEES_ALERTS = (
    "workplace.view_alert",
    "workplace.view_alertrecipient",
    "workplace.view_alertsettings",
)
SETS_ALERTS = tuple(
    f"workplace.{action}_{model}"
    for model in ("alertrecipient", "alertsettings")
    for action in ("add", "change", "delete")
)
CONNECTS_SYSTEMS = (
    "workplace.connect_webhook",
    *(
        f"integrations.{action}_{model}"
        for model in ("organization", "source", "destination")
        for action in ("add", "change", "delete", "view")
    ),
    *(f"integrations.{action}_sourcecredential" for action in ("add", "change", "view")),
    *(f"auth.{action}_{model}" for model in ("user", "group") for action in ("add", "change")),
    "auth.view_user",
    "auth.view_group",
    *(f"referrals.{action}_retentionperiod" for action in ("add", "change", "delete", "view")),
    "referrals.place_legal_hold",
    "core.view_auditevent",
    *(f"access.{action}_apitoken" for action in ("add", "delete", "view")),
    "access.see_all_organizations",
)

EDIT_DIRECTORY = "directory.change_service"  # opens every screen of the directory
# Shows what the directory says of a listing. The usual roles have it where there is a directory, so
# that elsewhere no page asks the database about one.
SEE_LINKED_SERVICE = "directory.view_listinglink"

ROLES: dict[str, tuple[str, ...]] = {
    LIAISON: (*SEES_CONFIGURATION, *CONNECTS_LISTINGS, *SEES_ALERTS, *SETS_ALERTS),
    SUPPORT: (*SEES_WHAT_HAPPENED, *SEES_CONFIGURATION, *DECIDES, *SENDS, *SEES_ALERTS),
    ADMINISTRATOR: (
        *SEES_WHAT_HAPPENED,
        *SEES_CONFIGURATION,
        *CONNECTS_LISTINGS,
        *CONNECTS_SYSTEMS,
        *DECIDES,
        *SENDS,
        *SEES_ALERTS,
        *SETS_ALERTS,
    ),
}


# Roles of what not every portal has: each exists where that is set up.
OPTIONAL_ROLES: dict[str, tuple[str, ...]] = {DIRECTORY_EDITOR: (EDIT_DIRECTORY,)}


def install_role(name: str) -> None:
    """Create the group of one of OPTIONAL_ROLES, and give it exactly its permissions."""
    group, _created = Group.objects.get_or_create(name=name)
    group.permissions.set(_found(OPTIONAL_ROLES[name]))
    install_roles()


def install_roles(**_: Any) -> None:
    """Create the groups, and give each exactly its permissions."""
    if Group._meta.db_table not in connection.introspection.table_names():
        return  # migrated backwards
    has_directory = Group.objects.filter(name=DIRECTORY_EDITOR).exists()
    more = (SEE_LINKED_SERVICE,) if has_directory else ()
    for name, permissions in ROLES.items():
        group, _created = Group.objects.get_or_create(name=name)
        group.permissions.set(_found((*permissions, *more)))


def _found(names: Iterable[str]) -> list[Permission]:
    wanted = set(names)
    known = Permission.objects.select_related("content_type")
    return [one for one in known if f"{one.content_type.app_label}.{one.codename}" in wanted]
