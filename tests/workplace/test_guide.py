"""Each page of the portal leads to the section of the guide about it, in both languages."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import translation

from tests.addresses import views
from workplace.guide import CHAPTERS, FOLDER, START, TRANSLATED, markup
from workplace.guide.sections import ANY_PAGE, SECTIONS, section_of

FILES = {name: "README.md" if name == START else f"{name}.md" for name in CHAPTERS}
# They answer with a file or a script, sign the person out, or are of no page of ours.
NO_PAGES = {"jsi18n", "autocomplete", "logout", "login", "view_on_site", "app_list"}


def text_of(chapter: str, folder: str = "") -> str:
    return (FOLDER / folder / FILES[chapter]).read_text("utf-8")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_has_the_same_sections_in_both_languages(chapter: str) -> None:
    english, french = text_of(chapter), text_of(chapter, TRANSLATED)
    assert markup.ids_of(english) == markup.ids_of(french)
    assert english != french
    for kind in (r"^\|", r"^ *- ", r"^ *\d+\. ", r"^!\["):
        count = {len(re.findall(kind, text, re.MULTILINE)) for text in (english, french)}
        assert len(count) == 1, kind


@pytest.mark.parametrize("folder", ["", TRANSLATED])
def test_every_page_of_the_portal_has_a_section(folder: str) -> None:
    sections = {chapter: ["", *markup.ids_of(text_of(chapter, folder))] for chapter in CHAPTERS}
    for _pattern, chapter, section in SECTIONS:
        assert section in sections[chapter], (chapter, section)
    without = {view.name for view in views() if section_of(view.name) == ANY_PAGE}
    assert without <= NO_PAGES | {"find"}


def test_every_row_of_the_map_is_of_some_page() -> None:
    names = [view.name for view in views()]
    used = {next((row for row in SECTIONS if section_of(name) == row[1:]), None) for name in names}
    targets = {row[1:] for row in used if row}
    assert {row[1:] for row in SECTIONS} == targets


@pytest.mark.parametrize("folder", ["", TRANSLATED])
def test_links_of_the_guide_lead_to_sections_that_are_there(folder: str) -> None:
    for chapter in CHAPTERS:
        links = re.findall(r"\]\(([\w-]*)(?:\.md)?#([\w-]+)\)", text_of(chapter, folder))
        for target, section in links:
            assert section in markup.ids_of(text_of(target or chapter, folder))


@pytest.fixture
def client(admin_user: User) -> Client:
    client = Client()
    client.force_login(admin_user)
    return client


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "label"), [("en", "Help"), ("fr", "Aide")])
def test_a_page_has_help_that_opens_the_guide_at_its_section(
    client: Client, language: str, label: str
) -> None:
    for name in ("index", "why", "mapping_mapping_changelist", "workplace_alert_changelist"):
        headers = {"Accept-Language": language}
        page = client.get(reverse(f"admin:{name}"), headers=headers).content.decode()
        found = re.search(r'<a id="help" href="([^"#]+)#([^"]+)"[^>]*>([^<]+)</a>', page)
        assert found is not None
        address, section, shown = found.groups()
        assert shown == label
        guide = client.get(address, headers=headers).content.decode()
        assert f'id="{section}"' in guide


@pytest.mark.django_db
def test_the_pictures_of_every_chapter_are_shown(client: Client) -> None:
    for language in ("en", "fr"):
        headers = {"Accept-Language": language}
        for chapter in CHAPTERS:
            page = client.get(reverse("admin:guide", args=[chapter]), headers=headers)
            for source in re.findall(r'<img src="([^"]+)"', page.content.decode()):
                picture: Any = client.get(source, headers=headers)
                assert picture["Content-Type"] == "image/png"
                assert b"".join(picture).startswith(b"\x89PNG")


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["nothing/", "pictures/nothing.png", "pictures/..%2Falert.png"])
def test_what_is_not_in_the_guide_is_not_found(client: Client, address: str) -> None:
    assert client.get(f"/admin/guide/{address}").status_code == 404


def test_text_of_the_guide_is_never_markup() -> None:
    _, html = markup.to_html('# T\n\n<script>x</script> & `<b>` [a"b](x"y.md)', lambda to: to)
    assert "<script>" not in html
    assert html == (
        "<p>&lt;script&gt;x&lt;/script&gt; &amp; <code>&lt;b&gt;</code> "
        '<a href="x&quot;y.md">a"b</a></p>'
    )


def test_lists_in_lists_tables_and_marks_are_read() -> None:
    text = "1. one\n   - *in* it\n   - too\n2. **two**\n\n| A | B |\n|---|---|\n| `x` | y |"
    _, html = markup.to_html(text, lambda to: to)
    assert "<ol><li>one<ul><li><em>in</em> it</li><li>too</li></ul></li><li><strong>two" in html
    assert "<td><code>x</code></td><td>y</td>" in html


def test_the_docs_are_where_the_portal_looks_for_them() -> None:
    assert Path(FOLDER, "README.md").is_file()
    with translation.override("fr-ca"):
        assert str(CHAPTERS["support"]) == "Pour le soutien"
