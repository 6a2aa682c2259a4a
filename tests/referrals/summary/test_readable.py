"""Nothing is lost in silence, down to the paper: what is accounted for can be read by people."""

import json
import re
from datetime import UTC, datetime
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.sources.account import Entry, Fate, is_empty
from integrations.sources.parsed import Unusable
from mapping.engine.lines import lines
from mapping.source.document import Document
from mapping.source.times import for_people
from referrals.record import snapshot
from referrals.summary import pdf
from tests.cases import some
from tests.integrations.sources.caredove.messages import FILES
from tests.integrations.sources.caredove.test_account import MESSAGES, account_of, at, words
from tests.integrations.sources.caredove.test_hostile_messages import objects, places, values

ZONE = "America/Toronto"
CONTEXT = pdf.SummaryContext("Birchwood", "Adult Counselling", ZONE)
INVISIBLE = re.compile("[\u200b\u00ad\u2060]")
# Ids, keys, codes and systems: they tell things apart, and say nothing to people.
KEYS = re.compile(
    r"(?:^|\.)(?:id|event_id|event_type|key|linkId|questionnaire|system|url)$"
    r"|identifier\.value$|(?:eventCoding|coding)(?:\.\d+)?\.code$"
)
# Used in another form than as words: a file, the kind of a message, a sort of code or a flag.
IN_ANOTHER_FORM = re.compile(
    r"(?:^|\.)(?:data|hash|sha1|sha256|md5|size|content|creation|contentType|content_type|reason\.text"
    r"|gender|relatesTo\.\d+\.code|code\.text|start|end|may_text|may_email|routed|is_caredove_user|preferred_language)$|^entry\.\d+\.resource\.status$"
)
AN_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T")


def readable(document: Document) -> set[str]:
    """Return every word that the note or the summary of a referral shows."""
    shown = snapshot.view(snapshot.merge({}, document, datetime(2026, 3, 11, tzinfo=UTC)))
    page = re.sub("<[^>]+>", " ", pdf.html(shown, CONTEXT).partition("<body>")[2])
    note = "\n".join(map(str, lines(shown, ZoneInfo(ZONE))))
    return words(INVISIBLE.sub("", unescape(page))) | words(note)


def is_text(entry: Entry) -> bool:
    value = entry.value
    return (
        isinstance(value, str)
        and not is_empty(value)
        and value.isprintable()
        and not re.search("[<&]", value)
    )


def not_to_be_read(entries: list[Entry], shown: set[str]) -> list[tuple[str, Any]]:
    """Return the texts that are accounted used or also sent, and stand nowhere for people."""
    return [
        (".".join(map(str, entry.path)), entry.fate)
        for entry in entries
        if is_text(entry) and not _is_read(entry, shown)
    ]


def _is_read(entry: Entry, shown: set[str]) -> bool:
    path = ".".join(map(str, entry.path))
    if entry.fate is Fate.LEFT_OUT:
        return True
    if entry.fate is Fate.USED and (KEYS.search(path) or IN_ANOTHER_FORM.search(path)):
        return True
    if AN_INSTANT.match(entry.value) or re.search(r"(?:timestamp|last_updated|occurred_at)$", path):
        return True
    passed_on = entry.why if entry.fate is Fate.USED and entry.why else entry.value
    return words(passed_on) <= shown | {"tel", "mailto"} or len(entry.value) > 200


@pytest.mark.parametrize("message", MESSAGES)
def test_every_text_of_a_message_can_be_read(message: Any) -> None:
    event, entries = account_of(message)
    assert not_to_be_read(entries, readable(event.document)) == []


@pytest.mark.parametrize("message", MESSAGES[::4])
def test_times_are_shown_as_people_write_them(message: Any) -> None:
    event, entries = account_of(message)
    shown = readable(event.document)
    for entry in entries:
        path = ".".join(map(str, entry.path))
        if entry.fate is Fate.ALSO_SENT and is_text(entry) and AN_INSTANT.match(entry.value):
            assert words(for_people(entry.value, ZoneInfo(ZONE))) <= shown, path


@pytest.mark.slow
@pytest.mark.parametrize("file", some(FILES), ids=lambda file: file.stem)
@settings(
    max_examples=6,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_whatever_a_message_holds_beside_can_be_read(file: Any, data: Any) -> None:
    message = json.loads(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        containers = [place for place in places(message) if isinstance(at(message, place), dict)]
        holder = at(message, data.draw(st.sampled_from(containers)))
        key = data.draw(st.text("abcdefghijklmnopqrstuvwxyzABC_", min_size=1, max_size=12))
        holder.setdefault(key, data.draw(values | objects))
    try:
        event, entries = account_of(message)
    except Unusable:
        return
    also_sent = [entry for entry in entries if entry.fate is Fate.ALSO_SENT]
    assert not_to_be_read(also_sent, readable(event.document)) == []
