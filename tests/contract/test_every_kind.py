"""What every kind of destination promises. No test here may touch the database."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations import destinations
from integrations.transport import (
    Action,
    Batch,
    DeliveryError,
    Options,
    Parcel,
    Receipt,
    SecretField,
    Targets,
    Transport,
    Unconfirmed,
    Updates,
)
from mapping.editing import exchange
from mapping.engine import targets
from tests.contract.conftest import StandIn
from tests.contract.ledger import InMemoryLedger, Killed
from tests.contract.parcels import DOCUMENTS, REFERENCE, parcel

Fresh = Callable[[], AbstractContextManager[StandIn]]
MOST_ATTEMPTS = 10


def cleaned(transport: type[Transport], options: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    form = transport.OptionsForm(options, **kwargs)
    assert form.is_valid(), form.errors.as_json()
    return form.cleaned_data


def secrets(transport: type[Transport]) -> list[str]:
    fields = transport.OptionsForm.base_fields
    return [name for name, field in fields.items() if isinstance(field, SecretField)]


def delivered(
    stand_in: StandIn,
    transport: type[Transport],
    ledger: InMemoryLedger,
    number: int = 1,
    action: Action = Action.PUT,
) -> Receipt:
    """Deliver as the engine does: again and again, until the receipt or a person's turn."""
    set_up = transport(cleaned(transport, stand_in.options))
    ledger.repeatable = set_up.repeatable
    put = action is Action.PUT
    record, documents = (stand_in.record, DOCUMENTS) if put else ({}, ())
    bring = set_up.deliver if put else set_up.remove
    if hasattr(stand_in, "recover"):
        stand_in.recover()
    for _ in range(MOST_ATTEMPTS):
        try:
            return bring(parcel(record, ledger, documents, number=number, action=action))
        except Killed:
            ledger.attempt += 1
        except Unconfirmed as error:
            if error.after is None:
                look(stand_in, ledger, error)
            ledger.attempt += 1
    raise AssertionError("It never arrived.")


def look(stand_in: StandIn, ledger: InMemoryLedger, error: Unconfirmed) -> None:
    """Do what a person does where nothing can be searched, and the kind has one effect."""
    if not getattr(stand_in, "a_person_looks", False):
        raise error
    if stand_in.effects():
        ledger.confirm_present("as a person said")
    else:
        ledger.confirm_absent()


def failures(stand_in: StandIn, transport: type[Transport]) -> Iterator[tuple[str, DeliveryError]]:
    for failure in stand_in.failures:
        set_up = transport(cleaned(transport, stand_in.fail(failure)))
        with pytest.raises(DeliveryError) as caught:
            set_up.deliver(parcel(stand_in.record))
        yield failure, caught.value


# -- Options -------------------------------------------------------------------------------------


def test_options_survive_being_stored_as_json(
    stand_in: StandIn, transport: type[Transport]
) -> None:
    options = cleaned(transport, stand_in.options)
    stored = json.loads(json.dumps(options))
    assert cleaned(transport, stored) == stored == options


def test_an_option_left_out_takes_its_default(
    stand_in: StandIn, transport: type[Transport]
) -> None:
    given = transport(stand_in.options).options
    assert given == cleaned(transport, stand_in.options)


def test_the_options_form_shows_stored_options_but_no_secret(
    stand_in: StandIn, transport: type[Transport]
) -> None:
    options = cleaned(transport, stand_in.options)
    page = transport.OptionsForm(initial=options).as_p()
    for name in secrets(transport):
        assert f'name="{name}"' in page
        assert str(options[name]) not in page


def test_a_secret_left_blank_keeps_its_stored_value(
    stand_in: StandIn, transport: type[Transport]
) -> None:
    stored = cleaned(transport, stand_in.options)
    blank = {**stored, **dict.fromkeys(secrets(transport), "")}
    assert issubclass(transport.OptionsForm, Options)
    assert cleaned(transport, blank, initial=stored) == stored


# -- Target fields and the mapping that ships ------------------------------------------------------


def test_target_fields_are_distinguished_by_key_and_by_label(transport: type[Transport]) -> None:
    fields = transport.target_fields
    assert bool(fields) == (transport.targets is not Targets.NONE)
    assert len({field.key for field in fields}) == len(fields)
    assert len({(field.group, field.label) for field in fields}) == len(fields)
    assert all(field.key and field.label for field in fields)


def test_at_most_one_field_takes_the_rest(transport: type[Transport]) -> None:
    assert sum(field.takes_rest for field in transport.target_fields) <= 1


def test_the_record_of_a_stand_in_fills_known_and_all_required_fields(
    stand_in: StandIn, transport: type[Transport]
) -> None:
    known = {field.key for field in transport.target_fields}
    required = {field.key for field in transport.target_fields if field.required}
    assert required <= set(stand_in.record) <= known


def test_the_mapping_that_ships_fills_known_and_all_required_fields(
    kind: str, transport: type[Transport], monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = destinations.default_mapping(kind)
    if shipped is None:
        pytest.skip("No mapping ships with this kind.")
    takes = targets.Takes(tuple(transport.target_fields), targets.Own(transport.targets.own))
    monkeypatch.setitem(targets._known, kind, lambda: takes)
    assert exchange.read(shipped).destination_kind == kind


# -- The connection test -------------------------------------------------------------------------


def test_the_connection_test_reports_what_answered(
    stand_in: StandIn, transport: type[Transport]
) -> None:
    sentence = transport(cleaned(transport, stand_in.options)).check()
    assert sentence.endswith(".")
    assert len(sentence) > 20


def test_the_connection_test_changes_nothing(stand_in: StandIn, transport: type[Transport]) -> None:
    transport(cleaned(transport, stand_in.options)).check()
    assert stand_in.effects() == []


# -- Delivery ------------------------------------------------------------------------------------


def test_a_parcel_arrives_once_with_all_of_its_files(
    stand_in: StandIn, transport: type[Transport]
) -> None:
    receipt = delivered(stand_in, transport, InMemoryLedger())
    assert receipt.external_id
    assert receipt.refused == {}
    things = getattr(stand_in, "things", 1 + len(DOCUMENTS))
    assert len(stand_in.effects()) == things
    assert len(set(stand_in.effects())) == things


def test_a_parcel_that_arrived_is_not_sent_again(
    stand_in: StandIn, transport: type[Transport]
) -> None:
    ledger = InMemoryLedger()
    first = delivered(stand_in, transport, ledger)
    arrived = stand_in.effects()
    assert delivered(stand_in, transport, ledger).external_id == first.external_id
    assert stand_in.effects() == arrived


def test_killed_at_any_moment_nothing_is_doubled_and_nothing_is_lost(
    start_stand_in: Fresh, transport: type[Transport]
) -> None:
    untroubled = InMemoryLedger()
    with start_stand_in() as stand_in:
        delivered(stand_in, transport, untroubled)
        expected = sorted(stand_in.effects())
    assert len(untroubled.moments) >= 3 * len(expected)
    for moment in untroubled.moments:
        with start_stand_in() as stand_in:
            delivered(stand_in, transport, InMemoryLedger(killed_at=moment))
            assert sorted(stand_in.effects()) == expected, moment


def test_each_failure_becomes_the_right_error_with_words_for_people(
    stand_in: StandIn, transport: type[Transport]
) -> None:
    for failure, error in failures(stand_in, transport):
        assert type(error) is stand_in.failures[failure], failure
        assert len(error.message) > 20, failure
        assert error.message.endswith("."), failure


def test_each_failure_that_may_have_taken_effect_shows_it(
    start_stand_in: Fresh, transport: type[Transport]
) -> None:
    with start_stand_in() as stand_in:
        names = list(stand_in.failures)
    for name in names:
        with start_stand_in() as stand_in:
            set_up = transport(cleaned(transport, stand_in.fail(name)))
            with pytest.raises(DeliveryError) as caught:
                set_up.deliver(parcel(stand_in.record))
            if stand_in.effects():
                assert caught.value.maybe_done, name


def test_after_each_failure_another_attempt_delivers_exactly_once(
    start_stand_in: Fresh, transport: type[Transport]
) -> None:
    with start_stand_in() as stand_in:
        names = list(stand_in.failures)
        delivered(stand_in, transport, InMemoryLedger())
        expected = sorted(stand_in.effects())
    for name in names:
        with start_stand_in() as stand_in:
            ledger = InMemoryLedger()
            set_up = transport(cleaned(transport, stand_in.fail(name)))
            with pytest.raises(DeliveryError):
                set_up.deliver(parcel(stand_in.record, ledger))
            delivered(stand_in, transport, ledger)
            assert sorted(stand_in.effects()) == expected, name


def test_a_delivery_does_not_sleep(
    stand_in: StandIn, transport: type[Transport], monkeypatch: pytest.MonkeyPatch
) -> None:
    def slept(seconds: float) -> None:
        raise AssertionError("A transport does not wait: the engine does.")

    monkeypatch.setattr(time, "sleep", slept)
    assert delivered(stand_in, transport, InMemoryLedger()).external_id


# -- More than once ------------------------------------------------------------------------------


def able(stand_in: StandIn, transport: type[Transport], *names: str) -> Transport:
    """Return the destination, set up; skips where it cannot do what is named."""
    set_up = transport(cleaned(transport, stand_in.options))
    if not all(getattr(set_up, name) for name in names):
        pytest.skip(f"It is not one that {' and '.join(names)}.")
    return set_up


def test_what_a_kind_can_do_makes_sense(stand_in: StandIn, transport: type[Transport]) -> None:
    set_up = able(stand_in, transport)
    assert isinstance(set_up.updates, Updates)
    assert isinstance(set_up.targets, Targets)
    assert set_up.noun
    assert set_up.updates is not Updates.ONCE or not set_up.removes
    assert set_up.repeatable or not set_up.batches


def test_a_second_version_arrives_besides_the_first(
    stand_in: StandIn, transport: type[Transport]
) -> None:
    set_up = able(stand_in, transport, "takes_more")
    if set_up.updates is Updates.LATEST:
        pytest.skip("What it has is the latest alone.")
    delivered(stand_in, transport, InMemoryLedger())
    first = stand_in.effects()
    delivered(stand_in, transport, InMemoryLedger(), number=2)
    assert len(stand_in.effects()) == 2 * len(first)
    assert len(set(stand_in.effects())) == 2 * len(first)


def test_a_version_that_is_brought_again_is_there_once(
    stand_in: StandIn, transport: type[Transport]
) -> None:
    able(stand_in, transport, "repeatable")
    delivered(stand_in, transport, InMemoryLedger())
    first = sorted(stand_in.effects())
    delivered(stand_in, transport, InMemoryLedger())  # another ledger: nothing is remembered
    assert sorted(stand_in.effects()) == first


def test_a_removal_arrives_once_wherever_it_is_killed(
    start_stand_in: Fresh, transport: type[Transport]
) -> None:
    untroubled = InMemoryLedger()
    with start_stand_in() as stand_in:
        able(stand_in, transport, "removes")
        delivered(stand_in, transport, InMemoryLedger())
        there = sorted(stand_in.effects())
        delivered(stand_in, transport, untroubled, 2, Action.REMOVE)
        expected = sorted(stand_in.effects())
    assert expected != there
    for moment in untroubled.moments:
        with start_stand_in() as stand_in:
            delivered(stand_in, transport, InMemoryLedger())
            delivered(stand_in, transport, InMemoryLedger(moment), 2, Action.REMOVE)
            assert sorted(stand_in.effects()) == expected, moment


def batch(stand_in: StandIn, rows: int, killed_after: int | None = None) -> Batch:
    """Return a run of so many referrals; its worker may die after some of them."""

    def parcels() -> Iterator[Parcel]:
        for number in range(1, rows + 1):
            yield replace(
                parcel(stand_in.record, documents=(), number=number),
                reference=f"{REFERENCE}-{number}",
            )
            if number == killed_after:
                raise Killed

    until = datetime(2026, 3, 19, 18, 30, tzinfo=UTC)
    return Batch("4a1f6f4e-5f0e-4d4e-8d0b-6f1d3a1c2b10", None, until, parcels())


def test_a_run_is_there_whole_or_not_at_all(
    start_stand_in: Fresh, transport: type[Transport]
) -> None:
    for killed_after in (1, 2, 3):
        with start_stand_in() as stand_in:
            set_up = able(stand_in, transport, "batches")
            with pytest.raises(Killed):
                set_up.deliver_batch(batch(stand_in, 3, killed_after))
            assert stand_in.effects() == []
            assert set_up.deliver_batch(batch(stand_in, 3)).rows == 3
            assert len(stand_in.effects()) == 3


def test_a_run_that_is_carried_again_takes_the_place_of_the_first(
    stand_in: StandIn, transport: type[Transport]
) -> None:
    set_up = able(stand_in, transport, "batches")
    first = set_up.deliver_batch(batch(stand_in, 3))
    effects = stand_in.effects()
    assert set_up.deliver_batch(batch(stand_in, 3)) == first
    assert stand_in.effects() == effects
    assert (first.rows, len(first.sha256)) == (3, 64)
    assert first.size > 0


# -- What nobody may see -------------------------------------------------------------------------


def private(stand_in: StandIn, transport: type[Transport]) -> list[str]:
    values = [stand_in.options[name] for name in secrets(transport) if name in stand_in.options]
    return values + [value for value in stand_in.record.values() if " " in value or "-" in value]


def test_nothing_private_is_in_the_text_of_a_transport_a_receipt_or_an_error(
    stand_in: StandIn, transport: type[Transport]
) -> None:
    set_up = transport(cleaned(transport, stand_in.options))
    receipt = delivered(stand_in, transport, InMemoryLedger())
    seen = [repr(set_up), str(set_up), repr(receipt), repr(parcel(stand_in.record))]
    for _, error in failures(stand_in, transport):
        seen += [repr(error), str(error), repr(error.exchange)]
    for value in private(stand_in, transport):
        assert not any(value in text for text in seen)


def test_no_message_or_kept_answer_shows_a_secret(
    stand_in: StandIn, transport: type[Transport]
) -> None:
    for failure, error in failures(stand_in, transport):
        kept = [error.message, error.exchange.body, str(dict(error.exchange.headers))]
        for name in secrets(transport):
            assert not any(stand_in.options[name] in text for text in kept), failure


def test_nothing_private_is_logged(
    stand_in: StandIn, transport: type[Transport], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        delivered(stand_in, transport, InMemoryLedger())
        for _ in failures(stand_in, transport):
            pass
    for value in private(stand_in, transport):
        assert value not in caplog.text


# -- The kind itself -----------------------------------------------------------------------------


def test_a_kind_is_found_by_its_folder(kind: str, transport: type[Transport]) -> None:
    assert destinations.kinds()[kind] is transport
    assert transport.label


def test_the_reference_of_the_parcel_arrives(stand_in: StandIn, transport: type[Transport]) -> None:
    delivered(stand_in, transport, InMemoryLedger())
    assert any(REFERENCE in effect for effect in stand_in.effects())
