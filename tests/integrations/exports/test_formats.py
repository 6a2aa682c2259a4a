"""Lists of referrals: every value that goes in comes out again, in each format."""

import csv
import io
import json
import tracemalloc
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from core.spool import Spool
from core.text.spreadsheets import FORMULA
from integrations.exports.columns import FIXED, Columns
from integrations.exports.formats import About, Csv, Format, JsonLines, Xml
from integrations.exports.rows import row_of
from integrations.transport import Action, Document, Parcel
from tests.contract.ledger import InMemoryLedger
from tests.contract.parcels import DOCUMENTS

SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).parents[3] / "docs" / "referrals-1.0.xsd"))
AT = datetime(2026, 3, 19, 18, 30, tzinfo=UTC)
HOSTILE = st.one_of(
    st.text(),
    st.text(st.sampled_from("=+-@\t\r\n\"',;<>&]\x00\x0b\x85\u2028\ufffe\ud800ᐃᓄᒃ🎉")),
    st.text().map(lambda rest: "=" + rest),
)
ANSWERS = st.lists(
    st.fixed_dictionaries(
        {
            "form": st.sampled_from(["", "intake", "housing"]),
            "form_name": st.sampled_from(["", "Intake", "note"]),
            "key": st.sampled_from(["a", "b", ""]),
            "label": st.sampled_from(["Name", "reference", "client.first_name", "Why?"]),
            "value": HOSTILE,
        }
    ),
    max_size=5,
)


def parcel(
    record: dict[str, Any] | None = None,
    answers: Iterable[dict[str, Any]] = (),
    *,
    action: Action = Action.PUT,
    documents: tuple[Document, ...] = (),
    number: int = 1,
    version: str = "an id",
    **shown: Any,
) -> Parcel:
    document: Any = {"form_answers": list(answers), **shown}
    return Parcel(
        "3502768696",
        record or {},
        documents,
        InMemoryLedger(),
        action,
        version,
        number,
        shown=document,
        trigger="edited",
        made_at=AT,
    )


def written(writes: Format, *parcels: Parcel) -> bytes:
    with Spool() as into:
        assert writes.write(map(row_of, parcels), into) == len(parcels)
        return b"".join(into.blocks())


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def storable(text: str) -> str:
    """Return the text as UTF-8 can hold it."""
    return "".join("\ufffd" if "\ud800" <= one <= "\udfff" else one for one in text)


records = st.dictionaries(
    st.sampled_from(["client.first_name", "client.city", "note"]), HOSTILE, max_size=3
)


@given(records, ANSWERS)
def test_csv_holds_each_value_and_each_answer_in_a_column_of_its_own(
    record: dict[str, str], answers: list[dict[str, str]]
) -> None:
    columns = Columns()
    content = written(Csv(columns), parcel(record, answers), parcel())
    first, second = table(content)
    assert list(first)[: len(FIXED)] == list(FIXED)
    assert len(set(columns.headings)) == len(columns.headings)
    cells = {name: first[columns.headings[columns.of_field(name)]] for name in record}
    assert cells == {name: storable(value) for name, value in record.items()}
    for answer in row_of(parcel(record, answers)).answers:
        cell = first[columns.headings[columns.of_answer(answer)]]
        assert storable(answer.value) in cell
    assert second["reference"] == "3502768696"
    assert None not in {*first, *second, *first.values(), *second.values()}  # as many cells


@given(records, ANSWERS)
def test_no_value_of_a_safe_csv_starts_a_formula(
    record: dict[str, str], answers: list[dict[str, str]]
) -> None:
    content = written(Csv(Columns(), safe=True), parcel(record, answers))
    assert content.startswith(b"\xef\xbb\xbf")
    cells = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert not any(cell.startswith(FORMULA) for row in cells for cell in row)


def test_values_for_machines_stay_as_they_are() -> None:
    content = written(Csv(Columns()), parcel({"note": "=1+1", "client.city": 'a,"b"\r\nc'}))
    assert not content.startswith(b"\xef\xbb\xbf")
    assert content.endswith(b',=1+1,"a,""b""\r\nc"\r\n')


@given(records, ANSWERS)
def test_xml_is_valid_and_gives_back_what_xml_can_hold(
    record: dict[str, str], answers: list[dict[str, str]]
) -> None:
    content = written(
        Xml(About("a run", None, AT)),
        parcel(record, answers, documents=DOCUMENTS, listing={"id": "4417", "name": "A & B"}),
        parcel(action=Action.REMOVE, number=2),
        parcel(record, version=""),
    )
    root = etree.fromstring(content)
    SCHEMA.assertValid(root)
    first, removal, by_hand = root
    shown = {one.get("name"): one.text or "" for one in first.findall("field")}
    assert shown == {name: "".join(map(in_xml, value)) for name, value in record.items()}
    assert (removal.get("action"), removal.get("version"), len(removal)) == ("remove", "2", 0)
    assert by_hand.get("version") == ""


def in_xml(one: str) -> str:
    point = ord(one)
    fits = point in (9, 10, 13) or 0x20 <= point <= 0xD7FF or 0xE000 <= point <= 0xFFFD
    return one if fits or point > 0xFFFF else "\ufffd"


@given(records, ANSWERS)
def test_a_json_line_is_one_line_for_everybody(
    record: dict[str, str], answers: list[dict[str, str]]
) -> None:
    content = written(JsonLines(), parcel(record, answers, documents=DOCUMENTS), parcel())
    first, second = map(json.loads, content.decode().splitlines())
    assert first.get("note", "") == record.get("note", "")
    assert [one["value"] for one in first.get("answers", [])] == [
        one["value"] for one in answers if one["value"]
    ]
    assert [one["path"] for one in first["files"]] == [
        f"files/3502768696/{document.name}" for document in DOCUMENTS
    ]
    assert (second["reference"], second["action"], second["version"]) == ("3502768696", "put", 1)


def test_a_removal_states_no_more_than_that() -> None:
    (row,) = written(JsonLines(), parcel(action=Action.REMOVE, number=2)).splitlines()
    assert json.loads(row) == {
        "reference": "3502768696",
        "action": "remove",
        "version": 2,
        "trigger": "edited",
        "changed_at": "2026-03-19T18:30:00Z",
    }


# -- Columns -------------------------------------------------------------------------------------


def answer(form: str, key: str, name: str, label: str) -> dict[str, str]:
    return {"form": form, "key": key, "form_name": name, "label": label, "value": "yes"}


def test_a_heading_that_is_taken_has_the_key_in_brackets() -> None:
    columns = Columns()
    same = [answer("f", "a", "Intake", "Name"), answer("f", "b", "Intake", "Name")]
    fixed = [answer("f", "c", "", "reference")]
    written(Csv(columns), parcel({}, same), parcel({}, fixed))
    assert columns.headings[len(FIXED) :] == ["Intake: Name", "Intake: Name [b]", "reference [c]"]


def test_a_column_keeps_its_place_in_later_files() -> None:
    first = Columns()
    written(Csv(first), parcel({"note": "x"}, [answer("f", "a", "Intake", "Name")]))
    stored = json.loads(json.dumps(first.known()))
    second = Columns(stored)
    content = written(
        Csv(second), parcel({"client.city": "Milltown"}, [answer("f", "b", "", "Why")])
    )
    assert second.headings == [*first.headings, "client.city", "Why"]
    assert table(content)[0]["Intake: Name"] == ""


# -- Memory --------------------------------------------------------------------------------------


def test_a_long_list_takes_no_more_memory_than_a_short_one() -> None:
    def rows(count: int) -> Iterator[Any]:
        for number in range(count):
            yield row_of(parcel({"note": "x" * 500}, number=number + 1))

    peaks = []
    for count in (1_000, 8_000):
        tracemalloc.start()
        with Spool() as into:
            Csv(Columns()).write(rows(count), into)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.1
