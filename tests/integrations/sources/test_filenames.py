import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.sources.filenames import MAX_LENGTH, safe_filename


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
