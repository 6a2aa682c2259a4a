import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.sources import formats
from integrations.sources.filenames import MAX_LENGTH, extension_of, safe_filename


def safe(name, content_type=""):
    return safe_filename(name, fallback="attachment-1.bin", content_type=content_type)


@pytest.mark.parametrize(
    ("name", "made_safe"),
    [
        ("intake letter.pdf", "intake letter.pdf"),
        ("résumé é.pdf", "résumé é.pdf"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\x\\letter.pdf", "letter.pdf"),
        ('a<b>:"|?*.pdf', "a_b______.pdf"),
        ("inv\u202efdp.exe", "invfdp.exe"),
        ("a\x00b\x1f.pdf", "ab.pdf"),
        ("two\nlines.pdf", "two lines.pdf"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        (".htaccess", "htaccess"),
        ("letter.pdf. . ", "letter.pdf"),
        ("", "attachment-1.bin"),
        ("...", "attachment-1.bin"),
        ("folder/", "attachment-1.bin"),
    ],
)
def test_a_name_is_made_safe(name, made_safe):
    assert safe(name) == made_safe


def test_a_long_name_keeps_its_extension():
    name = safe("é" * 300 + ".pdf")
    assert len(name) == MAX_LENGTH
    assert name.endswith("é.pdf")


def test_a_name_without_extension_gets_that_of_its_type():
    assert safe("letter", "application/pdf") == "letter.pdf"
    assert safe("letter.old.doc", "application/pdf") == "letter.old.doc"
    assert safe("letter", "x/unknown") == "letter"


@given(st.text(max_size=300), st.sampled_from(["", "application/pdf", "image/png"]))
def test_any_name_becomes_one_that_is_safe_and_stays_so(name, content_type):
    result = safe(name, content_type)
    assert 0 < len(result) <= MAX_LENGTH
    assert not set(result) & set('/\\<>:"|?*%')
    assert not result.startswith(".")
    assert not result.endswith((".", " "))
    assert all(not unicodedata.category(c).startswith("C") for c in result)
    assert safe(result, content_type) == result


# -- The extension of the content ----------------------------------------------------------------


def named(name, form, content_type=""):
    return safe_filename(name, fallback="attachment-1.bin", content_type=content_type, form=form)


@pytest.mark.parametrize(
    ("name", "form", "expected"),
    [
        ("Consult note 2026.03.09", formats.PDF, "Consult note 2026.03.09.pdf"),
        ("Assessment v1.2", formats.PDF, "Assessment v1.2.pdf"),
        ("Lettre Dr.Roy", formats.PDF, "Lettre Dr.Roy.pdf"),
        ("Report no.7", formats.DOCX, "Report no.7.docx"),
        ("plain title", formats.PNG, "plain title.png"),
        ("SCAN.PDF", formats.PDF, "SCAN.PDF"),
        ("photo.JPEG", formats.JPEG, "photo.JPEG"),
        ("fax.tiff", formats.TIFF, "fax.tiff"),
        ("scan.pdf", formats.PNG, "scan.png"),
        ("letter.doc", formats.DOCX, "letter.docx"),
        ("photo.heic", formats.JPEG, "photo.jpg"),
        ("letter.pdf.exe", formats.PDF, "letter.pdf"),
        ("letter.pdf.pdf", formats.PDF, "letter.pdf.pdf"),
        ("download.php", formats.PDF, "download.pdf"),
        ("file.bin", formats.ZIP, "file.zip"),
        ("backup.tar.gz", formats.GZIP, "backup.tar.gz"),
        ("plan.pages", formats.ZIP, "plan.pages"),
        ("voice.m4a", formats.MP4, "voice.m4a"),
        ("ccd.xml", formats.CDA, "ccd.xml"),
        ("hello.pdf", formats.TEXT, "hello.txt"),
        ("list.csv", formats.TEXT, "list.csv"),
        ("lab.hl7", formats.TEXT, "lab.hl7"),
        ("con.pdf", formats.PDF, "_con.pdf"),
        ("", formats.PDF, "attachment-1.pdf"),
    ],
)
def test_a_name_keeps_its_dots_and_gets_the_extension_of_the_content(name, form, expected):
    assert named(name, form) == expected


def test_text_gets_the_extension_of_the_kind_of_text_that_was_announced():
    assert named("list", formats.TEXT, "text/csv") == "list.csv"
    assert named("note", formats.TEXT, "text/plain") == "note.txt"
    assert named("note", formats.TEXT) == "note.txt"


@pytest.mark.parametrize("name", ["Consult note 2026.03.09", "Assessment v1.2", "Lettre Dr.Roy"])
def test_a_dot_in_a_title_is_no_extension_while_the_content_is_not_known(name):
    assert safe(name, "application/pdf") == f"{name}.pdf"


@given(st.text(max_size=300), st.sampled_from([None, *formats.FORMATS]))
def test_any_name_with_the_extension_of_the_content_is_safe_and_stays_so(name, form):
    result = named(name, form)
    assert 0 < len(result) <= MAX_LENGTH
    assert not set(result) & set('/\\<>:"|?*%')
    assert form is None or extension_of(result).lower() in form.extensions
    assert named(result, form) == result
