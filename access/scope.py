"""Which organizations a person may see, and limiting rows to them.

Everything that shows rows to a person passes here: lists, forms, choices, filters, files, actions.
"""

from typing import Any, TypeVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, Q, QuerySet

from access.models import Membership

SEE_ALL = "access.see_all_organizations"
User = AbstractBaseUser | AnonymousUser
Row = TypeVar("Row", bound=Model)


def sees_all(user: Any) -> bool:
    """Return whether the person may see every organization: an administrator."""
    return bool(user.has_perm(SEE_ALL))


def organization_ids(user: Any) -> list[int]:
    """Return the keys of the organizations that the person is a member of; asked once a request.

    What it means for those who see all is nothing: ask `sees_all` first, or use `limited`.
    """
    known: list[int] | None = getattr(user, "_organization_ids", None)
    if known is None:
        members = Membership.objects.filter(user=user.pk) if user.pk else Membership.objects.none()
        known = user._organization_ids = list(members.values_list("organization", flat=True))
    return known


def limited(
    rows: QuerySet[Row], user: Any, organization: str = "organization", *, shared: bool = False
) -> QuerySet[Row]:
    """Return those rows that belong to the person's organizations.

    `organization` is the path from a row to its organization ("pk" for organizations themselves).
    With `shared`, rows that belong to none are everybody's.
    """
    if sees_all(user):
        return rows
    mine = Q(**{f"{organization}__in": organization_ids(user)})
    if shared:
        mine |= Q(**{f"{organization}__isnull": True})
    return rows.filter(mine)


def may_see(user: Any, organization_id: int | None) -> bool:
    """Return whether what belongs to this organization may be shown to the person."""
    return sees_all(user) or (
        organization_id is not None and organization_id in organization_ids(user)
    )
