"""Tables for spreadsheets: what stands in a cell is a text, and never a formula."""

import csv
import io

import openpyxl
import pytest

from core.text.spreadsheets import as_csv, as_xlsx, defused

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1", "＝1", "＋1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_a_text(text: str):
    assert defused(text) == f"'{text}"
    (row,) = csv.reader(io.StringIO(as_csv([[text]]).decode("utf-8-sig"), newline=""))
    assert row == [f"'{text}"]
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx([["heading"], [text]], "Sheet")))
    cell = book.active["A2"]
    assert cell.data_type == "s"
    assert cell.value.startswith("'")


@pytest.mark.parametrize("text", ["", "Milltown", "a=b", "1-2", "4200000139", "Đặng 😀", "a\nb"])
def test_a_plain_text_stays(text: str):
    assert defused(text) == text


def test_what_no_workbook_can_hold_is_replaced():
    hostile = "a\0b\x07\ud800\uffff"
    assert as_csv([[hostile]])
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx([[hostile], ["x" * 40_000]], "Sheet")))
    assert book.active["A1"].value == "a\ufffdb\ufffd\ufffd\ufffd"
