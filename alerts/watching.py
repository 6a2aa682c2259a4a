"""What there is to tell: troubles that begin, troubles that are over, and the daily digest.

A trouble is one cause at one destination, told apart by the class of the answer. It begins
with its first sign and is told then; further signs belong to it until it is over.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Max, Min, Q, QuerySet

from alerts.models import Alert, AlertKind, AlertSettings, Trouble
from alerts.notifying import News, notify
from core.database import clock
from core.text.sentences import stored
from core.web import health
from integrations.models import Destination, Organization
from integrations.transport import ErrorKind
from referrals.answers.causes import SNOOZED, UNCLEARED, cause_key
from referrals.models import Delivery
from referrals.running import backlog

State = Delivery.State

DOWN = "down"
PAUSED = "held"
SINGLED_OUT = "singled_out"
RETRYING = "retrying"
TOO_OLD = "too_old"
STALLED = "stalled"
CLOCK = "clock"
# They are over when the destination works; the others when no import shows them any more.
OF_THE_CONNECTION = (DOWN, PAUSED, "gave_up", RETRYING)
# They are the whole portal's, and each organization's people are told.
OF_THE_PORTAL = (STALLED, CLOCK)
# Of these the class of the answer tells more than one kind.
ANSWERED = (PAUSED, "rejected", "unconfirmed", "gave_up", RETRYING)
# Recipients know the kinds of answers by the names of classes of HTTP codes.
CLASSES: dict[str, str] = {
    ErrorKind.CONFLICT: "2xx",
    ErrorKind.MISADDRESSED: "3xx",
    ErrorKind.REFUSED: "4xx",
    ErrorKind.CREDENTIALS: "4xx",
    ErrorKind.THROTTLED: "4xx",
    ErrorKind.GONE: "4xx",
    ErrorKind.FAILING: "5xx",
}
NO_ANSWER = "none"
NO_FAILURE = ("", "again", "succeeded", "dismissed")
UNFINISHED = Q(state__in=[State.WAITING, State.QUEUED, State.RUNNING]) | (
    Q(state=State.NEEDS_ATTENTION) & UNCLEARED
)
NAMED = 5  # referrals, in one alert
DIGEST_LATEST = timedelta(hours=12)  # after its hour, when the dispatcher was not running then


@dataclass(frozen=True, slots=True)
class Sign:
    """Imports that show the same trouble now: how many, since when, and the latest of them."""

    organization_id: int
    destination_id: int | None
    what: str
    count: int
    since: datetime
    last_at: datetime

    @property
    def place(self) -> str:
        return str(self.destination_id or "")

    @property
    def key(self) -> tuple[int, str, str]:
        return self.organization_id, self.place, self.what

    @property
    def kind(self) -> AlertKind:
        known = {RETRYING: AlertKind.RETRYING, TOO_OLD: AlertKind.TOO_OLD}
        return known.get(cause_of(self.what), AlertKind.FAILURE)


def cause_of(what: str) -> str:
    """Return the cause that a trouble has, without the class of the answer."""
    return what.partition(":")[0]


def look() -> None:
    """Begin, tell and end troubles, as the imports stand now; tell who is due their digest."""
    now = clock.now()
    signs = {sign.key: sign for sign in _signs(now)}
    for sign in signs.values():
        _notice(sign, now)
    # Destinations where something that failed is sent again at this moment.
    again = Delivery.objects.filter(
        UNCLEARED,
        state__in=[State.WAITING, State.QUEUED, State.RUNNING],
        destination__paused_at__isnull=True,
        tries=0,
    )
    undecided = set(again.order_by().values_list("destination", flat=True))
    troubles = Trouble.objects.filter(ended_at__isnull=True).exclude(what__in=OF_THE_PORTAL)
    for trouble in troubles.select_related("destination"):
        if trouble.destination_id not in undecided and _is_over(trouble, signs):
            _end(trouble, now)
    _digests(now)


def look_at_the_portal() -> None:
    """Begin, tell and end what is wrong with the portal itself: with its programs, or its clock."""
    now = clock.now()
    signs = {sign.key: sign for sign in _signs_of_the_portal(now)}
    for sign in signs.values():
        _notice(sign, now)
    for trouble in Trouble.objects.filter(ended_at__isnull=True, what__in=OF_THE_PORTAL):
        if _is_over(trouble, signs):
            _end(trouble, now)


# -- Signs -------------------------------------------------------------------------------------


def _signs(now: datetime) -> Iterator[Sign]:
    failed = Delivery.objects.filter(UNCLEARED).annotate(cause=cause_key())
    yield from _merged(failed.exclude(cause__in=(*NO_FAILURE, DOWN)), "cause", "error_at")
    yield from _paused()
    yield from _merged(_tried_again(), "", "connection_failed_at")
    yield from _too_old(now)


def _paused() -> Iterator[Sign]:
    """Yield destinations that are down, and those that a probe has found to be wrongly set up.

    The others are seen by the referral whose answer has paused them.
    """
    paused = Destination.objects.filter(paused_at__isnull=False).order_by()
    for one in paused.only("organization", "paused_at", "paused_by", "probe_at"):
        deliveries = Delivery.objects.filter(destination=one)
        stopped = deliveries.filter(reason=Delivery.Reason.CONNECTION).count()
        if one.is_down or not (one.paused_by or stopped):
            since: Any = one.paused_at  # known to be there
            count = stopped + deliveries.filter(state=State.QUEUED).count()
            what = DOWN if one.is_down else PAUSED
            yield Sign(one.organization_id, one.pk, what, count, since, since)


def _tried_again() -> Any:
    return Delivery.objects.filter(
        state=State.QUEUED,
        tries__gt=0,
        connection_failed_at__isnull=False,
        destination__paused_at__isnull=True,
    )


def _merged(deliveries: Any, cause: str, at: str) -> Iterable[Sign]:
    """Return one sign for each destination, cause and class of answer."""
    named = ["destination", "destination__organization", "last_kind"]
    rows = deliveries.order_by().values(*named, *([cause] if cause else [])).annotate(
        count=Count("pk"), since=Min(at), last=Max(at)
    )  # fmt: skip
    signs: dict[Any, Sign] = {}
    for row in rows:
        what = _what(row[cause] if cause else RETRYING, row["last_kind"])
        place = row["destination__organization"], row["destination"]
        found = Sign(*place, what, row["count"], row["since"], row["last"])
        signs[found.key] = _both(signs[found.key], found) if found.key in signs else found
    return signs.values()


def _both(one: Sign, other: Sign) -> Sign:
    return Sign(
        one.organization_id,
        one.destination_id,
        one.what,
        one.count + other.count,
        min(one.since, other.since),
        max(one.last_at, other.last_at),
    )


def _what(cause: str, kind: str) -> str:
    return f"{cause}:{CLASSES.get(kind, NO_ANSWER)}" if cause in ANSWERED else cause


def _too_old(now: datetime) -> Iterator[Sign]:
    unfinished = Delivery.objects.filter(UNFINISHED).order_by()
    oldest = unfinished.values_list("destination__organization").annotate(Min("opened_at"))
    hours = dict(AlertSettings.objects.values_list("organization", "oldest_hours"))
    default = AlertSettings().oldest_hours
    for organization_id, opened_at in oldest:
        limit = now - timedelta(hours=hours.get(organization_id, default))
        if opened_at > limit:
            continue
        older = unfinished.filter(destination__organization=organization_id, opened_at__lte=limit)
        yield Sign(organization_id, None, TOO_OLD, older.count(), opened_at, now)


def _signs_of_the_portal(now: datetime) -> Iterator[Sign]:
    wrong: list[tuple[str, int, datetime]] = []
    if found := backlog.stalled():
        wrong.append((STALLED, found.count, found.since))
    if abs(clock.offset().total_seconds()) >= health.CLOCK_SECONDS:
        wrong.append((CLOCK, 0, now))
    for organization_id in Organization.objects.filter(active=True).values_list("pk", flat=True):
        for what, count, since in wrong:
            yield Sign(organization_id, None, what, count, since, now)


# -- Troubles ----------------------------------------------------------------------------------


def _notice(sign: Sign, now: datetime) -> None:
    """Keep what is new as a trouble, and notify people; if nobody could be, again an hour later."""
    with transaction.atomic():
        trouble = _trouble(sign)
        if trouble is None or trouble.notified_at:
            return
        notified = notify(
            News(
                sign.organization_id,
                sign.kind,
                f"{sign.what}@{sign.place}",
                sign.destination_id,
                {
                    "what": sign.what,
                    "count": sign.count,
                    "since": sign.since.isoformat(),
                    **_particulars(sign),
                },
            ),
            now,
        )
        if notified:
            Trouble.objects.filter(pk=trouble.pk).update(notified_at=now)


def _particulars(sign: Sign) -> dict[str, Any]:
    """Return what an alert names beside the trouble: the cause of it, or the referral.

    A reference names nobody.
    """
    cause = cause_of(sign.what)
    if sign.destination_id is None or cause not in (DOWN, PAUSED, SINGLED_OUT):
        return {}
    destination = Destination.objects.get(pk=sign.destination_id)
    if cause == DOWN:
        return {"why": stored(destination.paused_reason or "")}  # Dovetail's own words
    if cause == PAUSED:
        return {"references": [destination.paused_by] if destination.paused_by else []}
    alone = destination.deliveries.filter(UNCLEARED, reason=SINGLED_OUT).order_by("-error_at")
    return {"references": list(alone.values_list("reference", flat=True)[:NAMED])}


def _trouble(sign: Sign) -> Trouble | None:
    """Return the trouble that the sign belongs to; None for one that is over."""
    place = {
        "organization_id": sign.organization_id,
        "place": sign.place,
        "what": sign.what,
    }
    last = Trouble.objects.filter(**place).order_by("-began_at").first()
    if last and last.ended_at is None:
        if sign.last_at > last.last_at:
            Trouble.objects.filter(pk=last.pk).update(last_at=sign.last_at)
        return last
    if last and last.ended_at and sign.last_at <= last.ended_at:
        return None
    began = {
        "destination_id": sign.destination_id,
        "began_at": sign.last_at if last else sign.since,
        "last_at": sign.last_at,
    }
    return Trouble.objects.get_or_create(**place, ended_at=None, defaults=began)[0]


def _is_over(trouble: Trouble, signs: dict[tuple[int, str, str], Sign]) -> bool:
    shown = (trouble.organization_id, trouble.place, trouble.what) in signs
    cause = cause_of(trouble.what)
    if cause not in OF_THE_CONNECTION or trouble.destination is None:
        return not shown
    if trouble.destination.paused_at or (cause == RETRYING and shown):
        return False
    return cause in (PAUSED, DOWN) or _works_since(trouble.destination, trouble.last_at)


def _works_since(destination: Destination, moment: datetime) -> bool:
    imported = destination.deliveries.filter(imported_at__isnull=False)
    last = imported.aggregate(Max("imported_at"))["imported_at__max"]
    return last is not None and last > moment


def _end(trouble: Trouble, now: datetime) -> None:
    """Close the trouble, and tell it to those who were told that it had begun."""
    with transaction.atomic():
        mine = Trouble.objects.filter(pk=trouble.pk, ended_at__isnull=True)
        if not mine.update(ended_at=now) or trouble.notified_at is None:
            return
        # A connection works again once, whatever was wrong with it.
        connection = cause_of(trouble.what) in OF_THE_CONNECTION
        what = "connection" if connection else trouble.what
        facts = {"what": trouble.what, "since": trouble.began_at.isoformat()}
        cause = f"over {what}@{trouble.place}"
        news = News(
            trouble.organization_id, AlertKind.RECOVERY, cause, trouble.destination_id, facts
        )
        notify(news, now)


# -- The digest --------------------------------------------------------------------------------


def _digests(now: datetime) -> None:
    uncleared = Delivery.objects.filter(UNCLEARED).order_by()
    first = dict(uncleared.values_list("destination__organization").annotate(Min("error_at")))
    if not first:
        return
    hours = dict(AlertSettings.objects.values_list("organization", "digest_hour"))
    default = AlertSettings().digest_hour
    for organization in Organization.objects.filter(pk__in=first):
        hour = digest_time(organization, hours.get(organization.pk, default), now)
        if hour <= now < hour + DIGEST_LATEST and first[organization.pk] <= hour:
            _send_digest(organization, hour, now)


def digest_time(organization: Organization, hour: int, now: datetime) -> datetime:
    """Return the latest moment, up to `now`, at which the organization's clock struck the hour."""
    local = now.astimezone(organization.zone)
    struck = datetime.combine(local.date(), time(hour), organization.zone)
    if struck > now:
        struck = datetime.combine(local.date() - timedelta(days=1), time(hour), organization.zone)
    return struck


def _send_digest(organization: Organization, hour: datetime, now: datetime) -> None:
    notified = Alert.objects.filter(organization=organization, kind=AlertKind.DIGEST, hour=hour)
    if notified.exists():
        return
    deliveries = Delivery.objects.filter(UNCLEARED, destination__organization=organization)
    counted = (
        deliveries.annotate(cause=cause_key(), place=F("destination__name"))
        .order_by("place", "cause")
        .values("place", "cause")
        .annotate(count=Count("pk"), since=Min("error_at"))
    )
    lines = [{**row, "since": row["since"].isoformat()} for row in counted]
    facts = {"lines": lines, **_shared(deliveries)}
    notify(News(organization.pk, AlertKind.DIGEST, "digest", facts=facts), now, hour)


def _shared(deliveries: QuerySet[Delivery]) -> dict[str, Any]:
    """Return how many errors are whose, and how many are snoozed until when."""
    mine = deliveries.filter(assigned_to__isnull=False).order_by("assigned_to__username")
    assigned = mine.values_list("assigned_to__username").annotate(count=Count("pk"))
    asleep = deliveries.filter(SNOOZED).order_by()
    snoozed = asleep.aggregate(count=Count("pk"), until=Min("snoozed_until"))
    until = snoozed["until"]
    return {
        "assigned": [list(row) for row in assigned],
        "snoozed": {**snoozed, "until": until.isoformat() if until else None},
    }
