"""A colon stands as the reader's language sets it, in every template."""

import re

import pytest
from django.utils import translation

from core.templatetags.colon import colon
from tests.services import ROOT

TRANSLATED = re.compile(r"{%\s*blocktranslate.*?{%\s*endblocktranslate\s*%}", re.DOTALL)
BARE = re.compile(r"[}%]}(?:</\w+>)?:(?=[ <])")


@pytest.mark.parametrize(("language", "set_as"), [("en-ca", "Day:"), ("fr-ca", "Day\N{NBSP}:")])
def test_a_colon_has_a_space_before_it_in_french(language: str, set_as: str) -> None:
    with translation.override(language):
        assert colon("Day") == set_as


def test_a_label_is_no_markup() -> None:
    assert colon("<b>") == "&lt;b&gt;:"


def test_no_template_sets_a_colon_by_itself() -> None:
    found = {
        file.name: glued
        for file in (ROOT / "templates").rglob("*.html")
        if (glued := BARE.findall(TRANSLATED.sub("", file.read_text())))
    }
    assert not found
