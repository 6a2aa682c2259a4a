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
from tests.contract.conftest import Rehearsal
from tests.contract.ledger import InMemoryLedger, Killed
from tests.contract.parcels import DOCUMENTS, REFERENCE, parcel

Fresh = Callable[[], AbstractContextManager[Rehearsal]]
MOST_ATTEMPTS = 10


def cleaned(transport: type[Transport], options: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    form = transport.OptionsForm(options, **kwargs)
    assert form.is_valid(), form.errors.as_json()
    return form.cleaned_data


def secrets(transport: type[Transport]) -> list[str]:
    fields = transport.OptionsForm.base_fields
    return [name for name, field in fields.items() if isinstance(field, SecretField)]


def delivered(
    rehearsal: Rehearsal,
    transport: type[Transport],
    ledger: InMemoryLedger,
    number: int = 1,
    action: Action = Action.PUT,
) -> Receipt:
    """Deliver as the engine does: again and again, until the receipt or a person's turn."""
    set_up = transport(cleaned(transport, rehearsal.options))
    ledger.repeatable = set_up.repeatable
    put = action is Action.PUT
    record, documents = (rehearsal.record, DOCUMENTS) if put else ({}, ())
    bring = set_up.deliver if put else set_up.remove
    if hasattr(rehearsal, "recover"):
        rehearsal.recover()
    for _ in range(MOST_ATTEMPTS):
        try:
            return bring(parcel(record, ledger, documents, number=number, action=action))
        except Killed:
            ledger.attempt += 1
        except Unconfirmed as error:
            if error.after is None:
                look(rehearsal, ledger, error)
            ledger.attempt += 1
    raise AssertionError("It never arrived.")


def look(rehearsal: Rehearsal, ledger: InMemoryLedger, error: Unconfirmed) -> None:
    """Do what a person does where nothing can be searched, and the kind has one effect."""
    if not getattr(rehearsal, "a_person_looks", False):
        raise error
    if rehearsal.effects():
        ledger.confirm_present("as a person said")
    else:
        ledger.confirm_absent()


def failures(
    rehearsal: Rehearsal, transport: type[Transport]
) -> Iterator[tuple[str, DeliveryError]]:
    for failure in rehearsal.failures:
        set_up = transport(cleaned(transport, rehearsal.fail(failure)))
        with pytest.raises(DeliveryError) as caught:
            set_up.deliver(parcel(rehearsal.record))
        yield failure, caught.value


# -- Options -------------------------------------------------------------------------------------


def test_options_survive_being_stored_as_json(
    rehearsal: Rehearsal, transport: type[Transport]
) -> None:
    options = cleaned(transport, rehearsal.options)
    stored = json.loads(json.dumps(options))
    assert cleaned(transport, stored) == stored == options


def test_an_option_left_out_takes_its_default(
    rehearsal: Rehearsal, transport: type[Transport]
) -> None:
    given = transport(rehearsal.options).options
    assert given == cleaned(transport, rehearsal.options)


def test_the_options_form_shows_stored_options_but_no_secret(
    rehearsal: Rehearsal, transport: type[Transport]
) -> None:
    options = cleaned(transport, rehearsal.options)
    page = transport.OptionsForm(initial=options).as_p()
    for name in secrets(transport):
        assert f'name="{name}"' in page
        assert str(options[name]) not in page


def test_a_secret_left_blank_keeps_its_stored_value(
    rehearsal: Rehearsal, transport: type[Transport]
) -> None:
    stored = cleaned(transport, rehearsal.options)
    blank = {**stored, **dict.fromkeys(secrets(transport), "")}
    assert issubclass(transport.OptionsForm, Options)
    assert cleaned(transport, blank, initial=stored) == stored


# -- Target fields and the mapping that ships ------------------------------------------------------


def test_target_fields_are_told_apart_by_key_and_by_label(transport: type[Transport]) -> None:
    fields = transport.target_fields
    assert bool(fields) == (transport.targets is not Targets.NONE)
    assert len({field.key for field in fields}) == len(fields)
    assert len({(field.group, field.label) for field in fields}) == len(fields)
    assert all(field.key and field.label for field in fields)


def test_at_most_one_field_takes_the_rest(transport: type[Transport]) -> None:
    assert sum(field.takes_rest for field in transport.target_fields) <= 1


def test_the_record_of_a_rehearsal_fills_known_and_all_required_fields(
    rehearsal: Rehearsal, transport: type[Transport]
) -> None:
    known = {field.key for field in transport.target_fields}
    required = {field.key for field in transport.target_fields if field.required}
    assert required <= set(rehearsal.record) <= known


def test_the_mapping_that_ships_fills_known_and_all_required_fields(
    kind: str, transport: type[Transport], monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = destinations.default_mapping(kind)
    if shipped is None:
        pytest.skip("No mapping ships with this kind.")
    monkeypatch.setitem(targets._fields, kind, transport.target_fields)
    assert exchange.read(shipped).destination_kind == kind


# -- The connection test -------------------------------------------------------------------------


def test_the_connection_test_tells_what_answered(
    rehearsal: Rehearsal, transport: type[Transport]
) -> None:
    said = transport(cleaned(transport, rehearsal.options)).check()
    assert said.endswith(".")
    assert len(said) > 20


def test_the_connection_test_changes_nothing(
    rehearsal: Rehearsal, transport: type[Transport]
) -> None:
    transport(cleaned(transport, rehearsal.options)).check()
    assert rehearsal.effects() == []


# -- Delivery ------------------------------------------------------------------------------------


def test_a_parcel_arrives_once_with_all_of_its_files(
    rehearsal: Rehearsal, transport: type[Transport]
) -> None:
    receipt = delivered(rehearsal, transport, InMemoryLedger())
    assert receipt.external_id
    assert receipt.refused == {}
    things = getattr(rehearsal, "things", 1 + len(DOCUMENTS))
    assert len(rehearsal.effects()) == things
    assert len(set(rehearsal.effects())) == things


def test_a_parcel_that_arrived_is_not_sent_again(
    rehearsal: Rehearsal, transport: type[Transport]
) -> None:
    ledger = InMemoryLedger()
    first = delivered(rehearsal, transport, ledger)
    arrived = rehearsal.effects()
    assert delivered(rehearsal, transport, ledger).external_id == first.external_id
    assert rehearsal.effects() == arrived


def test_killed_at_any_moment_nothing_is_doubled_and_nothing_is_lost(
    rehearse: Fresh, transport: type[Transport]
) -> None:
    untroubled = InMemoryLedger()
    with rehearse() as rehearsal:
        delivered(rehearsal, transport, untroubled)
        expected = sorted(rehearsal.effects())
    assert len(untroubled.moments) >= 3 * len(expected)
    for moment in untroubled.moments:
        with rehearse() as rehearsal:
            delivered(rehearsal, transport, InMemoryLedger(killed_at=moment))
            assert sorted(rehearsal.effects()) == expected, moment


def test_each_failure_becomes_the_right_error_with_words_for_people(
    rehearsal: Rehearsal, transport: type[Transport]
) -> None:
    for failure, error in failures(rehearsal, transport):
        assert type(error) is rehearsal.failures[failure], failure
        assert len(error.message) > 20, failure
        assert error.message.endswith("."), failure


def test_each_failure_that_may_have_taken_effect_says_so(
    rehearse: Fresh, transport: type[Transport]
) -> None:
    with rehearse() as rehearsal:
        names = list(rehearsal.failures)
    for name in names:
        with rehearse() as rehearsal:
            set_up = transport(cleaned(transport, rehearsal.fail(name)))
            with pytest.raises(DeliveryError) as caught:
                set_up.deliver(parcel(rehearsal.record))
            if rehearsal.effects():
                assert caught.value.maybe_done, name


def test_after_each_failure_another_attempt_delivers_exactly_once(
    rehearse: Fresh, transport: type[Transport]
) -> None:
    with rehearse() as rehearsal:
        names = list(rehearsal.failures)
        delivered(rehearsal, transport, InMemoryLedger())
        expected = sorted(rehearsal.effects())
    for name in names:
        with rehearse() as rehearsal:
            ledger = InMemoryLedger()
            set_up = transport(cleaned(transport, rehearsal.fail(name)))
            with pytest.raises(DeliveryError):
                set_up.deliver(parcel(rehearsal.record, ledger))
            delivered(rehearsal, transport, ledger)
            assert sorted(rehearsal.effects()) == expected, name


def test_a_delivery_does_not_sleep(
    rehearsal: Rehearsal, transport: type[Transport], monkeypatch: pytest.MonkeyPatch
) -> None:
    def slept(seconds: float) -> None:
        raise AssertionError("A transport does not wait: the engine does.")

    monkeypatch.setattr(time, "sleep", slept)
    assert delivered(rehearsal, transport, InMemoryLedger()).external_id


# -- More than once ------------------------------------------------------------------------------


def able(rehearsal: Rehearsal, transport: type[Transport], *names: str) -> Transport:
    """Return the destination, set up; skips where it cannot do what is named."""
    set_up = transport(cleaned(transport, rehearsal.options))
    if not all(getattr(set_up, name) for name in names):
        pytest.skip(f"It is not one that {' and '.join(names)}.")
    return set_up


def test_what_a_kind_can_do_makes_sense(rehearsal: Rehearsal, transport: type[Transport]) -> None:
    set_up = able(rehearsal, transport)
    assert isinstance(set_up.updates, Updates)
    assert isinstance(set_up.targets, Targets)
    assert set_up.noun
    assert set_up.updates is not Updates.ONCE or not set_up.removes
    assert set_up.repeatable or not set_up.batches


def test_a_second_version_arrives_besides_the_first(
    rehearsal: Rehearsal, transport: type[Transport]
) -> None:
    set_up = able(rehearsal, transport, "takes_more")
    if set_up.updates is Updates.LATEST:
        pytest.skip("What it has is the latest alone.")
    delivered(rehearsal, transport, InMemoryLedger())
    first = rehearsal.effects()
    delivered(rehearsal, transport, InMemoryLedger(), number=2)
    assert len(rehearsal.effects()) == 2 * len(first)
    assert len(set(rehearsal.effects())) == 2 * len(first)


def test_a_version_that_is_brought_again_is_there_once(
    rehearsal: Rehearsal, transport: type[Transport]
) -> None:
    able(rehearsal, transport, "repeatable")
    delivered(rehearsal, transport, InMemoryLedger())
    first = sorted(rehearsal.effects())
    delivered(rehearsal, transport, InMemoryLedger())  # another ledger: nothing is remembered
    assert sorted(rehearsal.effects()) == first


def test_a_removal_arrives_once_wherever_it_is_killed(
    rehearse: Fresh, transport: type[Transport]
) -> None:
    untroubled = InMemoryLedger()
    with rehearse() as rehearsal:
        able(rehearsal, transport, "removes")
        delivered(rehearsal, transport, InMemoryLedger())
        there = sorted(rehearsal.effects())
        delivered(rehearsal, transport, untroubled, 2, Action.REMOVE)
        expected = sorted(rehearsal.effects())
    assert expected != there
    for moment in untroubled.moments:
        with rehearse() as rehearsal:
            delivered(rehearsal, transport, InMemoryLedger())
            delivered(rehearsal, transport, InMemoryLedger(moment), 2, Action.REMOVE)
            assert sorted(rehearsal.effects()) == expected, moment


def batch(rehearsal: Rehearsal, rows: int, killed_after: int | None = None) -> Batch:
    """Return a run of so many referrals; its worker may die after some of them."""

    def parcels() -> Iterator[Parcel]:
        for number in range(1, rows + 1):
            yield replace(
                parcel(rehearsal.record, documents=(), number=number),
                reference=f"{REFERENCE}-{number}",
            )
            if number == killed_after:
                raise Killed

    until = datetime(2026, 3, 19, 18, 30, tzinfo=UTC)
    return Batch("4a1f6f4e-5f0e-4d4e-8d0b-6f1d3a1c2b10", None, until, parcels())


def test_a_run_is_there_whole_or_not_at_all(rehearse: Fresh, transport: type[Transport]) -> None:
    for killed_after in (1, 2, 3):
        with rehearse() as rehearsal:
            set_up = able(rehearsal, transport, "batches")
            with pytest.raises(Killed):
                set_up.deliver_batch(batch(rehearsal, 3, killed_after))
            assert rehearsal.effects() == []
            assert set_up.deliver_batch(batch(rehearsal, 3)).rows == 3
            assert len(rehearsal.effects()) == 3


def test_a_run_that_is_carried_again_takes_the_place_of_the_first(
    rehearsal: Rehearsal, transport: type[Transport]
) -> None:
    set_up = able(rehearsal, transport, "batches")
    first = set_up.deliver_batch(batch(rehearsal, 3))
    effects = rehearsal.effects()
    assert set_up.deliver_batch(batch(rehearsal, 3)) == first
    assert rehearsal.effects() == effects
    assert (first.rows, len(first.sha256)) == (3, 64)
    assert first.size > 0


# -- What nobody may see -------------------------------------------------------------------------


def private(rehearsal: Rehearsal, transport: type[Transport]) -> list[str]:
    values = [rehearsal.options[name] for name in secrets(transport) if name in rehearsal.options]
    return values + [value for value in rehearsal.record.values() if " " in value or "-" in value]


def test_nothing_private_is_in_the_text_of_a_transport_a_receipt_or_an_error(
    rehearsal: Rehearsal, transport: type[Transport]
) -> None:
    set_up = transport(cleaned(transport, rehearsal.options))
    receipt = delivered(rehearsal, transport, InMemoryLedger())
    seen = [repr(set_up), str(set_up), repr(receipt), repr(parcel(rehearsal.record))]
    for _, error in failures(rehearsal, transport):
        seen += [repr(error), str(error), repr(error.exchange)]
    for value in private(rehearsal, transport):
        assert not any(value in text for text in seen)


def test_no_message_or_kept_answer_shows_a_secret(
    rehearsal: Rehearsal, transport: type[Transport]
) -> None:
    for failure, error in failures(rehearsal, transport):
        kept = [error.message, error.exchange.body, str(dict(error.exchange.headers))]
        for name in secrets(transport):
            assert not any(rehearsal.options[name] in text for text in kept), failure


def test_nothing_private_is_logged(
    rehearsal: Rehearsal, transport: type[Transport], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        delivered(rehearsal, transport, InMemoryLedger())
        for _ in failures(rehearsal, transport):
            pass
    for value in private(rehearsal, transport):
        assert value not in caplog.text


# -- The kind itself -----------------------------------------------------------------------------


def test_a_kind_is_found_by_its_folder(kind: str, transport: type[Transport]) -> None:
    assert destinations.kinds()[kind] is transport
    assert transport.label


def test_the_reference_of_the_parcel_arrives(
    rehearsal: Rehearsal, transport: type[Transport]
) -> None:
    delivered(rehearsal, transport, InMemoryLedger())
    assert any(REFERENCE in effect for effect in rehearsal.effects())
