"""What an alert says: what, where, since when, whose turn, what to do, and where to look.

No personal data: no words of a destination, which may quote a person's data. A reference, which
names nobody, stands only where one referral alone has caused the trouble.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from alerts.models import Alert, AlertKind, AlertRecipient
from alerts.watching import (
    CLOCK,
    OF_THE_CONNECTION,
    OF_THE_PORTAL,
    RETRYING,
    STALLED,
    TOO_OLD,
    cause_of,
)
from core.text.sentences import loaded
from referrals.advice import Actor, Advice
from referrals.answers import causes

TEST = "test"
ANSWERS = {
    "none": gettext_lazy("no answer"),
    "2xx": gettext_lazy("an answer that does not settle it"),
    "3xx": gettext_lazy("something else answers at its address"),
    "4xx": gettext_lazy("HTTP 4xx: refused"),
    "5xx": gettext_lazy("HTTP 5xx: an error there"),
}
OTHERS = {
    RETRYING: (
        gettext_lazy("The destination does not work at the moment"),
        Advice(Actor.NOBODY, "Dovetail retries automatically, and tells you when it works again."),
    ),
    TOO_OLD: (
        gettext_lazy("An import is unfinished for too long"),
        Advice(
            Actor.SUPPORT,
            "Open the work list, the oldest first, and see what the import is waiting for.",
        ),
    ),
    STALLED: (
        gettext_lazy("Work is due, and no program does it"),
        Advice(
            Actor.ADMINISTRATOR,
            "Start the dispatcher and the workers again, and read their logs. Nothing is lost: "
            "events are still stored, and what waits is sent once they run.",
        ),
    ),
    CLOCK: (
        gettext_lazy("A clock of the portal is more than 60 seconds off"),
        Advice(
            Actor.ADMINISTRATOR,
            "Set the clock of the portal's machine and of the database's by NTP. Until then, "
            "signed events may be refused.",
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Message:
    """An alert as it is sent. `payload` is the body of a webhook."""

    id: str
    subject: str
    text: str
    payload: dict[str, Any]


def message(alert: Alert, recipient: AlertRecipient, message_id: str) -> Message:
    """Return what this recipient is told, in their language."""
    with translation.override(recipient.reads):
        about, lines = _subject_and_lines(alert)
        url = work_list(alert)
        why = _(
            "You receive this because alerts of {organization} go to this address. Change that: "
            "{url}"
        ).format(
            organization=alert.organization,
            url=_absolute(reverse("admin:workplace_alertrecipient_change", args=[recipient.pk])),
        )
        named = f"[Dovetail] {' '.join(f'{about} ({alert.organization})'.split())}"
        look = _("Look: {url}").format(url=url)
        body = "\n".join([*lines, "", look, "", "--", why, ""])
        return Message(message_id, named, body, _payload(alert, about, lines, url))


def subject(alert: Alert) -> str:
    """Return what an alert is about, in a line."""
    return _subject_and_lines(alert)[0]


def text(alert: Alert) -> str:
    """Return what an alert says, without what is for one recipient."""
    return "\n".join(_subject_and_lines(alert)[1])


def _payload(alert: Alert, about: str, lines: list[str], url: str) -> dict[str, Any]:
    return {
        "type": f"alert.{alert.kind}",
        "timestamp": alert.made_at.isoformat(),
        "data": {
            "organization": {
                "id": alert.organization.caredove_id,
                "name": alert.organization.name,
            },
            "destination": alert.destination.name if alert.destination else None,
            "cause": alert.facts.get("what", alert.kind),
            "summary": about,
            "text": "\n".join(lines),
            "url": url,
            **{key: alert.facts[key] for key in ("count", "since") if key in alert.facts},
        },
    }


def _subject_and_lines(alert: Alert) -> tuple[str, list[str]]:
    """Return the subject, and the lines that say it all."""
    match alert.kind:
        case AlertKind.DIGEST:
            return _digest(alert)
        case AlertKind.RECOVERY:
            return _recovery(alert)
        case AlertKind.TOO_OLD:
            return _too_old(alert)
        case AlertKind.FAILURE | AlertKind.RETRYING:
            return _failure(alert)
        case _other:
            return _("This is a test"), [
                _("This is a test: alerts reach you here. Nothing is wrong.")
            ]


def _failure(alert: Alert) -> tuple[str, list[str]]:
    what = alert.facts["what"]
    label, advice = label_and_advice(what)
    reason = alert.facts.get("why")
    named = ", ".join(alert.facts.get("references", []))
    return f"{_where(alert)}{colon()} {label}", [
        _what(label, what),
        *([_("Why: {reason}").format(reason=loaded(reason))] if reason else []),
        _place(alert),
        *([_("By the answer to: referral {references}").format(references=named)] if named else []),
        *([_counted(alert)] if alert.facts["count"] else []),
        _("Since: {time}").format(time=_since(alert, alert.facts["since"])),
        *_turn(advice),
    ]


def _recovery(alert: Alert) -> tuple[str, list[str]]:
    what = alert.facts["what"]
    label = label_and_advice(what)[0]
    if cause_of(what) in OF_THE_CONNECTION:
        about = _("{destination} works again").format(destination=_where(alert))
        rest = _(
            "What was waiting is sent automatically. Where all retries failed, support presses "
            "Retry."
        )
    else:
        about = _("{destination}: over: {trouble}").format(destination=_where(alert), trouble=label)
        rest = _("Every such import was sent, or someone has dealt with it.")
    if cause_of(what) in OF_THE_PORTAL:
        rest = _("There is nothing to do.")
    return about, [
        _("Over: {trouble}{answer}.").format(trouble=label, answer=_answer(what)),
        _place(alert),
        _("It began: {time}").format(time=_since(alert, alert.facts["since"])),
        _("Whose turn: no one's, unless errors are not cleared yet"),
        _("What to do: {what}").format(what=rest),
    ]


def _too_old(alert: Alert) -> tuple[str, list[str]]:
    label, advice = str(OTHERS[TOO_OLD][0]), OTHERS[TOO_OLD][1]
    since = _since(alert, alert.facts["since"])
    return _("{trouble}: since {time}").format(trouble=label, time=since), [
        _what(label, TOO_OLD),
        _("Where: {organization}").format(organization=alert.organization),
        _("How many: {imports}").format(imports=_imports(alert.facts["count"])),
        _("Since: {time}").format(time=since),
        *_turn(advice),
    ]


def _digest(alert: Alert) -> tuple[str, list[str]]:
    rows = alert.facts["lines"]
    total = sum(row["count"] for row in rows)
    label = ngettext(
        "{count} import with an error that no one has cleared",
        "{count} imports with an error that no one has cleared",
        total,
    ).format(count=total)
    of = _("{what}, of {organization}:").format(what=label, organization=alert.organization)
    return label, [of, "", *_digest_lines(alert, rows)]


def _digest_lines(alert: Alert, rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        label, advice = label_and_advice(row["cause"])
        yield f"* {row['place']}{colon()} {label}{colon()} {row['count']}"
        words = _("Since: {time}. Whose turn: {who}.").format(
            time=_since(alert, row["since"]), who=advice.actor.label
        )
        yield f"  {words}"
    yield from _shared(alert)


def _shared(alert: Alert) -> Iterator[str]:
    """Yield how many of them are whose, and how many are snoozed; an earlier digest knows not."""
    if assigned := alert.facts.get("assigned"):
        yield ""
        each = (_("{count} to {name}").format(count=count, name=name) for name, count in assigned)
        yield _("Assigned: {each}.").format(each=", ".join(each))
    if (snoozed := alert.facts.get("snoozed")) and snoozed["count"]:
        yield ""
        yield _("Snoozed: {count}, the first until {time}.").format(
            count=snoozed["count"], time=_since(alert, snoozed["until"])
        )


def _what(label: str, what: str) -> str:
    return _("What: {trouble}{answer}.").format(trouble=label, answer=_answer(what))


def _place(alert: Alert) -> str:
    return _("Where: {destination}, of {organization}").format(
        destination=_where(alert), organization=alert.organization
    )


def _turn(advice: Advice) -> tuple[str, str]:
    return (
        _("Whose turn: {who}").format(who=advice.actor.label),
        _("What to do: {what}").format(what=advice.what),
    )


def label_and_advice(what: str) -> tuple[str, Advice]:
    """Return what a trouble is called, and what is to be done about it."""
    cause = cause_of(what)
    if cause in OTHERS:
        label, advice = OTHERS[cause]
        return str(label), advice
    known = causes.BY_KEY[cause]
    return str(known.label), known.advice


def work_list(alert: Alert) -> str:
    """Return the address of the list that shows what the alert speaks of."""
    cause = cause_of(alert.facts.get("what", ""))
    chosen: dict[str, Any] = {"organization": alert.organization_id}
    if alert.destination_id:
        chosen["destination"] = alert.destination_id
    if cause in OF_THE_PORTAL:
        chosen["state"] = "queued"
    elif alert.kind == AlertKind.FAILURE:
        chosen["reason"] = cause
    if alert.kind in (AlertKind.RETRYING, AlertKind.TOO_OLD):
        chosen["error"] = "all"
    if alert.kind == AlertKind.RETRYING:
        chosen["state"] = "queued"
    return _absolute(f"{reverse('admin:referrals_delivery_changelist')}?{urlencode(chosen)}")


def _absolute(path: str) -> str:
    return f"{settings.PORTAL_URL.rstrip('/')}{path}"


def _where(alert: Alert) -> str:
    if cause_of(alert.facts.get("what", "")) in OF_THE_PORTAL:
        return _("The portal")
    return str(alert.destination or _("A destination"))


def _answer(what: str) -> str:
    found = ANSWERS.get(what.partition(":")[2])
    return f" ({found})" if found else ""


def colon() -> str:
    """Return a colon as the reader's language sets it."""
    return "\N{NO-BREAK SPACE}:" if translation.get_language() == "fr-ca" else ":"


def _counted(alert: Alert) -> str:
    """Return how many imports; of the portal's troubles, how many rows are due."""
    count = alert.facts["count"]
    if cause_of(alert.facts["what"]) in OF_THE_PORTAL:
        return _("How many: {count} due, of all organizations together").format(count=count)
    return _("How many: {imports} so far").format(imports=_imports(count))


def _imports(count: int) -> str:
    return ngettext("{count} import", "{count} imports", count).format(count=count)


def _since(alert: Alert, moment: str) -> str:
    local = datetime.fromisoformat(moment).astimezone(alert.organization.zone)
    return _("{day}, {time} ({zone})").format(
        day=date_format(local, "DATE_FORMAT"),
        time=date_format(local, "TIME_FORMAT"),
        zone=alert.organization.time_zone,
    )
