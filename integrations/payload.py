"""What a partner reads of a version: the `data` of a push, and of what the API answers. Pure."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from integrations.transport import Action, Document, Parcel
from mapping.source import labels
from mapping.source.document import Document as Shown

NOTE = "note"  # the target that takes what no rule uses; it stands beside the record


def data_of(parcel: Parcel) -> dict[str, Any]:
    """Return what a parcel says of its referral: the same on every try."""
    data: dict[str, Any] = {
        "reference": parcel.reference,
        "version": parcel.number,
        "trigger": parcel.trigger,
        "changed_at": made_at(parcel),
    }
    if parcel.action is Action.REMOVE:
        return data
    if parcel.skipped:
        data["skipped"] = list(parcel.skipped)
    files = [_file(document, parcel.files_at) for document in parcel.documents]
    filled = shown(parcel.reference, parcel.record, parcel.shown)
    return data | filled | ({"files": files} if files else {})


def made_at(parcel: Parcel) -> str:
    """Return when its version was made."""
    return instant(parcel.made_at or datetime.fromtimestamp(0, UTC))


def shown(reference: str, record: Mapping[str, Any], document: Shown) -> dict[str, Any]:
    """Return a referral as its record and document show it; what is absent is left out."""
    status = {"top": document.get("status"), **document.get("substatus", {})}
    parts = {
        "reference": reference,
        "organization": _filled(document.get("organization", {})),
        "listing": _filled(document.get("listing", {})),
        "status": _filled(status),
        "record": nested({key: value for key, value in record.items() if key != NOTE}),
        "answers": list(_answers(document)),
        "note": record.get(NOTE),
    }
    return _filled(parts)


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


def _file(document: Document, files_at: str) -> dict[str, Any]:
    file = {
        "id": document.key,
        "name": document.name,
        "content_type": document.content_type,
        "size": document.size,
        "sha256": document.sha256,
        "category": document.category,
    }
    return file | ({"url": files_at + quote(document.key, safe="")} if files_at else {})


def instant(at: datetime) -> str:
    """Return a time as it is sent: UTC, to the second."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
