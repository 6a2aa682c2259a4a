"""One table for rules, the note and the summary: it has every field, and each is shown."""

from dataclasses import asdict
from typing import Any, get_args, get_type_hints, is_typeddict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.engine.lines import ALSO_SENT, lines
from mapping.source import catalogue
from mapping.source.document import Document
from mapping.source.fields import (
    AT,
    CHOSEN,
    FIELDS,
    IN_LIST,
    OUTSIDE,
    SILENT,
    Field,
    Role,
    laid_out,
)
from mapping.source.parts import value_at
from referrals.summary.layout import sheet
from tests.mapping.rules import TORONTO
from tests.strategies import documents

MARKER = "Zebra quartz 4711"
# Where any text will not do: what is sent, and what is read of it in the note and the summary.
SENT: dict[str, tuple[Any, str, str]] = {
    "appointment.duration_minutes": (4711, "4711", "4711 minutes"),
    "attachments.size": (4711, "4711 bytes", "4.6\xa0KB"),
    "form_answers.form": ("https://zebra.example/Questionnaire/Quartz", "", "Quartz"),
    "form_answers.form_name": (MARKER, "", MARKER),
    "identifiers.former": (True, "former", "former"),
    "registrant.addresses.former": (True, "former", "former"),
    "registrant.emails.former": (True, "former", "former"),
    "registrant.emails.may_email": (False, "May e-mail: no", "Do not e-mail"),
    "registrant.emails.rank": (4711, "", "choice 4711"),
    "registrant.emails.slot": ("main", "", "main"),
    "registrant.identifiers.former": (True, "former", "former"),
    "registrant.phones.former": (True, "former", "former"),
    "registrant.phones.may_text": (False, "May text main phone: no", "Do not text"),
    "registrant.phones.rank": (4711, "", "choice 4711"),
    "registrant.phones.slot": ("alt", "", "alternate"),
    "registrant.languages.preferred": (True, "Preferred language", "preferred"),
    "requester.is_caredove_user": (True, "Requester is a Caredove user: yes", "Yes"),
    "routed": (True, "Routed request: yes", "Yes"),
    "unreadable.cause": ("not_text", "It is not text", "It is not text"),
}
SHOWN = [one for one in FIELDS if one.kind != "list" and one.role not in ("key", "message")]


def paths_of(part: Any, above: str = "") -> set[str]:
    """Return the path of everything that a document can hold, by its types."""
    paths = set()
    for name, kind in get_type_hints(part).items():
        path = f"{above}{name}"
        inner = [one for one in (kind, *get_args(kind)) if is_typeddict(one)]
        if path in AT and AT[path].role == "message":
            paths.add(path)
        elif inner:
            paths |= paths_of(inner[0], f"{path}.") | ({path} if inner[0] is not kind else set())
        else:
            paths.add(path)
    return paths


def filled(document: Document, field: Field, value: Any) -> Document:
    """Return the document with a value in a field; in a list, that of one more item."""
    copy: Any = dict(document)
    *above, name = field.steps
    part = copy
    for depth, step in enumerate(above, start=1):
        if ".".join(above[:depth]) in AT:
            part[step] = [*part.get(step, []), {}]
            part = part[step][-1]
        else:
            part[step] = dict(part.get(step, {}))
            part = part[step]
    if field.of in AT and field.role != "value":
        first = next(one for one in FIELDS if one.of == field.of and one.role == "value")
        part[first.name] = "something"
    part[name] = [value] if name in ("other_names", "lines", "phones", "emails") else value
    return copy


def note_of(document: Document) -> str:
    return "\n".join(str(line) for line in lines(document, TORONTO))


def summary_of(document: Document) -> str:
    return "\n".join(texts(asdict(sheet(document, TORONTO))))


def texts(part: Any) -> list[str]:
    if isinstance(part, dict):
        part = list(part.values())
    return [part] if isinstance(part, str) else [text for one in part for text in texts(one)]


def test_the_table_has_every_path_that_a_document_can_hold() -> None:
    assert paths_of(Document) == {field.path for field in FIELDS}
    assert len(AT) == len(FIELDS)


@pytest.mark.parametrize("field", SHOWN, ids=lambda field: field.path)
def test_what_a_field_holds_is_in_the_note_and_the_summary(field: Field) -> None:
    sent, in_note, in_summary = SENT.get(field.path, (MARKER, MARKER, MARKER))
    document = filled({}, field, sent)

    assert in_note in note_of(document)
    assert in_summary in summary_of(document)


@given(documents(), st.sampled_from([one for one in SHOWN if one.path not in SENT]))
def test_it_is_there_whatever_else_the_document_states(document: Document, field: Field) -> None:
    whole = filled(document, field, MARKER)

    assert MARKER in summary_of(whole)
    assert MARKER in note_of(whole) or field.role in SILENT


@pytest.mark.parametrize("field", OUTSIDE, ids=lambda field: field.path)
def test_a_rule_reads_what_is_in_no_list(field: Field) -> None:
    source = catalogue.find(field.path)
    if not field.is_read or field.kind == "list":
        assert source is None or field.path in {one.key for one in CHOSEN}
        return
    assert source is not None
    assert source.label == field.label
    sent = 4711 if field.kind in ("flag", "minutes") else MARKER
    assert source.read(filled({}, field, sent)).value == sent


def test_a_rule_reads_what_is_chosen_of_a_list() -> None:
    for one in CHOSEN:
        if one.key and one.field.kind != "list":
            document: Any = {}
            for number in range(one.place + 1):
                document = filled(document, one.field, f"{MARKER} {number}")
            for identifier in document["registrant"].get("identifiers", []):
                identifier["type"] = "JHN"
            for number, phone in enumerate(document["registrant"].get("phones", [])):
                phone.setdefault("number", str(number))
                phone["number"] += f" {number}"
            source = catalogue.find(one.key)
            assert source is not None
            assert str(source.read(document).value).startswith(f"{MARKER} {one.place}"), one.key


def test_a_field_that_a_layout_does_not_name_stands_behind_its_neighbors() -> None:
    layout = (("People", "requester.email", "requester"), ("Rest", ""))
    titles = {field.path: title for title, field in laid_out(layout)}
    order = [field.path for title, field in laid_out(layout) if title == "People"]

    assert titles["requester.phone"] == "People"
    assert titles["reason"] == "Rest"
    assert order[0] == "requester.email"
    assert order[1:] == [
        one.path for one in FIELDS if one.of == "requester" and one.name != "email"
    ]


@pytest.mark.parametrize("role", ["value", "more", "remark"])
@pytest.mark.parametrize("things", sorted(IN_LIST))
def test_a_new_field_of_an_item_is_shown_by_its_one_line(
    things: str, role: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = Field(f"{things}.added", "Added", role=role)
    whole = filled({}, next(one for one in IN_LIST[things] if one.role == "value"), "something")
    monkeypatch.setitem(IN_LIST, things, (*IN_LIST[things], added))
    last_of(whole, things)["added"] = MARKER

    assert MARKER in note_of(whole)
    assert MARKER in summary_of(whole)
    unknown = [line.group for line in lines(whole, TORONTO) if line.group == ALSO_SENT]
    assert not unknown or things == "also_sent"


def last_of(document: Any, things: str) -> Any:
    for step in things.split("."):
        document = document[step]
    return document[-1]


def test_a_value_is_found_by_the_steps_of_its_path() -> None:
    for field in OUTSIDE:
        if field.kind != "list":
            found: Any = value_at(filled({}, field, MARKER), field.steps)
            assert found in (MARKER, [MARKER])
