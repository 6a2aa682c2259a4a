"""The body of a push: what a partner reads. Pure."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from integrations.destinations.webhook.fields import NOTE
from integrations.transport import Action, Document, Parcel
from mapping.source import labels
from mapping.source.document import Document as Shown

PUT, REMOVE = "referral.put", "referral.remove"
INLINE_BYTES = 5 * 1024 * 1024  # of all files of one push together


def message(parcel: Parcel, *, inline_files: bool) -> dict[str, Any]:
    """Return the body that brings or removes a version: the same on every try."""
    made = _instant(parcel.made_at or datetime.fromtimestamp(0, UTC))
    data: dict[str, Any] = {
        "reference": parcel.reference,
        "version": parcel.number,
        "trigger": parcel.trigger,
        "changed_at": made,
    }
    if parcel.action is Action.REMOVE:
        return {"type": REMOVE, "timestamp": made, "data": data}
    if parcel.skipped:
        data["skipped"] = list(parcel.skipped)
    files = _files(parcel.documents, inline=inline_files)
    data |= shown(parcel.reference, parcel.record, parcel.shown) | (
        {"files": files} if files else {}
    )
    return {"type": PUT, "timestamp": made, "data": data}


def shown(reference: str, record: Mapping[str, Any], document: Shown) -> dict[str, Any]:
    """Return what is said of a referral; what is absent is left out."""
    status = {"top": document.get("status"), **document.get("substatus", {})}
    said = {
        "reference": reference,
        "organization": _filled(document.get("organization", {})),
        "listing": _filled(document.get("listing", {})),
        "status": _filled(status),
        "record": nested({key: value for key, value in record.items() if key != NOTE}),
        "answers": list(_answers(document)),
        "note": record.get(NOTE),
    }
    return _filled(said)


def nested(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a flat record by the dots of its keys: `client.city` is `{"client": {"city": …}}`."""
    body: dict[str, Any] = {}
    for key, value in record.items():
        *groups, last = key.split(".")
        place = body
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = value
    return body


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "", {}, [])}


def _answers(document: Shown) -> Iterator[dict[str, Any]]:
    titles = labels.form_titles(document)
    for number, answer in enumerate(document.get("form_answers", []), start=1):
        if value := answer.get("value"):
            form = titles.get(answer.get("form", ""))
            question = labels.answer_label(answer, number)
            yield _filled({"form": form, "question": question, "value": value})


def _files(documents: Sequence[Document], *, inline: bool) -> list[dict[str, Any]]:
    left = INLINE_BYTES if inline else 0
    said = []
    for document in documents:
        file = {
            "id": document.key,
            "name": document.name,
            "content_type": document.content_type,
            "size": document.size,
            "sha256": document.sha256,
            "category": document.category,
        }
        if inline and document.size <= left:
            left -= document.size
            with document.open() as stream:
                file["data"] = base64.b64encode(stream.read()).decode()
        said.append(file)
    return said


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
