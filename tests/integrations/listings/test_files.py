"""Files of listings, as spreadsheets and strangers write them."""

import io
import zipfile
from typing import Any

import openpyxl
import pytest

from integrations.listings import files
from integrations.listings.offers import Unreadable

EVENING = "Soirée – thérapie de groupe"


def workbook(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def refusal(raw: bytes) -> str:
    with pytest.raises(Unreadable) as refused:
        files.read(raw)
    return refused.value.message


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"], ids=str)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_file_is_read_in_any_usual_spelling(encoding: str, delimiter: str) -> None:
    text = f"Id{delimiter}Name\r\n04417{delimiter}{EVENING}\r\n\r\n".replace("–", "-")

    offer = files.read(text.encode(encoding))

    assert offer.rows == [("04417", EVENING.replace("–", "-"))]
    assert offer.columns == ("id", "name")
    assert bool(offer.notes) == (encoding == "cp1252")


def test_a_workbook_is_read_with_its_numbers_as_ids() -> None:
    offer = files.read(
        workbook(["Caredove ID", "Nom", "Listed", "Staff"], [4417.0, EVENING, True, 3], [None] * 4)
    )

    assert offer.columns == ("id", "name", "active")
    assert offer.rows == [("4417", EVENING, "yes")]
    assert offer.places == ["row 2"]
    assert offer.notes == ("Not used: “Staff”.",)


def test_a_quoted_comma_and_a_line_break_belong_to_the_cell() -> None:
    offer = files.read(b'id,name\r\n1,"Youth, families\nand friends"\r\n')

    assert offer.rows == [("1", "Youth, families and friends")]


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "The file is empty"),
        (b"number,title\n1,x\n", "There is no “id” among “number”, “title”"),
        (b"id,name,name\n1,x,y\n", "Two columns are called “name”"),
        (b"id,name\n1,Youth, families\n", "Row 2 has more cells than the first row"),
        (b'id,name\n1,"open\n', "cannot be read"),
        (b"id,name\n" + b"1,x\n" * 2001, "more than 2000 rows"),
        (b"id,name\n1," + b"x" * 6000, "more than 5000 characters"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "neither a CSV file nor an Excel workbook"),
        (b"id,name\n1,\x81\xfe\n", "neither UTF-8 nor Windows-1252"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old Excel file (.xls), or one with a password"),
        (b"PK\x03\x04 not a workbook", "damaged"),
        (b"x" * (files.MAX_BYTES + 1), "larger than 5 MB"),
        (workbook(["id", "name"], [1, "=HYPERLINK(1)"]), "row 2 holds a formula"),
    ],
    ids=lambda value: "file" if isinstance(value, bytes) else None,
)
def test_what_cannot_be_read_is_refused_with_a_sentence(raw: bytes, sentence: str) -> None:
    assert sentence in refusal(raw)


def test_a_workbook_that_unpacks_to_gigabytes_is_not_unpacked() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b" " * (files.MAX_UNPACKED + 1))

    assert "too large inside" in refusal(bomb.getvalue())


def test_a_workbook_whose_xml_unfolds_is_refused() -> None:
    laughs = io.BytesIO()
    with zipfile.ZipFile(laughs, "w") as packed:
        packed.writestr("xl/workbook.xml", b'<!DOCTYPE x [<!ENTITY a "ha">]><x>&a;</x>')

    assert "damaged" in refusal(laughs.getvalue())
