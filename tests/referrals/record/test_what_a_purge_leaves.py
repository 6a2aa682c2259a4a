"""After a purge, no column and no stored file names the person.

Generated from the models: every row that hangs on a referral, directly or through others, and each
of its columns that can hold a word. A new model or column is in here by itself, as one that has to
be empty afterward; one that holds nothing of a person is added to `KEPT`, with the reason.
"""

import dataclasses
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import models, transaction

from core.database import clock
from core.fields import (
    EncryptedBinaryField,
    EncryptedJSONField,
    EncryptedSentencesField,
    EncryptedTextField,
)
from core.storage import EncryptedFileStorage
from integrations.destinations.demo.transport import DemoTransport
from integrations.sources.caredove.plain import parse
from integrations.transport import Exchange, Receipt, Rejected, TryAgain, Unconfirmed
from referrals import delivering, sentences
from referrals.intake import identity, opening
from referrals.models import (
    BulkRetry,
    BulkRetryItem,
    Delivery,
    InboundEvent,
    LegalHold,
    Note,
    PartnerRequest,
    PartnerUpdate,
    Referral,
    RetentionPeriod,
)
from referrals.record.removal import retention
from tests.rows import write
from tests.world import REFERENCE, World, plain

pytestmark = pytest.mark.postgres  # what is deleted, also by a migration

PERSON = "Okafor"
OTHER_ID = "0f5c2a2e-6b1d-4d1e-9f5e-111111111111"
storage = EncryptedFileStorage()

# Columns that hold words, but none of a person: they are what a tombstone consists of.
KEPT = {
    "Referral.reference": "Caredove's number, by which staff know the referral",
    "Referral.listing_caredove_id": "an id of the configuration",
    "Referral.classifications": "times and words of Caredove's vocabulary: see test_matching.py",
    "ReferralAlias.source_kind": "a name of ours",
    "ReferralAlias.value": "an id of the referral",
    "InboundEvent.endpoint_name": "a name of ours",
    "InboundEvent.dedup_key": "the id of a message, or the digest of its body",
    "InboundEvent.body_sha256": "the digest of a whole message",
    "InboundEvent.code": "what happened, in the sender's vocabulary",
    "InboundEvent.reference": "an id of the referral",
    "InboundEvent.triggers": "keys of ours",
    "InboundEvent.reason": "a sentence of ours, with names of the configuration",
    "Delivery.triggers": "keys of ours",
    "Version.triggers": "keys of ours",
    "Version.allowed_fields": "keys of the configuration, as the destination had them",
    "Delivery.reference": "an id of the referral",
    "Delivery.external_id": "the id in the destination, by which staff remove it there",
    "Delivery.external_url": "where it is in the destination",
    "Delivery.absent_steps": "names of ours, with the ids of files",
    "Attempt.doubt": "a key of ours",
    "Delivery.last_code": "a code of a protocol, as a transport of ours writes it",
    "Attempt.code": "a code of a protocol, as a transport of ours writes it",
    "Step.name": "a name of ours, with the id of a file",
    "Step.external_id": "an id in the destination",
    "BulkRetryItem.why": "a sentence of ours",
}
WORDLESS = (
    models.BooleanField,
    models.DateTimeField,
    models.IntegerField,
    models.UUIDField,
)


# -- What hangs on a referral, and what of it can name a person --------------------------------


@dataclass(frozen=True)
class Relation:
    """A foreign key by which rows of `model` hang on those of another model."""

    model: type[models.Model]
    field: str
    to: type[models.Model]

    def __str__(self) -> str:
        return f"{self.model.__name__}.{self.field}"


def relations() -> list[Relation]:
    """Return every foreign key that leads to a referral, in one step or in several."""
    found: list[Relation] = []
    reached: list[type[models.Model]] = [Referral]
    for model in reached:  # grows meanwhile
        for key in model._meta.get_fields(include_hidden=True):
            if not key.auto_created or key.concrete:
                continue
            assert not key.many_to_many, f"Teach this test how {key} hangs on a referral."
            found.append(Relation(key.related_model, key.field.name, model))
            if key.related_model not in reached:
                reached.append(key.related_model)
    return found


def can_name_a_person(field: models.Field) -> bool:
    """Return whether a column can hold a word that somebody else has chosen."""
    known = field.is_relation or field.choices or isinstance(field, WORDLESS)
    return not known and f"{field.model.__name__}.{field.name}" not in KEPT


def naming_columns(model: type[models.Model]) -> list[models.Field]:
    return [field for field in model._meta.concrete_fields if can_name_a_person(field)]


@dataclass
class Hanging:
    """The rows that hang on a referral, by their models."""

    keys: dict[type[models.Model], set[Any]]

    def rows(self) -> Iterator[models.Model]:
        for model, keys in self.keys.items():
            yield from model._base_manager.filter(pk__in=keys)

    def write_the_person_everywhere(self) -> None:
        """Put the person's name into each column that can hold one, but for names of files."""
        for number, row in enumerate(self.rows()):
            model = type(row)
            named = {
                field.name: named_in(field, number)
                for field in naming_columns(model)
                if not names_a_stored_file(getattr(row, field.name))
            }
            write(model._base_manager.filter(pk=row.pk), **named)

    def still_named(self) -> list[str]:
        """Return each column that still holds the name, or still names a stored file."""
        return [
            f"{type(row).__name__}.{field.name}"
            for row in self.rows()
            for field in naming_columns(type(row))
            if holds_the_person(getattr(row, field.name))
        ]


def hanging_on(*referrals: Referral) -> Hanging:
    """Return all that hangs on referrals; fails where a relation has no row to be tried with."""
    keys: dict[type[models.Model], set[Any]] = {Referral: {one.pk for one in referrals}}
    tried = set()
    for _ in keys_grow(keys):
        for relation in relations():
            on = {f"{relation.field}__in": keys.get(relation.to, set())}
            rows = set(relation.model._base_manager.filter(**on).values_list("pk", flat=True))
            keys.setdefault(relation.model, set()).update(rows)
            tried |= {str(relation)} if rows else set()
    untried = {str(relation) for relation in relations()} - tried
    assert not untried, f"Add rows that hang on the referral by {untried} to `planted`."
    return Hanging(keys)


def keys_grow(keys: dict[type[models.Model], set[Any]]) -> Iterator[None]:
    before = -1
    while before != (before := sum(map(len, keys.values()))):
        yield


def named_in(field: models.Field, number: int) -> Any:
    text = f"{PERSON}{number}"  # some columns are unique
    match field:
        case EncryptedSentencesField():
            return {text: text}
        case EncryptedJSONField() | models.JSONField():
            return {text: [text]}
        case EncryptedBinaryField() | models.BinaryField():
            return text.encode()
        case EncryptedTextField() | models.TextField() | models.CharField():
            return text
    raise AssertionError(f"Say here how {field} could name a person, or why not in KEPT.")


def holds_the_person(value: Any) -> bool:
    return PERSON in repr(value) or names_a_stored_file(value)


def names_a_stored_file(value: Any) -> bool:
    return isinstance(value, str) and "/" in value and storage.exists(value)


# -- A referral with everything that can hang on one ---------------------------------------------


@pytest.fixture
def planted(
    world: World, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> Hanging:
    """A referral that was imported after an error, and another one that became part of it.

    Everything that has a place for it names the person.
    """
    attachments = [
        {"id": "a1", "filename": "a.txt", "data": "aGVsbG8="},
        {"id": "a2", "filename": "b.txt", "url": "https://files.example.org/b.txt"},
    ]
    world.send(plain(attachments=attachments))
    world.receive(plain(reference="9999999999"))  # a conflict, which names another one
    world.send(plain(number=2, reference=OTHER_ID, attachments=attachments))
    deliveries = Delivery.objects.order_by("opened_at")
    for delivery in deliveries:
        fail_then_import(world, delivery, monkeypatch)
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        identity.resolve(world.source, [REFERENCE, OTHER_ID], world.organization, clock.now())
    Delivery.objects.update(error_cleared_at=clock.now())  # the missing file, the second import
    bulk = BulkRetry.objects.create(
        selection=world.referral.pk, organization=world.organization, asked_at=clock.now()
    )
    for delivery in deliveries:
        BulkRetryItem.objects.create(bulk_retry=bulk, delivery=delivery, resends=0, state="sent")
    events = InboundEvent.objects.filter(referral=world.referral)
    for number, (delivery, event) in enumerate(zip(deliveries, events, strict=False)):
        at = {"delivery": delivery, "event": event, "at": clock.now()}
        PartnerUpdate.objects.create(**at, number=1, patch={"note": "Seen."})
        asked = {"key": f"key {number}", "asked": "a hash", "begun_at": clock.now()}
        PartnerRequest.objects.create(source=world.source, delivery=delivery, **asked)
    Note.objects.create(referral=world.referral, at=clock.now(), text="Call back.")
    at = clock.now()
    LegalHold.objects.create(referral=world.referral, reason="Case", placed_at=at, released_at=at)
    hanging = hanging_on(world.referral)
    hanging.write_the_person_everywhere()
    return hanging


def fail_then_import(world: World, delivery: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        refused = Rejected("Refused.", Exchange("HTTP 422", {"X": "y"}, "Refused."))
        patch.setattr(DemoTransport, "deliver", mock.Mock(side_effect=refused))
        delivering.run(delivery.pk)
    delivery.refresh_from_db()
    delivering.clear_error(delivery, note="Seen.")
    delivery.trigger_config.mapping.save()
    delivering.retry(delivery)
    delivering.run(delivery.pk)


def revoke(world: World) -> None:
    world.send(plain("referral.revoked", number=9))


def expire(world: World) -> None:
    RetentionPeriod.objects.create(organization=world.organization, days=30)
    Referral.objects.update(changed_at=clock.now() - timedelta(days=31))
    assert retention.purge_expired() == 1


purged = pytest.mark.parametrize("purge", [revoke, expire])


@pytest.mark.slow
@purged
def test_no_column_names_the_person(
    purge: Callable[[World], None],
    world: World,
    planted: Hanging,
    django_capture_on_commit_callbacks: Any,
) -> None:
    assert planted.still_named()
    with django_capture_on_commit_callbacks(execute=True):
        purge(world)
    assert planted.still_named() == []


@purged
def test_no_stored_file_is_left(
    purge: Callable[[World], None], world: World, django_capture_on_commit_callbacks: Any, request
) -> None:
    before = set(storage.names())
    request.getfixturevalue("planted")
    assert set(storage.names()) > before
    with django_capture_on_commit_callbacks(execute=True):
        purge(world)
    assert set(storage.names()) == before


def test_what_is_kept_is_there() -> None:
    """A column that was renamed has to be thought of anew."""
    hang = {Referral, *(relation.model for relation in relations())}
    columns = {f"{model.__name__}.{field.name}" for model in hang for field in model._meta.fields}
    assert set(KEPT) <= columns


# -- While something else happens ------------------------------------------------------------------


@pytest.mark.parametrize(
    "outcome",
    [
        Receipt(
            "RF-1", detail=Exchange("HTTP 200", {"X": PERSON}, PERSON), refused={PERSON: PERSON}
        ),
        Rejected(PERSON, Exchange("HTTP 422", {"X": PERSON}, PERSON)),
        TryAgain(PERSON, Exchange("HTTP 503", {"X": PERSON}, PERSON)),
        Unconfirmed(PERSON, Exchange("HTTP 500", {"X": PERSON}, PERSON)),
        RuntimeError(PERSON),
    ],
    ids=lambda outcome: type(outcome).__name__,
)
def test_what_a_running_import_brings_back_is_not_kept(
    world: World, outcome: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def revoked_meanwhile(*_: Any) -> Receipt:
        revoke(world)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    world.send(plain(registrant={"first_name": "A", "last_name": PERSON}))
    monkeypatch.setattr(DemoTransport, "deliver", revoked_meanwhile)
    world.run()
    assert rows_that_name_the_person() == []


def rows_that_name_the_person() -> list[str]:
    """Return what any row of the referrals' models says of the person."""
    return [
        f"{model.__name__}.{field.name}"
        for model in {Referral, *(relation.model for relation in relations())}
        for row in model._base_manager.all()
        for field in naming_columns(model)
        if PERSON in repr(getattr(row, field.name))
    ]


def in_two_parts(world: World) -> tuple[Delivery, Delivery]:
    """Import a referral twice, under two ids, then learn that they are one; return both imports."""
    world.send(plain())
    world.send(plain(number=2, reference=OTHER_ID))
    for delivery in Delivery.objects.all():
        delivering.run(delivery.pk)
    with transaction.atomic():
        identity.resolve(world.source, [REFERENCE, OTHER_ID], world.organization, clock.now())
    own = Delivery.objects.get(referral=world.referral)
    return own, Delivery.objects.get(referral__merged_into=world.referral)


def test_staff_are_to_remove_both_imports_of_a_referral_that_was_two(world: World) -> None:
    deliveries = in_two_parts(world)
    revoke(world)
    for delivery in deliveries:
        delivery.refresh_from_db()
        assert (delivery.message, delivery.has_uncleared_error) == (sentences.IS_THERE(), True)


def test_a_message_after_a_revocation_leaves_what_staff_were_notified_of(world: World) -> None:
    world.send(plain())
    world.run()
    revoke(world)
    delivering.clear_error(world.delivery)
    world.send(plain("referral.edited", number=10))
    assert (world.delivery.message, world.delivery.has_uncleared_error) == (
        sentences.IS_THERE(),
        False,
    )


def test_staff_are_to_remove_what_turns_out_to_be_a_revoked_referral(world: World) -> None:
    world.send(plain())
    world.run()
    world.send(plain("referral.revoked", number=2, reference=OTHER_ID))
    both = dataclasses.replace(
        parse(json.dumps(plain()).encode()), references=[REFERENCE, OTHER_ID]
    )
    with mock.patch("integrations.sources.caredove.plain.parse", return_value=both):
        world.send(plain("referral.edited", number=3))
    assert world.referral.is_revoked
    assert (world.delivery.message, world.delivery.has_uncleared_error) == (
        sentences.IS_THERE(),
        True,
    )


def test_a_referral_is_kept_while_something_is_to_do_with_a_part_of_it(world: World) -> None:
    _, of_the_part = in_two_parts(world)
    Delivery.objects.filter(pk=of_the_part.pk).update(error_at=clock.now())
    RetentionPeriod.objects.create(organization=world.organization, days=30)
    Referral.objects.update(changed_at=clock.now() - timedelta(days=31))
    assert retention.purge_expired() == 0


def test_what_was_a_part_of_a_part_is_a_part_of_the_whole(world: World) -> None:
    in_two_parts(world)
    first = world.referral
    third = world.referral_of(world.send(plain(number=3, reference="1000000003")).reference)
    Delivery.objects.filter(referral=first).update(external_id=None, state="dismissed")
    Delivery.objects.filter(referral=third).update(external_id="RF-3", state="imported")
    with transaction.atomic():
        ids = [REFERENCE, third.reference]
        identity.resolve(world.source, ids, world.organization, clock.now())
    assert Referral.objects.filter(merged_into=third).count() == 2
    assert Referral.objects.filter(merged_into=first).count() == 0


# -- Messages that belong to no referral -----------------------------------------------------------


def bodies() -> list[InboundEvent]:
    return list(InboundEvent.objects.filter(body__isnull=False))


@purged
@pytest.mark.parametrize("named", [REFERENCE, "9999999999"])
def test_a_conflict_that_comes_after_it_is_kept_without_its_body(
    purge: Callable[[World], None], named: str, world: World
) -> None:
    world.send(plain())
    world.run()
    purge(world)
    assert world.receive(plain(reference=named, reason="Late.")).conflict
    assert InboundEvent.objects.filter(state="conflict", body__isnull=True).count() == 1
    assert bodies() == []


@purged
def test_a_conflict_with_another_referrals_event_goes_with_whom_it_names(
    purge: Callable[[World], None], world: World
) -> None:
    world.send(plain())
    world.run()
    other = world.send(plain("message.from_provider", number=2, reference="9999999999"))
    world.receive(plain("referral.edited", number=2))
    assert len(bodies()) == 3
    Referral.objects.filter(pk=other.referral_id).update(organization=None)
    purge(world)
    assert bodies() == [other]
    world.receive(plain("referral.edited", number=2, reason="Late."))
    assert bodies() == [other]


@purged
def test_what_could_not_be_opened_and_names_it_goes_too(
    purge: Callable[[World], None], world: World
) -> None:
    world.send(plain())
    world.run()
    left = world.receive(plain(number=3)).event_id
    InboundEvent.objects.filter(pk=left).update(state="opened", outcome="forbidden", due_at=None)
    purge(world)
    assert bodies() == []


def test_what_developers_still_have_to_open_is_deleted_by_a_revocation_alone(world: World) -> None:
    world.send(plain())
    world.run()
    left = InboundEvent.objects.get(pk=world.receive(plain(number=3)).event_id)
    InboundEvent.objects.filter(pk=left.pk).update(state="quarantined", due_at=None)
    expire(world)
    assert bodies() == [left]
    revoke(world)
    assert bodies() == []
    assert opening.reopen(left)
    opening.open_deliveries(left.pk)
    left.refresh_from_db()
    assert left.outcome == "unreadable"
