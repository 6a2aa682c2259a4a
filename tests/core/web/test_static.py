"""Static files are named by their content once they are collected, and shown in any case."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.test import Client
from django.test.signals import storages_changed

from core.web.static import COLLECTED, StaticStorage

NAME = "look.css"


@pytest.fixture
def installed(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """The installed files, of which nothing is collected yet."""
    source = tmp_path / "source"
    source.mkdir()
    (source / NAME).write_text("p { color: navy; background: url(none.svg) }\n" * 50)
    settings.STATICFILES_DIRS = [source]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = str(tmp_path / "static")
    settings.WHITENOISE_AUTOREFRESH = False
    yield source
    finders.get_finder.cache_clear()


def collect() -> StaticStorage:
    call_command("collectstatic", interactive=False, verbosity=0)
    storages_changed(setting="STATIC_ROOT")  # as for a program that starts anew
    return StaticStorage()


def test_what_is_collected_is_hashed_compressed_and_cached_for_good(installed: Path) -> None:
    url = collect().url(NAME)
    assert url != f"/static/{NAME}"
    answer = Client().get(url, headers={"Accept-Encoding": "gzip"})
    assert answer["Content-Encoding"] == "gzip"
    assert "immutable" in answer["Cache-Control"]


def test_source_maps_stay_as_they_are(installed: Path) -> None:
    (installed / f"{NAME}.map").write_text("{}\n" * 500)
    collected = {file.suffix for file in Path(collect().location).glob("look.css.*map*")}
    assert collected == {".map"}


def test_what_nobody_collected_is_sent_as_it_lies(installed: Path) -> None:
    assert StaticStorage().url(NAME) == f"/static/{NAME}"
    assert Client().get(f"/static/{NAME}").status_code == 200


def test_after_an_upgrade_without_collecting_the_new_files_are_sent(installed: Path) -> None:
    collect()
    (installed / NAME).write_text("p { color: teal }")
    (installed / "new.css").write_text("p { color: red }")
    storage = StaticStorage()
    for name in (NAME, "new.css"):
        assert storage.url(name) == f"/static/{name}"
        content = b"".join(Client().get(f"/static/{name}").streaming_content)
        assert content == (installed / name).read_bytes()
    assert collect().url(NAME) != f"/static/{NAME}"


def test_what_was_collected_by_halves_counts_as_not_collected(installed: Path) -> None:
    storage = collect()
    for name in (storage.manifest_name, COLLECTED):
        Path(storage.path(name)).write_text('{"pa')
        assert StaticStorage().url(NAME) == f"/static/{NAME}"


def test_a_name_that_no_file_has_breaks_no_page(installed: Path) -> None:
    assert collect().url("no.css") == "/static/no.css"
    assert staticfiles_storage.url("no.css") == "/static/no.css"
