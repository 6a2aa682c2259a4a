"""What a person can do to an import now: buttons, and beside those that may not be pressed, why."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from referrals import delivering
from referrals.admin.work_list.deciding import BACK
from referrals.admin.work_list.team import TeamAdmin
from referrals.models import Delivery

State, Reason = Delivery.State, Delivery.Reason
UNDER_WAY = _("It is being sent right now.")


@dataclass(frozen=True, slots=True)
class Choice:
    """A button that posts `data` to `url`. With `why_not` it is shown, and does nothing."""

    name: str
    label: str
    why_not: str
    url: str
    data: Mapping[str, str]


def choices(request: HttpRequest, delivery: Delivery, back: str) -> list[Choice]:
    """Return what this person may do to the delivery; none without the permission to decide.

    `back` names the page to return to, one of `deciding.PAGES`.
    """
    if not request.user.has_perm("referrals.decide_delivery"):
        return []
    return [
        Choice(
            name,
            str(getattr(TeamAdmin, name).short_description),
            why_not,
            reverse(f"admin:referrals_delivery_{name}", args=[delivery.pk]),
            {BACK: back},
        )
        for name, why_not in _offered(delivery, request.user)
    ]


def _offered(delivery: Delivery, user: Any) -> Iterator[tuple[str, str]]:
    if delivery.reason == Reason.UNCONFIRMED:
        yield "it_is_there", ""
        yield "it_is_not_there", ""
    yield "retry", delivering.why_not_retry(delivery)
    if delivery.error_at:
        yield "clear_errors", _why_not_clear(delivery)
    if delivering.may_be_dismissed(delivery):
        yield "dismiss", str(UNDER_WAY) if delivery.state == State.RUNNING else ""
    if delivery.has_uncleared_error:
        if delivery.assigned_to_id != user.pk:
            yield "take", ""
        yield "assign", ""
        yield "wake" if delivery.is_snoozed else "snooze", ""


def _why_not_clear(delivery: Delivery) -> str:
    if delivery.error_cleared_at is None:
        return ""
    return gettext("{who} cleared it on {time}.").format(
        who=delivery.error_cleared_by or "Dovetail",
        time=date_format(timezone.localtime(delivery.error_cleared_at), "DATETIME_FORMAT"),
    )
