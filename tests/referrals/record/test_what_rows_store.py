"""A row stores a cause and its values; the sentence is made when somebody reads it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models import ExpressionWrapper, F, Model, TextField

from core import encryption
from core.fields import EncryptedSentenceField, EncryptedSentencesField, SentenceField
from core.text.sentences import WORDS, Cause
from integrations.models import Destination
from integrations.sentences import SUSPENDED
from referrals.models import (
    Attempt,
    BulkRetryItem,
    ClearedError,
    Delivery,
    InboundEvent,
    ReferralFile,
    Run,
)
from sandbox import running_sandbox
from tests.cases import some
from tests.referrals.causes import CASES, TOKEN, Case, Scene, scene
from tests.rows import as_stored
from tests.world import World, make_world, plain

MODELS: list[type[Model]] = [
    Attempt,
    BulkRetryItem,
    ClearedError,
    Delivery,
    Destination,
    InboundEvent,
    ReferralFile,
    Run,
]
# What people or the cases themselves write.
BY_HAND = {
    "came in person",
    "CRMS does not accept the credentials.",
    "it refused the connection. Look there.",
    "Nobody knows.",
    "It stopped its worker.",
    "Dovetail made a mistake.",
    "Its body could not be read.",
}


@pytest.fixture
def it(db: None) -> Iterator[Scene]:
    with running_sandbox(token=TOKEN, hang_seconds=0.1, drip_seconds=0) as crms:
        yield scene(crms)


def stored() -> Iterator[tuple[str, str]]:
    """Yield each text in a column of sentences, as it is stored, with the column's name."""
    for model in MODELS:
        for field in model._meta.local_concrete_fields:
            if isinstance(field, SentenceField | EncryptedSentenceField | EncryptedSentencesField):
                for row in model._default_manager.all():
                    yield from ((f"{model.__name__}.{field.name}", t) for t in _texts(row, field))


def _texts(row: Any, field: Any) -> Iterator[str]:
    if getattr(row, field.attname) in (None, "", [], {}):
        return
    if isinstance(field, SentenceField):
        as_text = ExpressionWrapper(F(field.name), output_field=TextField())
        rows = type(row).objects.filter(pk=row.pk).annotate(it=as_text)
        yield rows.values_list("it", flat=True).get()
        return
    text = encryption.decrypt(as_stored(row, field.name), field.context, row.row_key).decode()
    if isinstance(field, EncryptedSentenceField):
        yield text
    else:
        loaded = json.loads(text)
        yield from loaded.values() if isinstance(loaded, dict) else loaded


def causes_of(text: str) -> list[str]:
    return [part["cause"] for part in json.loads(text)] if text.startswith("[{") else [WORDS]


@pytest.mark.slow
@pytest.mark.parametrize("case", some(CASES), ids=[case.come_about.__name__ for case in CASES])
def test_no_row_stores_a_sentence_of_dovetails_own(it: Scene, case: Case) -> None:
    case.come_about(it)

    for column, text in stored():
        if not any(words in text for words in BY_HAND):
            assert WORDS not in causes_of(text), (column, text)
            assert set(causes_of(text)) <= set(Cause.known), (column, text)


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def test_a_text_that_an_earlier_version_stored_is_shown_as_it_is(world: World) -> None:
    event = world.send(plain())
    InboundEvent.objects.update(reason="Import into the archive started.")
    event.refresh_from_db()
    assert event.reason == "Import into the archive started."


def test_an_updated_row_keeps_the_cause(world: World) -> None:
    event = world.send(plain())
    InboundEvent.objects.update(reason=SUSPENDED(organization="Birchwood"))
    event.refresh_from_db()
    assert event.reason == "Birchwood is suspended in Dovetail."
    assert SUSPENDED.made(event.reason)
    event.save()
    event.refresh_from_db()
    assert SUSPENDED.made(event.reason)


@pytest.mark.parametrize("cause", Cause.known.values(), ids=str)
def test_every_cause_is_a_sentence_with_named_placeholders(cause: Cause) -> None:
    for text in filter(None, [cause.text, cause.many]):
        assert "{}" not in text
        assert text == text.strip()
