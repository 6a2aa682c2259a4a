"""What a CRMS answers, from an event to the stand-in CRMS and back, over HTTP.

`tests/fixtures/crms-answers.json` holds exchanges and what is right for each; every one of them is
tried here, with further answers of its kind.
"""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from django.conf import settings as django_settings

from core.database import clock
from integrations import probing
from integrations.capabilities import Capability as Able
from integrations.models import Destination
from referrals import delivering
from referrals.answers.explain import explain
from referrals.models import Attempt, Delivery
from referrals.summary import pdf
from sandbox import Sandbox, running_sandbox
from tests.cases import some
from tests.clocks import set_clock
from tests.rows import write
from tests.world import FIXTURES, REFERENCE, World, make_world, options, plain

TOKEN = "token-of-the-tests"
CASES = {case["name"]: case for case in json.loads((FIXTURES / "crms-answers.json").read_text())}
OTHER = "3502768697"
LETTER = {
    "id": "a1",
    "filename": "letter.txt",
    "content_type": "text/plain",
    "data": "Qm9uam91cg==",
}
PAUSE = timedelta(milliseconds=20)
PAGE = {"status": 200, "headers": {"Content-Type": "text/html"}, "text": "<html>Sign in</html>"}
PAGES = [
    PAGE,
    {
        "status": 201,
        "headers": {"Content-Type": "text/html; charset=utf-8"},
        "text": "<p>Hello</p>",
    },
    {"status": 200, "text": "<!DOCTYPE html><html><body><form>Password</form></body></html>"},
    {"status": 200, "text": "\n <!-- v2 --><HTML><HEAD><TITLE>Log in</TITLE></HEAD></HTML>"},
]


@pytest.fixture(autouse=True)
def _no_rendering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of imports are about answers here, and none about the page."""
    page = pdf.Summary(b"%PDF-1.4\n%%EOF\n", False, ())
    monkeypatch.setattr(pdf, "pdf", lambda *_: page)


@pytest.fixture(autouse=True)
def _no_waiting(settings: django_settings) -> None:
    settings.RETRY_SCHEDULE = [timedelta(0)] * 3
    settings.SETTLE_TIME = timedelta(0)
    settings.BULK_RETRY_PAUSE = PAUSE


@pytest.fixture
def crms() -> Iterator[Sandbox]:
    with running_sandbox(token=TOKEN, hang_seconds=0.1) as sandbox:
        yield sandbox


@pytest.fixture
def world(db: None, crms: Sandbox) -> World:
    return make_world("crms", base_url=crms.url, token=TOKEN)


def answers(crms: Sandbox, case: str | dict[str, Any], step: str = "create") -> None:
    """Let the stand-in give the answers of a case, or this one."""
    for message_of in CASES[case]["answers"] if isinstance(case, str) else [case]:
        given = dict(message_of)
        if "reset" in given:
            crms.fail(step, "reset-after")
            step = "look-up"
            continue
        applied = given.pop("created", False)
        crms.answer(step, applied=applied, **given)


def send(world: World, reference: str = REFERENCE, number: int = 1, **more: Any) -> None:
    world.send(plain(number=number, reference=reference, attachments=[LETTER], **more))


def delivery_of(reference: str = REFERENCE) -> Delivery:
    return Delivery.objects.select_related("destination").get(reference=reference)


def go(reference: str = REFERENCE, rounds: int = 8) -> Delivery:
    """Run an import for as long as it is due."""
    for _ in range(rounds):
        if not delivering.run(delivery_of(reference).pk):
            break
    return delivery_of(reference)


def message_of(reference: str = REFERENCE) -> str:
    return explain(reference).sentence


def calls(crms: Sandbox) -> list[str]:
    return [seen.step for seen in crms.calls]


def in_crms(crms: Sandbox) -> list[tuple[str, int]]:
    """Return the reference of each referral there, and how many files it has."""
    return [(one.external_reference, len(one.attachments)) for one in crms.referrals]


def open_again() -> None:
    Destination.objects.get().test_connection()


# -- Refusals, in whatever shape -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("reasons by field", "client.date_of_birth is required by intake"),
        ("reasons by field, nested", "phone_home: Enter a valid phone number."),
        ("a bare list of reasons", "Postal code is not valid"),
        ("reason within error", "Postal code is not valid"),
        ("error as text", "Postal code is not valid"),
        ({"status": 418, "json": {"MESSAGE": "Short and stout"}}, "Short and stout"),
        ({"status": 413, "text": "<html><h1>Too large</h1>"}, "Too large"),
        ({"status": 400, "json": {}}, "CRMS gave no reason (HTTP 400)"),
        ({"status": 428, "text": ""}, "CRMS gave no reason (HTTP 428)"),
    ],
)
def test_a_refusal_is_reported_in_the_words_of_crms(
    world: World, crms: Sandbox, case: str | dict[str, Any], words: str
):
    answers(crms, case)
    send(world)
    delivery = go()
    assert (delivery.state, delivery.reason) == ("needs_attention", "rejected")
    assert words in delivery.message
    assert words in message_of()
    assert in_crms(crms) == []


# -- The id ------------------------------------------------------------------------------------


def test_the_id_may_stand_in_location_only(world: World, crms: Sandbox):
    answers(crms, "id only in Location")
    send(world)
    crms.answer("upload", times=None, status=201, json={"id": "AT-1"})
    delivery = go()
    assert (delivery.state, delivery.external_id) == ("imported", "RF-501")
    assert calls(crms)[:3] == ["create", "summary", "attachment"]
    assert delivery.missing_files == {}


@pytest.mark.parametrize("given", some(["é" * 255, "RF 7/8?#", "漢" * 255, "x" * 255], one_of=2))
@pytest.mark.parametrize("where", ["body", "Location"])
def test_an_id_may_have_255_characters_of_any_kind(
    world: World, crms: Sandbox, given: str, where: str
):
    location = f"{crms.url}/api/v1/referrals/{quote(given, safe='')}"
    crms.answer(
        "create",
        status=201,
        **({"json": {"id": given}} if where == "body" else {"headers": {"Location": location}}),
    )
    write(
        Destination.objects.all(),
        options=options(
            "crms", base_url=crms.url, token=TOKEN, referral_link="https://crms.example/inbox/{id}"
        ),
    )
    send(world)
    crms.answer("upload", times=None, status=204)
    delivery = go()
    assert (delivery.state, delivery.external_id) == ("imported", given)
    assert delivery.external_url == f"https://crms.example/inbox/{quote(given, safe='')}"


@pytest.mark.parametrize(
    "location",
    [
        "https://elsewhere.example/api/v1/referrals/RF-1",
        "/sign-in",
        "/api/v1/referrals/",
        "/api/v1/referrals/RF-1/more",
        "//[",
    ],
)
def test_what_lies_elsewhere_is_no_id(world: World, crms: Sandbox, location: str):
    crms.answer("create", status=201, headers={"Location": location})
    send(world)
    assert go().reason == "unconfirmed"
    assert calls(crms).count("create") == 1


# -- 2xx, and it was not CRMS, or without an id ----------------------------------------------------


@pytest.mark.parametrize("case", some(["sign-in page in place of JSON", *PAGES], one_of=2))
def test_a_page_at_create_pauses_the_destination_and_the_referral_is_looked_up_first(
    world: World, crms: Sandbox, case: str | dict[str, Any]
):
    answers(crms, case)
    send(world)
    delivery = go()
    assert (delivery.state, delivery.reason) == ("needs_attention", "connection")
    assert delivery.destination.paused_at is not None
    assert explain(REFERENCE).actor == "an administrator"
    open_again()
    assert go().state == "imported"
    assert calls(crms)[:5] == ["create", "ping", "look-up", "look-up", "create"]
    assert in_crms(crms) == [(REFERENCE, 2)]


@pytest.mark.parametrize(
    "case",
    [
        "sign-in page after the referral was created",
        *({**page, "created": True} for page in PAGES),
        {"status": 302, "headers": {"Location": "/login"}, "created": True},
        {"status": 303, "headers": {"Location": "/api/v1/referrals/RF-1"}, "created": True},
    ],
)
def test_a_page_after_the_referral_was_created_leads_to_no_second_one(
    world: World, crms: Sandbox, case: str | dict[str, Any]
):
    answers(crms, case)
    send(world)
    assert go().reason == "connection"
    open_again()
    delivery = go()
    assert (delivery.state, in_crms(crms)) == ("imported", [(REFERENCE, 2)])
    assert delivery.external_id == crms.referrals[0].id
    assert calls(crms).count("create") == 1


def test_where_crms_cannot_be_searched_a_person_decides_after_a_page(world: World, crms: Sandbox):
    write(
        Destination.objects.all(),
        options=options("crms", base_url=crms.url, token=TOKEN, look_up=False),
    )
    answers(crms, {**PAGE, "created": True})
    send(world)
    go()
    open_again()
    assert go().reason == "unconfirmed"
    assert calls(crms).count("create") == 1


@pytest.mark.parametrize(
    "given",
    [
        {"status": 201, "json": {"status": "inbox"}},
        {"status": 200, "text": '{"id": "RF-'},
        {"status": 204},
        {"status": 200, "text": "Accepted"},
        {"status": 202, "json": {"success": False, "id": "RF-1", "error": "Queue is full"}},
        {"status": 201, "json": {"id": "x" * 256}},
        {"status": 201, "json": {"id": True}},
    ],
)
@pytest.mark.parametrize("created", [True, False])
def test_a_success_without_an_id_is_looked_up_and_never_sent_again(
    world: World, crms: Sandbox, given: dict[str, Any], created: bool
):
    answers(crms, {**given, "created": created})
    send(world)
    delivery = go()
    assert calls(crms).count("create") == 1
    if created:
        assert (delivery.state, delivery.external_id) == ("imported", crms.referrals[0].id)
    else:
        assert (delivery.state, delivery.reason) == ("needs_attention", "unconfirmed")
        assert "said yes" not in message_of()
        assert "listed nothing" in message_of()


# -- Uploads ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "case",
    [
        "uploads answered 204",
        {"status": 200},
        {"status": 201, "json": {"stored": True}},
        {"status": 200, "text": "OK"},
        {"status": 200, "text": "OK", "headers": {"Content-Type": "text/html"}},
        {"status": 202, "json": []},
        {"status": 200, "json": {"success": True, "error": None, "errors": []}},
    ],
)
def test_an_upload_that_is_taken_needs_no_words(
    world: World, crms: Sandbox, case: str | dict[str, Any]
):
    given = CASES[case]["answers"][0] if isinstance(case, str) else case
    crms.answer("upload", times=None, applied=True, **given)
    send(world)
    delivery = go()
    assert (delivery.state, delivery.missing_files, delivery.has_uncleared_error) == (
        "imported",
        {},
        False,
    )
    assert in_crms(crms) == [(REFERENCE, 2)]
    assert calls(crms).count("summary") == calls(crms).count("attachment") == 1


@pytest.mark.parametrize("case", some(["uploads answered with a sign-in page", *PAGES], one_of=2))
@pytest.mark.parametrize("arrived", [True, False])
def test_a_page_at_an_upload_is_no_success(
    world: World, crms: Sandbox, case: str | dict[str, Any], arrived: bool
):
    given = CASES[case]["answers"][0] if isinstance(case, str) else case
    crms.answer("upload", applied=arrived, **given)
    send(world)
    delivery = go()
    assert (delivery.state, delivery.reason) == ("needs_attention", "connection")
    assert delivery.destination.paused_at is not None
    open_again()
    assert go().state == "imported"
    assert in_crms(crms) == [(REFERENCE, 2)]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("an upload that says it failed", "Virus found"),
        ({"status": 200, "json": {"OK": False, "message": "No room"}}, "No room"),
        ({"status": 201, "json": {"status": "error", "detail": "Not a PDF"}}, "Not a PDF"),
        ({"status": 200, "json": {"id": "AT-1", "errors": ["Too many pages"]}}, "Too many pages"),
        ({"status": 400, "json": {"error": "Empty"}}, "Empty"),
        ({"status": 422, "json": ["Not a PDF"]}, "Not a PDF"),
        ({"status": 413, "text": "<html><h1>Too large</h1>"}, "Too large"),
        ({"status": 451, "text": "No"}, "No"),
    ],
)
def test_a_refused_file_is_reported_and_holds_nothing_back(
    world: World, crms: Sandbox, case: str | dict[str, Any], words: str
):
    answers(crms, case, "attachment")
    send(world)
    delivery = go()
    assert delivery.state == "imported"
    assert list(delivery.missing_files) == ["letter.txt"]
    assert words in delivery.missing_files["letter.txt"]
    assert in_crms(crms) == [(REFERENCE, 1)]
    assert delivery.external_id in message_of()


@pytest.mark.parametrize("named", [True, False])
def test_a_file_that_is_there_already_is_done(world: World, crms: Sandbox, named: bool):
    body = {"message": "Duplicate file", **({"id": "AT-9"} if named else {})}
    crms.answer("attachment", status=409, json=body, applied=True)
    send(world)
    delivery = go()
    assert (delivery.state, delivery.missing_files) == ("imported", {})
    assert calls(crms).count("attachment") == 1


def test_a_file_that_is_stated_to_be_there_and_is_not_listed_is_a_persons_turn(
    world: World, crms: Sandbox
):
    crms.answer("attachment", status=409, json={"message": "Duplicate file"})
    send(world)
    assert go().reason == "unconfirmed"


@pytest.mark.parametrize("status", [404, 410])
def test_a_referral_that_is_gone_is_a_persons_turn(world: World, crms: Sandbox, status: int):
    crms.answer("attachment", status=status, json={"message": "Not found"})
    send(world)
    assert go().reason == "unconfirmed"
    assert explain(REFERENCE).cause == "gone_there"


# -- Trouble there ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "case",
    some(
        [
            "locked for a moment",
            *({"status": s, "text": ""} for s in (408, 423, 425, 500, 599, 600, 999)),
        ]
    ),
)
def test_trouble_there_is_tried_again(world: World, crms: Sandbox, case: str | dict[str, Any]):
    answers(crms, case)
    send(world)
    if case == "locked for a moment":
        crms.answer("upload", times=None, status=204)
    delivery = go()
    assert delivery.state == "imported"
    if case == "locked for a moment":
        assert delivery.external_id == "RF-502"
    assert calls(crms).count("create") == 2


@pytest.mark.parametrize(
    "status", some([401, 402, 403, 404, 405, 407, 410, 411, 421, 426, 301, 307, 399])
)
def test_a_wrong_connection_is_an_administrators_turn(world: World, crms: Sandbox, status: int):
    crms.answer("create", status=status, json={"message": "No"})
    send(world)
    delivery = go()
    assert (delivery.reason, delivery.tries) == ("connection", 0)
    assert delivery.destination.paused_by == REFERENCE
    open_again()
    assert go().state == "imported"


# -- The look-up -----------------------------------------------------------------------------------


def test_a_result_that_names_no_reference_is_not_taken_for_ours(world: World, crms: Sandbox):
    answers(crms, "look-up names no reference")
    send(world)
    delivery = go()
    assert (delivery.state, delivery.reason) == ("needs_attention", "unconfirmed")
    assert "RF-9" in message_of()
    assert calls(crms) == ["create", "look-up"]


def test_once_the_search_is_proved_to_filter_a_nameless_result_is_ours(db: None):
    with running_sandbox(token=TOKEN, look_up_names=False) as crms:
        world = make_world("crms", base_url=crms.url, token=TOKEN)
        send(world, OTHER)
        assert go(OTHER).state == "imported"
        assert Able.SEARCH_FILTERS in proved()
        crms.fail("create", "reset-after")
        send(world, number=2)
        assert go().state == "imported"
        assert in_crms(crms) == [(OTHER, 2), (REFERENCE, 2)]


def test_a_search_that_lists_others_is_no_proof(world: World, crms: Sandbox):
    answers(crms, "look-up ignores its filter")
    send(world)
    delivery = go()
    assert (delivery.state, delivery.reason) == ("needs_attention", "unconfirmed")
    assert "listed other referrals" in message_of()
    assert "said yes" not in message_of()
    assert calls(crms).count("create") == 1


@pytest.mark.parametrize("option", [{"look_up_filters": False}, {"look_up_page": 1}])
def test_a_search_that_lists_too_much_or_too_little_leads_to_no_second_create(
    db: None, option: dict[str, Any]
):
    with running_sandbox(token=TOKEN, allow_duplicates=True, **option) as crms:
        world = make_world("crms", base_url=crms.url, token=TOKEN)
        for number in (1, 2):  # staff have entered it by hand, too
            create_by_hand(crms, REFERENCE, key=str(number))
        crms.fail("create", "reset-after")
        send(world)
        assert go().reason == "unconfirmed"
        assert calls(crms).count("create") == 3


def create_by_hand(crms: Sandbox, reference: str, key: str) -> None:
    body = {
        "external_reference": reference,
        "client": {"first_name": "A", "last_name": "B", "date_of_birth": "1991-06-29"},
    }
    requests.post(
        f"{crms.url}/api/v1/referrals",
        json=body,
        headers={"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": key},
        timeout=10,
    ).raise_for_status()


SEARCH_REFUSALS = [
    {"status": status, "json": {"message": "not found"}}
    for status in (400, 403, 404, 405, 406, 410, 422, 451, 501)
]


@pytest.mark.parametrize("case", some(["no search there", *SEARCH_REFUSALS]))
def test_where_no_search_is_this_referral_waits_and_the_others_go_on(
    world: World, crms: Sandbox, case: str | dict[str, Any]
):
    if isinstance(case, str):
        answers(crms, case)
    else:
        crms.fail("create", "reset-after")
        crms.answer("look-up", **case)
    send(world)
    delivery = go()
    assert (delivery.state, delivery.reason) == ("needs_attention", "unconfirmed")
    assert explain(REFERENCE).cause == "not_searchable"
    assert Destination.objects.get().paused_at is None
    assert refusal()
    send(world, OTHER, number=2)
    assert go(OTHER).state == "imported"


def test_403_at_the_look_up_is_the_connection_unless_the_ping_is_accepted(
    world: World, crms: Sandbox
):
    crms.fail("create", "reset-after")
    crms.fail("look-up", "403")
    crms.fail("ping", "403")
    send(world)
    assert go().reason == "connection"


@pytest.mark.parametrize(
    ("given", "ping", "reason"),
    [
        *some([(page, page, "connection") for page in PAGES]),
        *some([(page, {"status": 200, "json": {}}, "unconfirmed") for page in PAGES]),
        (PAGE, {"status": 404, "text": "<html>Not found</html>"}, "unconfirmed"),
    ],
)
def test_a_page_at_the_look_up_is_the_connection_only_if_the_ping_is_one_too(
    world: World, crms: Sandbox, given: dict[str, Any], ping: dict[str, Any], reason: str
):
    crms.fail("create", "reset-after")
    crms.answer("look-up", **given)
    crms.answer("ping", **ping)
    send(world)
    assert go().reason == reason
    assert calls(crms).count("create") == 1


NOT_NOTHING = [
    {"results": [], "next": "/api/v1/referrals?page=2"},
    {"results": [], "has_more": True},
    {"results": [], "total": 3},
    {"results": [], "meta": {"totalCount": "1"}},
    {"results": [], "links": {"next": {"href": "/x"}}},
    {"results": [], "_links": [{"rel": "next", "href": "/x"}]},
    {"results": [], "paging": {"nextCursor": "abc"}},
    {"results": None},
    {"results": {}},
    {},
    [],
    {"results": [{"id": "RF-9", "external_reference": REFERENCE}], "count": 2},
    {"results": [{"id": None, "external_reference": REFERENCE}]},
    {"results": [{"id": "RF-9", "external_reference": True}]},
    {"results": [{"id": "RF-9"}, {"id": "RF-8"}]},
]


@pytest.mark.parametrize("body", some(NOT_NOTHING, one_of=2))
def test_what_is_no_proof_leads_neither_to_a_create_nor_to_an_upload(
    world: World, crms: Sandbox, body: Any
):
    crms.fail("create", "reset-after")
    crms.answer("look-up", times=None, status=200, json=body)
    send(world)
    assert go().reason == "unconfirmed"
    assert calls(crms) in (["create", "look-up"], ["create", "look-up", "ping"])


@pytest.mark.parametrize(
    "given",
    [
        {"json": {"results": []}, "headers": {"Link": '</x?p=2>; rel="next"'}},
        {"json": {"results": []}, "headers": {"link": "</x>; rel=prev, </y>; rel=next"}},
        {"json": {"results": []}, "status": 206},
        {"text": "", "status": 204},
        {"text": '{"results": [', "status": 200},
    ],
)
def test_nothing_is_there_only_if_that_is_all(world: World, crms: Sandbox, given: dict[str, Any]):
    crms.fail("create", "reset-after")
    crms.answer("look-up", times=None, **{"status": 200, **given})
    send(world)
    assert go().reason == "unconfirmed"
    assert calls(crms).count("create") == 1


@pytest.mark.parametrize(
    "body",
    [
        {"results": [], "next": None, "has_more": False, "total": 0, "count": "0"},
        {"results": [], "links": {"next": "", "self": "/x"}},
        {"results": [], "meta": {"page": 1, "page_size": 50}},
    ],
)
def test_nothing_there_twice_is_sent_again(world: World, crms: Sandbox, body: Any):
    crms.fail("create", "reset")
    crms.answer("look-up", times=2, status=200, json=body)
    send(world)
    assert go().state == "imported"
    assert calls(crms)[:4] == ["create", "look-up", "look-up", "create"]


# -- Duplicates ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        CASES["duplicate of another referral"]["answers"][0]["json"],
        {"message": "Known client", "id": "RF-7", "external_reference": "1111111111"},
        {"error": {"message": "Known client"}, "id": 7},
        {"message": "Known client"},
    ],
)
def test_nothing_is_sent_to_a_duplicate_that_is_not_proved_to_be_ours(
    world: World, crms: Sandbox, body: dict[str, Any]
):
    crms.answer("create", status=409, json=body)
    send(world)
    delivery = go()
    assert (delivery.state, delivery.reason) == ("needs_attention", "unconfirmed")
    assert calls(crms) == ["create", "look-up"]
    assert str(body.get("id", "")) in message_of()
    assert ("Known client" in message_of()) or (
        "A referral for this client already exists" in message_of()
    )
    assert explain(REFERENCE).cause == "duplicate_there"


@pytest.mark.parametrize(
    "shown", [{"external_reference": REFERENCE}, {"external_reference": int(REFERENCE)}, {}]
)
def test_a_duplicate_that_is_proved_to_be_ours_is_adopted(
    world: World, crms: Sandbox, shown: dict[str, Any]
):
    create_by_hand(crms, REFERENCE, key="by hand")
    there = crms.referrals[0].id
    crms.answer("create", status=409, json={"message": "There", "id": there, **shown})
    send(world)
    delivery = go()
    assert (delivery.state, delivery.external_id) == ("imported", there)
    assert in_crms(crms) == [(REFERENCE, 2)]


def test_another_id_than_the_search_gives_is_a_persons_turn(world: World, crms: Sandbox):
    create_by_hand(crms, REFERENCE, key="by hand")
    crms.answer("create", status=409, json={"message": "There", "id": "RF-7"})
    send(world)
    assert go().reason == "unconfirmed"
    assert in_crms(crms) == [(REFERENCE, 0)]


# -- Down ------------------------------------------------------------------------------------------


def probe() -> bool:
    Destination.objects.filter(probe_at__isnull=False).update(probe_at=clock.now())
    return probing.probe(Destination.objects.get().pk)


def point_to(base_url: str, **more: Any) -> None:
    given = {"base_url": base_url, "token": TOKEN, **more}
    write(Destination.objects.all(), options=options("crms", **given))


def test_a_name_that_does_not_exist_is_down_and_comes_back_by_itself(world: World, crms: Sandbox):
    point_to(CASES["no such name"]["answers"][0]["base_url"])
    for number, reference in enumerate((REFERENCE, OTHER), start=1):
        send(world, reference, number=number)
        delivery = go(reference)
        assert (delivery.state, delivery.tries, delivery.has_uncleared_error) == (
            "queued",
            0,
            False,
        )
    destination = Destination.objects.get()
    assert destination.is_down
    assert Attempt.objects.count() == 1
    since = destination.paused_at.astimezone(destination.organization.zone)
    down_text = f"unreachable since {since:%H:%M}: its name could not be resolved."
    assert f"Birchwood CRMS has been {down_text}" in message_of()
    assert explain(OTHER).cause == "unreachable"
    assert probe()
    assert Destination.objects.get().is_down
    point_to(crms.url)
    assert probe()
    assert Destination.objects.get().paused_at is None
    assert go().state == go(OTHER).state == "imported"


def test_a_certificate_that_is_not_trusted_is_down_until_it_is(
    db: None, settings: django_settings, tmp_path: Path
):
    with running_sandbox(token=TOKEN, tls=True) as crms:
        world = make_world("crms", base_url=crms.url, token=TOKEN)
        send(world)
        assert CASES["certificate not trusted"]["answers"] == [{"tls": "self-signed"}]
        delivery = go()
        assert (delivery.state, delivery.tries) == ("queued", 0)
        assert "its certificate is not trusted (self-signed certificate)" in message_of()
        assert "CA_BUNDLE" in message_of()
        assert crms.calls == []
        authority = tmp_path / "authority.pem"
        authority.write_bytes(crms.certificate)
        settings.CA_BUNDLE = str(authority)
        assert probe()
        assert go().state == "imported"


def test_a_connection_that_is_refused_is_down(world: World, free_port: int):
    point_to(f"http://127.0.0.1:{free_port}")
    send(world)
    assert go().state == "queued"
    assert "it refused the connection" in message_of()


@pytest.mark.parametrize("status", some([200, 204, 404, 410, 429, 500, 503, 999]))
def test_any_answer_ends_it(world: World, crms: Sandbox, status: int):
    world.destination.go_down("it refused the connection. Look.", clock.now())
    crms.answer("ping", status=status, text="" if status != 404 else "<html>Not found</html>")
    assert probe()
    assert Destination.objects.get().paused_at is None


@pytest.mark.parametrize(
    "given", [{"status": 401}, {"status": 403}, {"status": 302}, {"status": 308}, *PAGES]
)
def test_an_answer_that_refuses_the_connection_turns_it_into_one_that_somebody_fixes(
    world: World, crms: Sandbox, given: dict[str, Any]
):
    world.destination.go_down("it refused the connection. Look.", clock.now())
    crms.answer("ping", **given)
    assert probe()
    destination = Destination.objects.get()
    assert (destination.paused_at is not None, destination.is_down) == (True, False)
    assert not probing.probe(destination.pk)
    send(world)
    assert explain(REFERENCE).cause == "held"
    open_again()
    assert go().state == "imported"


def test_the_connection_test_ends_it_too(world: World, crms: Sandbox):
    world.destination.go_down("it refused the connection. Look.", clock.now())
    Destination.objects.get().test_connection()
    assert Destination.objects.get().paused_at is None


# -- One referral must not stop everybody ----------------------------------------------------------


def run_all() -> None:
    for _ in range(5):
        for pk in delivering.due_deliveries(1):
            delivering.run(pk)
        time.sleep(PAUSE.total_seconds())


@pytest.mark.parametrize("status", [401, 403, 307])
def test_a_referral_that_alone_is_refused_waits_alone(world: World, crms: Sandbox, status: int):
    crms.answer("create", times=None, reference=REFERENCE, status=status, json={"message": "WAF"})
    for number, reference in enumerate((REFERENCE, "2", "3"), start=1):
        send(world, reference, number=number)
    assert go().reason == "connection"
    open_again()
    run_all()
    stopped = delivery_of()
    assert (stopped.state, stopped.reason) == ("needs_attention", "singled_out")
    assert "WAF" in message_of()
    assert Destination.objects.get().paused_at is None
    assert delivery_of("2").state == delivery_of("3").state == "imported"
    created = [seen.status for seen in crms.calls if seen.step == "create"]
    assert created[-1] == status  # it went last


def test_a_wrong_token_is_nobodys_own_trouble(world: World, crms: Sandbox):
    send(world)
    point_to(crms.url)
    crms.fail("any", "401", times=3)  # two creates, and the ping that asks whose trouble it is
    assert go().reason == "connection"
    Destination.objects.get().release()
    assert go().reason == "connection"
    assert Destination.objects.get().paused_at is not None


def test_without_a_ping_another_referral_that_passes_reports_the_same(world: World, crms: Sandbox):
    crms.fail("ping", "404", times=None)
    crms.fail("create", "403", times=None, reference=REFERENCE)
    send(world)
    go()
    Destination.objects.get().release()
    send(world, OTHER, number=2)
    assert go(OTHER).state == "imported"
    assert go().reason == "singled_out"


def test_it_goes_again_when_the_word_is_changed(world: World, crms: Sandbox):
    crms.fail("create", "403", times=2, reference=REFERENCE)
    send(world)
    go()
    open_again()
    assert go().reason == "singled_out"
    world.send(plain("referral.edited", number=2, attachments=[LETTER]))
    assert go().state == "imported"


# -- Proof of the search ---------------------------------------------------------------------------


def proved() -> set[Able]:
    """Return what is proved of the destination."""
    return {one for one, found in Destination.objects.get().findings().items() if found.yes}


def refusal() -> str:
    """Return why the destination cannot be searched; empty where it was not refused."""
    found = Destination.objects.get().findings().get(Able.SEARCH_FINDS)
    return found.because if found and found.refused else ""


def test_the_first_import_proves_the_search_and_the_next_ask_no_more(world: World, crms: Sandbox):
    send(world)
    go()
    assert proved() == {Able.SEARCH_FINDS, Able.SEARCH_FILTERS, Able.LISTS_FILES}
    assert calls(crms) == ["create", "summary", "attachment", "look-up", "look-up"]
    send(world, OTHER, number=2)
    go(OTHER)
    assert calls(crms).count("look-up") == 2


def test_a_search_that_shows_late_what_is_there_is_asked_again_after_the_next_import(
    world: World, crms: Sandbox
):
    crms.answer("look-up", status=200, json={"results": []})
    send(world)
    assert go().state == "imported"
    assert Able.SEARCH_FINDS not in proved()
    send(world, OTHER, number=2)
    go(OTHER)
    assert Able.SEARCH_FILTERS in proved()


@pytest.mark.parametrize(
    "change",
    [
        {"token": "another"},
        {"referrals_path": "/api/v2/referrals"},
        {"reference_parameter": "ref"},
        {"base_url": "https://crms.example"},
    ],
)
def test_another_address_path_parameter_or_token_makes_it_unproven(
    world: World, crms: Sandbox, change: dict[str, str]
):
    send(world)
    go()
    assert Able.SEARCH_FINDS in proved()
    point_to(**{"base_url": crms.url, **change})
    assert Able.SEARCH_FINDS not in proved()
    point_to(crms.url, note_limit=300)
    assert Able.SEARCH_FINDS in proved()


def test_the_connection_test_proves_it_again(world: World, crms: Sandbox):
    send(world)
    go()
    Destination.objects.update(capabilities={})
    open_again()
    assert Able.SEARCH_FILTERS in proved()


def test_an_answer_that_lists_a_foreign_referral_disproves_that_it_filters(
    world: World, crms: Sandbox
):
    send(world, OTHER)
    go(OTHER)
    assert Able.SEARCH_FILTERS in proved()
    answers(crms, "look-up ignores its filter")
    send(world, number=2)
    assert go().reason == "unconfirmed"
    assert proved() == {Able.SEARCH_FINDS, Able.LISTS_FILES}


@pytest.mark.parametrize("status", [404, 501])
def test_a_crms_that_cannot_be_searched_is_asked_anew_at_each_test_and_each_day(
    db: None, status: int, monkeypatch: pytest.MonkeyPatch
):
    with running_sandbox(token=TOKEN, look_up=False, look_up_refusal=status) as crms:
        world = make_world("crms", base_url=crms.url, token=TOKEN)
        for number in (1, 2):
            send(world, str(number), number=number)
            assert go(str(number)).state == "imported"
        assert calls(crms).count("look-up") == 1
        assert f"HTTP {status}" in refusal()
        crms.fail("create", "reset-after")
        send(world, "3", number=3)
        assert go("3").reason == "unconfirmed"
        assert calls(crms).count("look-up") == 1
        open_again()
        assert calls(crms).count("look-up") == 2
        now = clock.now()
        set_clock(monkeypatch, lambda: now + timedelta(days=2))
        send(world, "4", number=4)
        go("4")
        assert calls(crms).count("look-up") == 3


def test_nothing_of_the_proof_is_waited_for(world: World, crms: Sandbox):
    crms.fail("look-up", "timeout", times=None)
    point_to(crms.url, read_seconds=1)
    send(world)
    assert go().state == "imported"
    assert delivery_of().tries == 0


def test_every_case_is_tried() -> None:
    tried = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in CASES if f'"{name}"' not in tried] == []
