"""What a parcel says in a list of referrals. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.payload import data_of, made_at
from integrations.transport import Action, Document, Parcel
from mapping.source import labels

FOLDER = "files"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of a form. `form` and `key` name its question, `heading` is for people."""

    form: str
    key: str
    title: str  # of the form; may be empty
    question: str
    value: str = field(repr=False)

    @property
    def heading(self) -> str:
        return f"{self.title}: {self.question}" if self.title else self.question


@dataclass(frozen=True, slots=True)
class Row:
    """One referral of a list. What is removed has neither record nor answers nor files."""

    reference: str
    version: int | None  # None: it was exported by hand
    action: str
    changed_at: str
    trigger: str
    listing: Mapping[str, str]  # id and name, as far as they are known
    status: Mapping[str, str]  # top, classification, label
    record: Mapping[str, Any] = field(repr=False)
    answers: tuple[Answer, ...] = field(repr=False)
    files: tuple[Mapping[str, Any], ...] = field(repr=False)
    parcel: Parcel = field(repr=False)

    @property
    def data(self) -> dict[str, Any]:
        """Return all of it as a webhook sends it, with the action, and where its files lie."""
        data = data_of(self.parcel)
        if self.version is None:
            data.pop("version")
        files = {"files": [*self.files]} if self.files else {}
        return {"reference": self.reference, "action": self.action} | data | files


def row_of(parcel: Parcel) -> Row:
    """Return the row of a parcel; one that was not sent as a version has no id of a version."""
    shown = parcel.shown
    status = {"top": shown.get("status", ""), **shown.get("substatus", {})}
    return Row(
        reference=parcel.reference,
        version=parcel.number if parcel.version else None,
        action=str(parcel.action),
        changed_at=made_at(parcel),
        trigger=parcel.trigger,
        listing=_texts(shown.get("listing", {})),
        status=_texts(status),
        record={} if parcel.action is Action.REMOVE else parcel.record,
        answers=tuple(_answers(parcel)),
        files=tuple(_file(parcel, document) for document in parcel.documents),
        parcel=parcel,
    )


def path_of(parcel: Parcel, document: Document) -> str:
    """Return where a file of a referral lies, beside the list that names it."""
    return f"{folder_of(parcel.reference)}/{safe(document.name)}"


def folder_of(reference: str) -> str:
    """Return the folder of a referral's files."""
    return f"{FOLDER}/{safe(reference)}"


def safe(name: str) -> str:
    """Return a name that leads nowhere else, whatever a sender has called its referral."""
    kept = "".join(one if one.isalnum() or one in "-_. " else "_" for one in name)
    return kept.strip(". ") or "_"


def _file(parcel: Parcel, document: Document) -> dict[str, Any]:
    return {
        "id": document.key,
        "name": document.name,
        "path": path_of(parcel, document),
        "content_type": document.content_type,
        "size": document.size,
        "sha256": document.sha256,
        "category": document.category,
    }


def _answers(parcel: Parcel) -> Iterator[Answer]:
    if parcel.action is Action.REMOVE:
        return
    titles = labels.form_titles(parcel.shown)
    for number, answer in enumerate(parcel.shown.get("form_answers", []), start=1):
        if value := answer.get("value"):
            form, question = answer.get("form", ""), labels.answer_label(answer, number)
            key = answer.get("key", "").strip() or question
            yield Answer(form, key, titles.get(form, ""), question, str(value))


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items() if value not in (None, "")}
