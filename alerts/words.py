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
from django.template.defaultfilters import pluralize
from django.urls import reverse

from alerts.models import Alert, AlertKind, AlertRecipient
from alerts.watching import OF_THE_CONNECTION, RETRYING, TOO_OLD, cause_of
from core.text.sentences import loaded
from referrals.advice import Actor, Advice
from referrals.answers import causes

TEST = "test"
ANSWERS = {
    "none": "no answer",
    "2xx": "an answer that does not settle it",
    "3xx": "something else answers at its address",
    "4xx": "HTTP 4xx: refused",
    "5xx": "HTTP 5xx: an error there",
}
OTHERS = {
    RETRYING: (
        "The destination does not work at the moment",
        Advice(Actor.NOBODY, "Dovetail tries again by itself, and tells you when it works again."),
    ),
    TOO_OLD: (
        "An import is unfinished for too long",
        Advice(Actor.SUPPORT, "Open the work list, the oldest first, and see what it waits for."),
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
    """Return what this recipient is told."""
    about, lines = _said(alert)
    url = work_list(alert)
    why = (
        f"You are told because alerts of {alert.organization} go to this address. Change that: "
        + _absolute(reverse("admin:workplace_alertrecipient_change", args=[recipient.pk]))
    )
    named = f"[Dovetail] {' '.join(f'{about} ({alert.organization})'.split())}"
    body = "\n".join([*lines, "", f"Look: {url}", "", "--", why, ""])
    return Message(message_id, named, body, _payload(alert, about, lines, url))


def subject(alert: Alert) -> str:
    """Return what an alert is about, in a line."""
    return _said(alert)[0]


def text(alert: Alert) -> str:
    """Return what an alert says, without what is for one recipient."""
    return "\n".join(_said(alert)[1])


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


def _said(alert: Alert) -> tuple[str, list[str]]:
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
        case _:
            return "This is a test", ["This is a test: alerts reach you here. Nothing is wrong."]


def _failure(alert: Alert) -> tuple[str, list[str]]:
    what = alert.facts["what"]
    label, advice = label_and_advice(what)
    why = [f"Why: {loaded(reason)}"] if (reason := alert.facts.get("why")) else []
    named = ", ".join(alert.facts.get("references", []))
    by = [f"By the answer to: referral {named}"] if named else []
    return f"{_where(alert)}: {label}", [
        f"What: {label}{_answer(what)}.",
        *why,
        f"Where: {_where(alert)}, of {alert.organization}",
        *by,
        f"How many: {_imports(alert.facts['count'])} so far",
        f"Since: {_since(alert, alert.facts['since'])}",
        f"Whose turn: {advice.actor}",
        f"What to do: {advice.what}",
    ]


def _recovery(alert: Alert) -> tuple[str, list[str]]:
    what = alert.facts["what"]
    label, _ = label_and_advice(what)
    if cause_of(what) in OF_THE_CONNECTION:
        about = f"{_where(alert)} works again"
        rest = "What waited goes by itself. What gave up goes when support presses Retry."
    else:
        about = f"{_where(alert)}: over: {label}"
        rest = "Every such import went through, or a person has seen to it."
    return about, [
        f"Over: {label}{_answer(what)}.",
        f"Where: {_where(alert)}, of {alert.organization}",
        f"It began: {_since(alert, alert.facts['since'])}",
        "Whose turn: nobody's, unless errors are not cleared yet",
        f"What to do: {rest}",
    ]


def _too_old(alert: Alert) -> tuple[str, list[str]]:
    label, advice = OTHERS[TOO_OLD]
    since = _since(alert, alert.facts["since"])
    return f"{label}: since {since}", [
        f"What: {label}.",
        f"Where: {alert.organization}",
        f"How many: {_imports(alert.facts['count'])}",
        f"Since: {since}",
        f"Whose turn: {advice.actor}",
        f"What to do: {advice.what}",
    ]


def _digest(alert: Alert) -> tuple[str, list[str]]:
    rows = alert.facts["lines"]
    total = sum(row["count"] for row in rows)
    label = f"{_imports(total)} with an error that nobody has cleared"
    return label, [f"{label}, of {alert.organization}:", "", *_digest_lines(alert, rows)]


def _digest_lines(alert: Alert, rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        label, advice = label_and_advice(row["cause"])
        yield f"* {row['place']}: {label}: {row['count']}"
        yield f"  Since: {_since(alert, row['since'])}. Whose turn: {advice.actor}."
    yield from _shared(alert)


def _shared(alert: Alert) -> Iterator[str]:
    """Yield how many of them are whose, and how many are snoozed; an earlier digest knows not."""
    if assigned := alert.facts.get("assigned"):
        yield ""
        yield f"Assigned: {', '.join(f'{count} to {name}' for name, count in assigned)}."
    if (snoozed := alert.facts.get("snoozed")) and snoozed["count"]:
        yield ""
        yield f"Snoozed: {snoozed['count']}, the first until {_since(alert, snoozed['until'])}."


def label_and_advice(what: str) -> tuple[str, Advice]:
    """Return what a trouble is called, and what is to be done about it."""
    cause = cause_of(what)
    if cause in OTHERS:
        return OTHERS[cause]
    known = causes.BY_KEY[cause]
    return str(known.label), known.advice


def work_list(alert: Alert) -> str:
    """Return the address of the list that shows what the alert speaks of."""
    cause = cause_of(alert.facts.get("what", ""))
    chosen: dict[str, Any] = {"organization": alert.organization_id}
    if alert.destination_id:
        chosen["destination"] = alert.destination_id
    if alert.kind == AlertKind.FAILURE:
        chosen["reason"] = cause
    if alert.kind in (AlertKind.RETRYING, AlertKind.TOO_OLD):
        chosen["error"] = "all"
    if alert.kind == AlertKind.RETRYING:
        chosen["state"] = "queued"
    return _absolute(f"{reverse('admin:referrals_delivery_changelist')}?{urlencode(chosen)}")


def _absolute(path: str) -> str:
    return f"{settings.PORTAL_URL.rstrip('/')}{path}"


def _where(alert: Alert) -> str:
    return str(alert.destination or "A destination")


def _answer(what: str) -> str:
    found = ANSWERS.get(what.partition(":")[2])
    return f" ({found})" if found else ""


def _imports(count: int) -> str:
    return f"{count} import{pluralize(count)}"


def _since(alert: Alert, moment: str) -> str:
    local = datetime.fromisoformat(moment).astimezone(alert.organization.zone)
    return f"{local:%-d %B %Y, %H:%M} ({alert.organization.time_zone})"
