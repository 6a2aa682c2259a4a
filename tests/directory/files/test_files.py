"""Archives and tables from outside: read within limits, and written as the contract says."""

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.files import archives, tables
from directory.files.archives import Archive
from directory.files.problems import Unreadable


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return path


def content(archive: Archive, name: str) -> bytes:
    with archive.open(name) as file:
        return file.read()


# -- Archives -----------------------------------------------------------------------------------


def test_a_zip_a_folder_and_a_file_are_read_alike(tmp_path: Path) -> None:
    packed = zipped(tmp_path / "a.zip", {"deep/services.csv": b"id\r\n1\r\n"})
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "services.csv").write_bytes(b"id\r\n1\r\n")
    for path in (packed, folder, folder / "services.csv"):
        archive = Archive(path)
        assert list(archive) == ["services.csv"]
        assert content(archive, "services.csv") == b"id\r\n1\r\n"
        archive.close()


def test_files_of_the_system_are_passed_over(tmp_path: Path) -> None:
    names = ["services.csv", "__MACOSX/._services.csv", ".DS_Store", "folder/"]
    archive = Archive(zipped(tmp_path / "a.zip", dict.fromkeys(names, b"")))
    assert list(archive) == ["services.csv"]


def test_a_name_that_climbs_out_is_only_a_name(tmp_path: Path) -> None:
    archive = Archive(zipped(tmp_path / "a.zip", {"../../etc/services.csv": b"id"}))
    assert list(archive) == ["services.csv"]


def test_a_bomb_is_refused_before_it_goes_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "_RATIO_COUNTS_FROM", 1 << 20)
    bomb = zipped(tmp_path / "bomb.zip", {"services.csv": b"0" * (2 << 20)})
    assert bomb.stat().st_size < 4_000
    with pytest.raises(Unreadable, match="a bomb"):
        content(Archive(bomb), "services.csv")


def test_a_zip_that_lies_about_its_size_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "_RATIO_COUNTS_FROM", 1 << 20)
    path = zipped(tmp_path / "bomb.zip", {"services.csv": b"0" * (2 << 20)})
    raw = bytearray(path.read_bytes())
    size = (2 << 20).to_bytes(4, "little")
    while (at := raw.find(size)) >= 0:
        raw[at : at + 4] = (100).to_bytes(4, "little")
    path.write_bytes(raw)
    with pytest.raises(Unreadable):
        content(Archive(path), "services.csv")


def test_many_small_bombs_are_counted_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_BYTES", 1000)
    archive = Archive(zipped(tmp_path / "a.zip", {"a.csv": b"0" * 800, "b.csv": b"0" * 800}))
    assert len(content(archive, "a.csv")) == 800
    with pytest.raises(Unreadable):
        content(archive, "b.csv")


@pytest.mark.whole
def test_text_that_packs_well_is_no_bomb(tmp_path: Path) -> None:
    text = b"".join(b"%d,This service is for everybody in Milltown.\r\n" % n for n in range(10**6))
    archive = Archive(zipped(tmp_path / "a.zip", {"services.csv": text}))
    assert content(archive, "services.csv") == text


@pytest.mark.parametrize(
    "raw", [b"PK\x05\x06" + b"\0" * 18, b"PK\x03\x04broken", b"", b"id,name\r\n"]
)
def test_broken_and_empty_files_are_read_or_refused(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(raw)
    for name in Archive(path):
        assert content(Archive(path), name) == raw


def test_a_damaged_file_in_a_zip_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"services.csv": bytes(range(256)) * 400})
    raw = bytearray(path.read_bytes())
    raw[60:90] = b"\0" * 30
    path.write_bytes(raw)
    with pytest.raises(Unreadable, match="damaged"):
        content(Archive(path), "services.csv")


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"services\.csv"):
        Archive(zipped(tmp_path / "a.zip", {"a/services.csv": b"", "b/services.csv": b""}))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"named gone\.zip"):
        Archive(tmp_path / "gone.zip")


# -- Tables -------------------------------------------------------------------------------------


def read(text: str | bytes) -> list[tables.Row]:
    raw = text.encode() if isinstance(text, str) else text
    return list(tables.read(io.BytesIO(raw)).rows)


def cells(text: str | bytes) -> list[dict[str, str]]:
    return [row.cells for row in read(text)]


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_any_line_end_mark_and_delimiter(end: str, mark: str, delimiter: str) -> None:
    lines = [["id", "name"], ["1", "Hébergement"], ["2", "Aide"]]
    text = mark + "".join(delimiter.join(line) + end for line in lines)
    expected = [{"id": "1", "name": "Hébergement"}, {"id": "2", "name": "Aide"}]
    assert cells(text) == expected


def test_windows_1252_is_read() -> None:
    assert cells("id,name\r\n1,L’Érable\r\n".encode("cp1252")) == [{"id": "1", "name": "L’Érable"}]


def test_a_row_knows_the_line_that_it_begins_on() -> None:
    rows = read('id,name\r\n1,"two\r\nlines"\r\n\r\n2,one\r\n')
    assert [row.line for row in rows] == [2, 4] or [row.line for row in rows] == [2, 5]
    assert rows[0].cells["name"] == "two\nlines"


def test_empty_cells_are_absent_and_spaces_stay() -> None:
    assert cells("id,name,note\r\n1, A , \r\n") == [{"id": "1", "name": " A "}]


def test_vertical_tabs_and_nuls_do_not_break_a_row() -> None:
    assert cells("id,name\r\n1,one\x0btwo\0\r\n") == [{"id": "1", "name": "one\ntwo"}]


def test_a_row_with_more_cells_than_headings_shows_it() -> None:
    (short, long, empty) = read("id,name\r\n1\r\n2,b,c\r\n3,c,,\r\n")
    assert short.cells == {"id": "1"}
    assert (short.surplus, long.surplus, empty.surplus) == (False, True, False)


def test_a_heading_that_comes_twice_counts_where_it_comes_first() -> None:
    table = tables.read(io.BytesIO(b"id,name,name\r\n1,a,b\r\n"))
    assert table.twice == ["name"]
    assert [row.cells for row in table.rows] == [{"id": "1", "name": "a"}]


def test_headings_only_are_a_table_without_rows() -> None:
    assert cells("id,name\r\n") == []


@pytest.mark.parametrize("raw", [b"", b"\r\n\r\n", b"\xef\xbb\xbf", b" , ,\n"])
def test_a_file_without_headings_is_refused(raw: bytes) -> None:
    with pytest.raises(Unreadable, match="no headings"):
        read(raw)


@pytest.mark.whole
def test_fifty_megabytes_in_one_cell_are_read() -> None:
    (row,) = read(b'id,description\r\n1,"' + b"x" * (50 << 20) + b'"\r\n')
    assert len(row.cells["description"]) == 50 << 20


def test_a_quote_that_never_ends_does_not_swallow_more_than_its_file() -> None:
    assert cells('id,name\r\n1,"open\r\n2,b\r\n') == [{"id": "1", "name": "open\n2,b\n"}]


values = st.none() | st.text(max_size=20) | st.integers() | st.booleans()


@given(st.lists(st.fixed_dictionaries({"id": st.uuids().map(str), "a": values, "b": values})))
def test_what_is_written_is_rfc_4180_and_read_back(rows: list[dict[str, Any]]) -> None:
    file = io.StringIO(newline="")
    assert list(tables.write(file, ["id", "a", "b"], rows)) == rows
    raw = file.getvalue()
    assert raw.startswith("id,a,b\r\n")
    expected = [[tables.cell(row[name]) for name in ("id", "a", "b")] for row in rows]
    assert list(csv.reader(io.StringIO(raw, newline="")))[1:] == expected
    assert not [c for c in raw if c not in "\r\n" and (ord(c) < 32 or 127 <= ord(c) < 160)]
    again = cells(raw)
    written = [{k: tables.cell(v) for k, v in row.items()} for row in rows]
    assert again == [{k: v for k, v in row.items() if v.strip()} for row in written]
