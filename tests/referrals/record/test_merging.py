"""Whatever comes, in whatever order: one view, nothing doubled, and nothing lost in silence."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from itertools import count
from typing import Any, NamedTuple

import pytest
from django.core.files.base import ContentFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.database import clock
from integrations.models import Source
from integrations.sources.caredove import fhir
from integrations.sources.parsed import ParsedEvent
from mapping.source.document import Document
from referrals import sentences
from referrals.intake import identity, merging
from referrals.models import InboundEvent, Referral, ReferralFile
from referrals.record import files, snapshot, warned
from referrals.record.removal import withdrawal
from tests.referrals import fhir_messages
from tests.strategies import keyed
from tests.world import REFERENCE, World

START = datetime(2026, 3, 11, 12, tzinfo=UTC)
PARTS = ["form_answers", "messages", "attachments", "also_sent"]


class Message(NamedTuple):
    document: Document
    at: datetime
    sender: str


def merged(messages: list[Message]) -> snapshot.Snapshot:
    state: snapshot.Snapshot = {}
    for message in messages:
        state = snapshot.merge(state, *message)
    return state


def view_of(state: snapshot.Snapshot) -> Any:
    """Everything that anybody learns of a snapshot."""
    gone = [sorted(snapshot.withdrawn(state, part)) for part in PARTS]
    return (
        snapshot.view(state),
        snapshot.warned(state),
        snapshot.withdrawn_unknown(state),
        gone,
    )


_ids = st.sampled_from(["doc-1", "doc-2"])
_keys = st.sampled_from(["a", "b"])
_part = st.sampled_from(PARTS)
_parts = st.sampled_from(["Patient", "Document#1", "Document#2", "reason"])
_of_messages = st.fixed_dictionaries(
    {},
    optional={
        "aliases": st.lists(
            st.fixed_dictionaries(
                {"part": _part, "id": _ids, "keys": st.lists(_keys, min_size=1, max_size=2)}
            ),
            max_size=2,
        ),
        "parts": st.lists(_parts, unique=True, max_size=4),
        "warned": st.lists(
            st.fixed_dictionaries(
                {
                    "field": st.sampled_from(["Patient.extension", "Document.size", "", "reason"]),
                    "cause": st.sampled_from(["unknown_extension", "bad_characters"]),
                },
                optional={"path": st.just("reason"), "is_quoted": st.booleans()},
            ),
            max_size=2,
        ),
    },
)
_by_id = st.lists(
    st.fixed_dictionaries(
        {"part": _part, "id": _ids}, optional={"key": _keys, "quiet": st.booleans()}
    ),
    max_size=2,
)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A message's document, with what it says of itself; its withdrawals by key and by id."""
    document = {**draw(keyed()), **draw(_of_messages)}
    by_id: list[Any] = draw(_by_id)
    return {**document, "withdrawn": [*document.get("withdrawn", []), *by_id]}  # type: ignore[typeddict-item]


@st.composite
def histories(draw: st.DrawFn, *, tied: bool = False) -> list[Message]:
    """Messages of two senders, each at a time of its own; with `tied`, some at the same time."""
    drawn = draw(st.lists(st.tuples(documents(), st.sampled_from(["1", "2"])), max_size=5))
    last = len(drawn) // 2 if tied else len(drawn)
    return [
        Message(document, START + timedelta(minutes=min(number, last)), sender)
        for number, (document, sender) in enumerate(drawn)
    ]


@given(histories() | histories(tied=True), st.randoms(use_true_random=False))
def test_the_order_of_arrival_decides_nothing(history: list[Message], random: Any):
    one, other = merged(history), merged(random.sample(history, len(history)))
    assert view_of(one) == view_of(other)
    assert one == other


@given(histories(), st.data())
def test_a_message_that_comes_twice_changes_nothing(history: list[Message], data: Any):
    again = data.draw(st.sampled_from(history)) if history else None
    assert merged([*history, *([again] if again else [])]) == merged(history)


@given(histories() | histories(tied=True), st.data())
def test_halves_that_turn_out_to_be_one_make_the_same(history: list[Message], data: Any):
    first = [data.draw(st.booleans()) for _ in history]
    halves = [
        merged([m for m, f in zip(history, first, strict=True) if f is h]) for h in (True, False)
    ]
    assert snapshot.combine(*halves) == snapshot.combine(*halves[::-1]) == merged(history)


def of_an_earlier_reading(document: Document) -> snapshot.Snapshot:
    """Return what was merged before senders were named, as it was stored then."""
    stored = snapshot.merge({}, document, START - timedelta(minutes=1))
    return {path.replace("@/", "/", 1): entry for path, entry in stored.items()}


@given(keyed(), histories(), st.randoms(use_true_random=False))
def test_nor_does_it_on_a_snapshot_of_an_earlier_reading(
    document: Document, history: list[Message], random: Any
):
    known = of_an_earlier_reading({**document, "withdrawn": []})
    one, other = (
        snapshot.combine(known, merged(messages))
        for messages in (history, random.sample(history, len(history)))
    )
    assert view_of(one) == view_of(other)


@given(keyed(), st.sampled_from(["messages", "attachments", "also_sent"]), _keys)
def test_what_an_earlier_reading_knew_may_be_withdrawn(document: Document, part: str, key: str):
    known = of_an_earlier_reading({**document, "withdrawn": []})
    gone = snapshot.merge(known, {"withdrawn": [{"part": part, "key": key}]}, START, "1")
    before: dict[str, Any] = dict(snapshot.view(known))
    after: dict[str, Any] = dict(snapshot.view(gone))
    name = "id" if part == "messages" else "key"
    assert after.pop(part, []) == [i for i in before.pop(part, []) if i.get(name) != key]
    assert after == before


# -- nothing is lost -------------------------------------------------------------------------------


def things(message: Message) -> Iterator[tuple[tuple[Any, ...], str, Any]]:
    """Yield what a message says item by item: what it is, by which key it goes, and its value.

    Written without the code that is tried: what two messages say of one thing has one name.
    """
    document: dict[str, Any] = dict(message.document)
    forms: dict[str, list[Any]] = {}
    for answer in document.get("form_answers", []):
        if answer.get("form"):
            forms.setdefault(answer["form"], []).append(answer)
        elif answer.get("key") or answer.get("label"):
            yield ("answer", answer.get("key", ""), answer.get("label", "")), "", answer
    yield from ((("form", form), form, answers) for form, answers in forms.items())
    for kind, key in (("message", "id"), ("line", "key")):
        items = [one for one in document.get(OF[kind], []) if one.get(key)]
        yield from (((kind, one[key]), one[key], one) for one in items)
    files = [f for f in document.get("attachments", []) if f.get("key") and f.get("sha256")]
    yield from ((("file", f["key"], f["sha256"]), f["key"], f) for f in files)


OF = {"form": "form_answers", "message": "messages", "file": "attachments", "line": "also_sent"}


def may_be_withdrawn(history: list[Message], sent: Message, part: str, key: str) -> bool:
    """Return whether its sender takes this back, then or later, by its key or by some id."""
    return any(
        one.get("part") == part and (one.get("key") == key or "id" in one)
        for later in history
        if later.sender == sent.sender and later.at >= sent.at
        for one in later.document["withdrawn"]
    )


def without_form(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item without its form, which a later message may have named."""
    return {key: value for key, value in item.items() if key != "form"}


@given(histories(), st.randoms(use_true_random=False))
def test_what_nobody_withdrew_or_overwrote_is_there(history: list[Message], random: Any):
    view: dict[str, Any] = dict(snapshot.view(merged(random.sample(history, len(history)))))
    latest: dict[Any, tuple[Message, str, Any]] = {}
    for message in history:
        for name, key, value in things(message):
            latest[name] = (message, key, value)
    for name, (message, key, value) in latest.items():
        part = OF.get(name[0], "form_answers")
        if key and may_be_withdrawn(history, message, part, key):
            continue
        if name[0] == "file":
            found = [f for f in view["attachments"] if f.get("sha256") == name[2]]
            assert any(file.get("key") == name[1] for file in found), name
        else:
            there = [without_form(one) for one in view.get(part, [])]
            for one in value if isinstance(value, list) else [value]:
                assert without_form(one) in there, name


@given(histories())
def test_the_view_holds_the_referral_and_nothing_of_its_messages(history: list[Message]):
    view = snapshot.view(merged(history))
    assert set(view) <= Document.__annotations__.keys() - set(snapshot.OF_MESSAGES)


@given(histories(), st.randoms(use_true_random=False))
def test_a_field_is_what_was_stated_last(history: list[Message], random: Any):
    drawn = [m.document["reason"] for m in history if m.document.get("reason")]
    view = snapshot.view(merged(random.sample(history, len(history))))
    assert view.get("reason") == (drawn[-1] if drawn else None)


@given(histories(), _part, _keys)
def test_what_is_withdrawn_last_is_not_there(history: list[Message], part: str, key: str):
    """Of one sender; what another one sent stays."""
    alone = [message._replace(sender="1") for message in history]
    last: Document = {"withdrawn": [{"part": part, "key": key}]}
    at = START + timedelta(hours=1)
    view: dict[str, Any] = dict(snapshot.view(merged([*alone, Message(last, at, "1")])))
    names = {"form_answers": "form", "messages": "id"}
    assert not [i for i in view.get(part, []) if i.get(names.get(part, "key")) == key]


# -- the files of a referral -----------------------------------------------------------------------

LETTERS = {"a": fhir_messages.document("letter"), "b": fhir_messages.document("results")}
STABLE = fhir_messages.document("consent", "doc-88231")
OTHER_STABLE = fhir_messages.document("letter", "doc-88231")


def without_bytes(id_: str, **where: str) -> dict[str, Any]:
    """Return a document that is only named, or is to be fetched."""
    held = {"title": "letter.txt", "contentType": "text/plain", **where}
    return fhir_messages.document(id_=id_, content=[{"attachment": held}])


ADDRESSED = without_bytes("doc-88231", url="https://files.example/letter.txt")
MOVES: list[list[dict[str, Any]]] = [
    [LETTERS["a"]],
    [LETTERS["b"]],
    [{**LETTERS["b"], "id": "doc-2"}],
    [LETTERS["a"], {**LETTERS["b"], "id": "doc-2"}],
    [STABLE],
    [OTHER_STABLE],
    [STABLE, {**LETTERS["a"], "id": "doc-88232"}],
    [ADDRESSED],
    [without_bytes("doc-88231")],
    [without_bytes("doc-1", url="https://files.example/letter.txt")],
    [fhir_messages.taken_back(fhir_messages.document())],
    [fhir_messages.taken_back(fhir_messages.document(id_="doc-2"))],
    [fhir_messages.taken_back(LETTERS["a"])],
    [fhir_messages.taken_back(fhir_messages.document(id_="doc-88231"))],
    [fhir_messages.replacing({**LETTERS["b"], "id": "doc-2"}, "doc-1")],
    [fhir_messages.replacing(OTHER_STABLE, "doc-88231")],
    [fhir_messages.replacing(ADDRESSED, "doc-88231")],
]


@cache
def drawn(place: int, number: int) -> ParsedEvent:
    """Return what the message of this number says when it makes a move."""
    return fhir.parse(json.dumps(fhir_messages.message(number, *MOVES[place])).encode())


class Arriving(NamedTuple):
    parsed: ParsedEvent
    sender: int
    part: int  # under which of two ids, which turn out to be those of one referral


@st.composite
def moves(draw: st.DrawFn, parts: int, senders: int = 2) -> list[Arriving]:
    places = draw(st.lists(st.integers(0, len(MOVES) - 1), min_size=2, max_size=4))
    return [
        Arriving(
            drawn(place, number),
            draw(st.integers(0, senders - 1)),
            draw(st.integers(0, parts - 1)),
        )
        for number, place in enumerate(places, start=1)
    ]


REFERRALS = count(3_500_000_000)


def senders(world: World) -> list[Source]:
    return [world.source, Source.objects.get_or_create(name="another")[0]]


def new_referrals(source: Source, count: int) -> list[Referral]:
    """Return referrals that are each known by one id."""
    now = clock.now()
    return [
        identity.resolve(source, [str(next(REFERRALS))], None, now).referral for _ in range(count)
    ]


def arrived(sources: list[Source], history: list[Arriving], *, parts: int = 1) -> Referral:
    """Merge messages as the opening of events does; several parts turn out to be one referral."""
    found = new_referrals(sources[0], parts)
    for message in history:
        merge(sources[message.sender], message.parsed, found[message.part])
    return found[0] if parts == 1 else joined(sources[0], found)


def merge(source: Source, parsed: ParsedEvent, referral: Referral) -> None:
    event = InboundEvent(source=source, endpoint_name="fhir", received_at=clock.now())
    latest = max((entry[0] for entry in referral.snapshot.values()), default=None)
    at = min(parsed.occurred_at or event.received_at, event.received_at)
    now = event.received_at
    place = merging.Resolved(
        event, parsed, referral, None, None, at, latest, True, (), is_new=False, now=now
    )
    merging.merge(place)


def joined(source: Source, parts: list[Referral]) -> Referral:
    ids = [referral.reference for referral in parts]
    resolved = identity.resolve(source, ids, None, clock.now())
    withdrawal.between(resolved.referral, resolved.parts)
    return resolved.referral


def standing(referral: Referral) -> list[tuple[str, str]]:
    rows = referral.files.exclude(state=ReferralFile.State.WITHDRAWN)
    return sorted(rows.values_list("identity", "sha256"))


def listed(referral: Referral) -> list[tuple[str, str]]:
    shown = snapshot.view(referral.snapshot).get("attachments", [])
    return sorted((one["key"], one.get("sha256", "")) for one in shown)


def seen(referral: Referral) -> Any:
    """Return what anybody sees of a referral, but for what is missing of its files."""
    causes = [one.cause for one in warned.of_referral(referral) if one.field != "file"]
    return snapshot.view(referral.snapshot), causes


def fetch_all(referral: Referral) -> None:
    """Fetch what is wanted: at each address is another file."""
    for file in referral.files.filter(state=ReferralFile.State.WANTED):
        content = f"What is at {file.url}".encode()
        files.store(file, ContentFile(content), sha256(content).hexdigest())
        file.save()


# Half as many as of what needs no database.
of_files = settings(
    max_examples=settings().max_examples // 2,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.django_db
@of_files
@given(history=moves(parts=1), random=st.randoms(use_true_random=False))
def test_files_are_those_that_the_referral_shows_in_whatever_order_messages_come(
    world: World, history: list[Arriving], random: Any
) -> None:
    sources = senders(world)
    one = arrived(sources, history)
    other = arrived(sources, random.sample(history, len(history)))
    assert (standing(one), standing(other)) == (listed(one), listed(other))
    assert seen(one) == seen(other)
    assert not one.files.exclude(sha256="").filter(state=ReferralFile.State.UNAVAILABLE).exists()


@pytest.mark.django_db
@of_files
@given(history=moves(parts=2), random=st.randoms(use_true_random=False))
def test_files_of_two_that_turn_out_to_be_one_are_those_that_it_shows(
    world: World, history: list[Arriving], random: Any
) -> None:
    sources = senders(world)
    one = arrived(sources, [message._replace(part=0) for message in history])
    two = arrived(sources, random.sample(history, len(history)), parts=2)
    assert standing(two) == listed(two)
    assert seen(one) == seen(two)


@pytest.mark.django_db
@of_files
@given(history=moves(parts=2), data=st.data())
def test_no_withdrawn_file_is_sent_and_none_that_is_shown_is_lost_whenever_files_are_fetched(
    world: World, history: list[Arriving], data: Any
) -> None:
    sources = senders(world)
    parts = new_referrals(world.source, 2)
    for message in data.draw(st.permutations(history)):
        merge(sources[message.sender], message.parsed, parts[message.part])
        if data.draw(st.booleans()):
            fetch_all(parts[message.part])
    referral = joined(world.source, parts)
    known, rows = referral.snapshot, standing(referral)
    assert snapshot.withdrawn_files(known).isdisjoint(rows)
    fetched = {identity for identity, _ in rows}
    for key, held in listed(referral):
        assert (key, held) in rows if held else key in fetched


# -- through the whole portal ----------------------------------------------------------------------


@pytest.mark.whole
@pytest.mark.django_db
@settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    places=st.lists(st.integers(0, len(MOVES) - 1), min_size=2, max_size=5),
    random=st.randoms(use_true_random=False),
)
def test_events_in_whatever_order_make_one_referral_with_its_files(
    world: World, places: list[int], random: Any
) -> None:
    shown = []
    for shuffle in (False, True):
        reference = str(next(REFERRALS))
        messages = [
            json.dumps(fhir_messages.message(number, *MOVES[place])).replace(REFERENCE, reference)
            for number, place in enumerate(places, start=1)
        ]
        arriving = random.sample(messages, len(messages)) if shuffle else messages
        for number, message in enumerate(arriving):
            world.send(message.replace("m-0", f"m-{reference}-{number}").encode(), "fhir")
        referral = world.referral_of(reference)
        assert standing(referral) == listed(referral)
        shown.append(json.dumps(seen(referral)).replace(reference, REFERENCE))
    assert shown[0] == shown[1]


@pytest.mark.django_db
@pytest.mark.parametrize("order", [(2, 1, 0, 3), (2, 3, 1, 0)])
def test_a_file_that_was_not_the_withdrawn_one_is_missing_in_sight(
    world: World, order: tuple[int, ...]
) -> None:
    """It came while its id could only mean that it was; the oldest message comes last."""
    replaced = fhir_messages.replacing({**LETTERS["b"], "id": "doc-2"}, "doc-1")
    moves = [LETTERS["b"], LETTERS["a"], replaced, LETTERS["b"]]
    messages = [fhir_messages.message(number, move) for number, move in enumerate(moves, start=1)]
    for place in order:
        world.send(json.dumps(messages[place]).encode(), "fhir")
    referral = world.referral_of(REFERENCE)
    assert standing(referral) == listed(referral)
    (letter,) = (file for file in referral.files.all() if file.filename == "letter.txt")
    assert (letter.state, letter.problem) == (
        ReferralFile.State.UNAVAILABLE,
        sentences.BYTES_GONE(),
    )
