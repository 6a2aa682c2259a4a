"""Delivering into a running CRMS: each row of the answer table, and every way around it."""

import hashlib
import io
import json
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from integrations.capabilities import Capability, Finding
from integrations.destinations.crms.transport import CrmsTransport
from integrations.transport import (
    ATTACHMENT,
    SUMMARY,
    DeliveryError,
    Document,
    Doubt,
    Down,
    Misconfigured,
    Receipt,
    Rejected,
    TryAgain,
    Unconfirmed,
)
from sandbox import Sandbox, running_sandbox
from tests.contract.ledger import InMemoryLedger, Killed
from tests.contract.parcels import DOCUMENTS, REFERENCE, SUMMARY_PDF, document, parcel
from tests.integrations.destinations.crms.conftest import RECORD, TOKEN, Connect, connected

STEPS = ["create", "summary", "attachment", "attachment"]


def steps(sandbox: Sandbox) -> list[str]:
    return [seen.step for seen in sandbox.calls]


def files(sandbox: Sandbox) -> list[str]:
    """The hashes of all files in CRMS."""
    return [file.sha256 for referral in sandbox.referrals for file in referral.attachments]


HASHES = [document.sha256 for document in DOCUMENTS]


def refused_by(
    crms: CrmsTransport, ledger: InMemoryLedger | None = None, **changes: Any
) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        crms.deliver(parcel({**RECORD, **changes}, ledger))
    return caught.value


# -- What arrives --------------------------------------------------------------------------------


def test_the_referral_its_summary_and_its_attachments_arrive_in_order(
    crms_sandbox: Sandbox, connect: Connect
) -> None:
    receipt = connect().deliver(parcel(RECORD))
    [referral] = crms_sandbox.referrals
    assert receipt.external_id == referral.id
    assert steps(crms_sandbox) == STEPS
    assert files(crms_sandbox) == HASHES
    assert referral.body["client"]["last_name"] == "Tremblay-Okafor"
    assert referral.body["external_reference"] == REFERENCE


def test_files_arrive_byte_for_byte_under_their_names(
    crms_sandbox: Sandbox, connect: Connect
) -> None:
    connect().deliver(parcel(RECORD))
    [referral] = crms_sandbox.referrals
    for sent, arrived in zip(DOCUMENTS, referral.attachments, strict=True):
        assert arrived.content == sent.open().read()
        assert (arrived.filename, arrived.category) == (sent.name, sent.category)
        assert arrived.content_type == "application/pdf"


def test_each_step_has_a_key_of_its_own_and_the_attempt_one_request_id(
    crms_sandbox: Sandbox, connect: Connect
) -> None:
    connect().deliver(parcel(RECORD))
    calls = crms_sandbox.calls
    assert len({call.idempotency_key for call in calls}) == len(calls)
    assert {call.request_id for call in calls} == {"attempt-1"}


def test_the_key_of_a_step_is_the_same_on_every_try(
    crms_sandbox: Sandbox, connect: Connect
) -> None:
    ledger = InMemoryLedger()
    crms_sandbox.fail("create", "429")
    crms_sandbox.fail("summary", "429")
    refused_by(connect(), ledger)
    refused_by(connect(), ledger)
    connect().deliver(parcel(RECORD, ledger))
    first, again, summary, summary_again, *_ = (c.idempotency_key for c in crms_sandbox.calls)
    assert first == again
    assert summary == summary_again


def test_a_receipt_keeps_the_last_answer_and_links_to_the_referral(connect: Connect) -> None:
    receipt = connect(referral_link="https://crms.example/inbox/{id}").deliver(parcel(RECORD))
    assert receipt.url == f"https://crms.example/inbox/{receipt.external_id}"
    assert receipt.detail.code == "HTTP 201"
    assert "AT-" in receipt.detail.body


def test_an_api_key_goes_in_its_own_header() -> None:
    with running_sandbox(token=TOKEN, api_key_header="X-Birchwood-Key") as sandbox:
        crms = connected(sandbox.url, auth="api_key", auth_header="X-Birchwood-Key")
        assert crms.deliver(parcel(RECORD)).external_id
        assert "credentials" in refused_by(connected(sandbox.url, auth="api_key")).message


def test_an_umlaut_in_the_record_arrives_as_it_is(crms_sandbox: Sandbox, connect: Connect) -> None:
    connect().deliver(parcel({**RECORD, "client.first_name": "Zoë ᐊᓂ 🌿"}))
    [referral] = crms_sandbox.referrals
    assert referral.body["client"]["first_name"] == "Zoë ᐊᓂ 🌿"


# -- The connection test -------------------------------------------------------------------------


def test_the_connection_test_asks_for_nothing_but_an_answer(
    crms_sandbox: Sandbox, connect: Connect
) -> None:
    sentence = connect().check()
    assert sentence == f"CRMS answered at {crms_sandbox.url} and accepted the credentials."
    assert steps(crms_sandbox) == ["ping"]


@pytest.mark.parametrize(
    ("mode", "error"),
    [
        ("401", Misconfigured),
        ("404", Misconfigured),
        ("redirect", Misconfigured),
        ("503", TryAgain),
    ],
)
def test_the_connection_test_states_what_is_wrong(
    crms_sandbox: Sandbox, connect: Connect, mode: str, error: type[DeliveryError]
) -> None:
    crms_sandbox.fail("ping", mode)
    with pytest.raises(error) as caught:
        connect().check()
    assert caught.value.message.startswith("CRMS ")


def test_a_web_page_is_no_sign_of_the_api(crms_sandbox: Sandbox, connect: Connect) -> None:
    crms_sandbox.fail("ping", "login-page")
    with pytest.raises(Misconfigured) as caught:
        connect().check()
    assert "“Please sign in" in caught.value.message


def test_a_wrong_token_pauses_the_connection(crms_sandbox: Sandbox) -> None:
    error = refused_by(connected(crms_sandbox.url, token="another"))
    assert isinstance(error, Misconfigured)
    assert "“The token is missing or not valid”" in error.message


# -- 400, 422: the data --------------------------------------------------------------------------


def test_missing_data_is_reported_in_the_words_of_crms(connect: Connect) -> None:
    error = refused_by(connect(), **{"client.date_of_birth": ""})
    assert isinstance(error, Rejected)
    assert "“client.date_of_birth: Date of birth is required”" in error.message
    assert error.exchange.code == "HTTP 400"


def test_after_the_data_was_corrected_the_referral_goes(
    crms_sandbox: Sandbox, connect: Connect
) -> None:
    ledger = InMemoryLedger()
    refused_by(connect(), ledger, **{"client.date_of_birth": ""})
    connect().deliver(parcel(RECORD, ledger))
    assert steps(crms_sandbox) == ["create", *STEPS]


# -- 401, 403, 404, redirects: the connection ----------------------------------------------------


@pytest.mark.parametrize(
    ("step", "mode"),
    [
        *(("create", mode) for mode in ("401", "403", "404", "redirect", "login-page")),
        *(("look-up", mode) for mode in ("401", "redirect")),
    ],
)
def test_a_wrong_connection_is_nobodys_referral_problem(
    crms_sandbox: Sandbox, connect: Connect, step: str, mode: str
) -> None:
    ledger = InMemoryLedger()
    if step == "look-up":
        crms_sandbox.fail("create", "500")
        refused_by(connect(), ledger)
    crms_sandbox.fail(step, mode)
    error = refused_by(connect(), ledger)
    assert isinstance(error, Misconfigured)
    assert "CRMS" in error.message


def test_a_redirect_is_not_followed(crms_sandbox: Sandbox, connect: Connect) -> None:
    crms_sandbox.fail("create", "redirect")
    error = refused_by(connect())
    assert "(/sandbox/elsewhere)" in error.message
    assert error.exchange.headers["Location"] == "/sandbox/elsewhere"
    assert crms_sandbox.referrals == []


# -- 409: a duplicate ----------------------------------------------------------------------------


def test_a_referral_that_is_there_already_is_adopted_and_gets_its_files(
    crms_sandbox: Sandbox, connect: Connect
) -> None:
    first = connect().deliver(parcel(RECORD, documents=()))
    crms_sandbox.fail("create", "409")
    second = connect().deliver(parcel(RECORD, InMemoryLedger()))
    assert second.external_id == first.external_id
    assert files(crms_sandbox) == HASHES


def test_a_duplicate_without_an_id_is_looked_up(crms_sandbox: Sandbox, connect: Connect) -> None:
    crms_sandbox.fail("create", "409-no-id")
    receipt = connect().deliver(parcel(RECORD))
    assert [referral.id for referral in crms_sandbox.referrals] == [receipt.external_id]
    assert steps(crms_sandbox)[:2] == ["create", "look-up"]


def test_a_duplicate_that_nobody_can_find_is_a_persons_turn(
    crms_sandbox: Sandbox, connect: Connect
) -> None:
    crms_sandbox.fail("create", "409-no-id")
    error = refused_by(connect(look_up=False))
    assert isinstance(error, Unconfirmed)
    assert error.after is None
    assert "“Referral already exists”" in error.message


# -- 413, 415: a file ----------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "sentence"), [("413", "too large"), ("415", "not accepted")])
def test_a_refused_file_does_not_hold_the_rest_back(
    crms_sandbox: Sandbox, connect: Connect, mode: str, sentence: str
) -> None:
    crms_sandbox.fail("attachment", mode)
    receipt = connect().deliver(parcel(RECORD))
    [(name, reason)] = receipt.refused.items()
    assert name == DOCUMENTS[1].name
    assert sentence in reason
    assert files(crms_sandbox) == [HASHES[0], HASHES[2]]


def test_a_refusal_as_a_web_page_is_read_too(crms_sandbox: Sandbox, connect: Connect) -> None:
    crms_sandbox.fail("summary", "413-html")
    receipt = connect().deliver(parcel(RECORD))
    assert "“413 Request Entity Too Large proxy”" in receipt.refused[SUMMARY_PDF.name]


def test_a_file_that_is_too_large_is_not_even_sent(crms_sandbox: Sandbox, connect: Connect) -> None:
    big = document("big", b"x" * (1024 * 1024 + 1))
    receipt = connect(max_file_mb=1).deliver(parcel(RECORD, documents=(SUMMARY_PDF, big)))
    assert receipt.refused == {big.name: "The file is larger than the 1 MB that CRMS takes."}
    assert steps(crms_sandbox) == ["create", "summary"]


# -- 429, 5xx: wait ------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["429", "429-date", "503-retry-after"])
def test_crms_states_when_to_come_again(crms_sandbox: Sandbox, connect: Connect, mode: str) -> None:
    crms_sandbox.fail("create", mode)
    error = refused_by(connect())
    assert isinstance(error, TryAgain)
    assert error.after is not None
    assert timedelta(0) <= error.after <= timedelta(seconds=2)


def test_after_429_the_referral_is_simply_sent_again(
    crms_sandbox: Sandbox, connect: Connect
) -> None:
    ledger = InMemoryLedger()
    crms_sandbox.fail("create", "429")
    refused_by(connect(), ledger)
    connect().deliver(parcel(RECORD, ledger))
    assert "look-up" not in steps(crms_sandbox)


@pytest.mark.parametrize("mode", ["500-after", "504-after", "html-after", "503-after"])
def test_what_a_failing_server_took_all_the_same_is_found_not_doubled(
    crms_sandbox: Sandbox, connect: Connect, mode: str
) -> None:
    ledger = InMemoryLedger()
    crms_sandbox.fail("create", mode)
    assert isinstance(refused_by(connect(), ledger), TryAgain)
    connect().deliver(parcel(RECORD, ledger))
    assert steps(crms_sandbox) == ["create", "look-up", *STEPS[1:]]
    assert len(crms_sandbox.referrals) == 1


def test_what_a_failing_server_did_not_take_is_sent_after_two_searches(
    crms_sandbox: Sandbox, connect: Connect
) -> None:
    ledger = InMemoryLedger()
    crms_sandbox.fail("create", "500")
    refused_by(connect(), ledger)
    searching = refused_by(connect(), ledger)
    assert isinstance(searching, Unconfirmed)
    assert searching.after is not None
    connect().deliver(parcel(RECORD, ledger))
    assert steps(crms_sandbox) == ["create", "look-up", "look-up", *STEPS]


# -- The network ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mode", ["timeout-after", "reset-after", "close-after", "truncated", "drip", "drip-body"]
)
def test_an_answer_that_was_lost_is_looked_up_before_anything_is_sent_again(
    crms_sandbox: Sandbox, connect: Connect, mode: str
) -> None:
    ledger = InMemoryLedger()
    crms_sandbox.fail("create", mode)
    error = refused_by(connect(read_seconds=1), ledger)
    assert isinstance(error, TryAgain)
    assert error.maybe_done
    assert error.exchange.code == ""
    connect().deliver(parcel(RECORD, ledger))
    assert steps(crms_sandbox) == ["create", "look-up", *STEPS[1:]]
    assert files(crms_sandbox) == HASHES


def test_a_crms_that_is_not_there_has_taken_nothing() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        error = refused_by(connected(f"http://127.0.0.1:{unused.getsockname()[1]}"))
    assert isinstance(error, Down)
    assert not error.maybe_done
    assert "could not be reached" in error.message


def test_an_address_inside_the_network_is_a_wrong_setting() -> None:
    error = refused_by(connected("https://169.254.169.254"))
    assert isinstance(error, Misconfigured)
    assert "not a public address" in error.message


# -- 2xx without an id ---------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["no-id", "empty", "unreadable", "huge", "text"])
def test_a_success_without_an_id_is_looked_up(
    crms_sandbox: Sandbox, connect: Connect, mode: str
) -> None:
    crms_sandbox.fail("create", mode)
    receipt = connect().deliver(parcel(RECORD))
    assert [referral.id for referral in crms_sandbox.referrals] == [receipt.external_id]
    assert steps(crms_sandbox)[:2] == ["create", "look-up"]


@pytest.mark.parametrize("look_up", ["200 and nothing", "503", "401", "404", "not allowed"])
def test_if_it_is_not_found_it_is_a_persons_turn_whatever_the_search_states(
    crms_sandbox: Sandbox, connect: Connect, look_up: str
) -> None:
    ledger = InMemoryLedger()
    crms_sandbox.fail("create", "no-id")
    if look_up == "200 and nothing":
        crms_sandbox.answer("look-up", times=None, status=200, json={"results": []})
    elif look_up != "not allowed":
        crms_sandbox.fail("look-up", look_up, times=None)
    error = refused_by(connect(look_up=look_up != "not allowed"), ledger)
    assert isinstance(error, Unconfirmed)
    assert (error.after, error.doubt) == (None, Doubt.NO_ID)
    assert "no id that can be read" in error.message
    assert error.exchange.code == "HTTP 201"
    assert "referral" in ledger.intended


def test_the_id_may_stand_in_location(crms_sandbox: Sandbox, connect: Connect) -> None:
    crms_sandbox.fail("create", "location")
    receipt = connect().deliver(parcel(RECORD))
    assert [referral.id for referral in crms_sandbox.referrals] == [receipt.external_id]
    assert files(crms_sandbox) == HASHES


@pytest.mark.parametrize("mode", ["login-page", "login-page-after", "redirect"])
def test_what_may_have_been_done_behind_a_page_is_not_forgotten(
    crms_sandbox: Sandbox, connect: Connect, mode: str
) -> None:
    ledger = InMemoryLedger()
    crms_sandbox.fail("create", mode)
    error = refused_by(connect(), ledger)
    assert isinstance(error, Misconfigured)
    assert error.maybe_done
    assert "referral" in ledger.intended
    deliver_at_last(connect(), ledger)
    assert len(crms_sandbox.referrals) == 1


# -- Retries -------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["summary", "attachment"])
@pytest.mark.parametrize("mode", ["500", "500-after", "reset-after", "reset", "429", "401"])
@pytest.mark.parametrize("listing", [True, False], ids=["files listed", "files not listed"])
def test_a_retry_begins_at_the_first_file_that_is_not_there(
    step: str, mode: str, listing: bool
) -> None:
    ledger = InMemoryLedger()
    with running_sandbox(token=TOKEN, attachment_listing=listing) as sandbox:
        sandbox.fail(step, mode)
        crms = connected(sandbox.url)
        refused_by(crms, ledger)
        deliver_at_last(crms, ledger)
        assert steps(sandbox).count("create") == 1
        assert sorted(files(sandbox)) == sorted(HASHES)


def deliver_at_last(crms: CrmsTransport, ledger: InMemoryLedger) -> Receipt:
    """Deliver again after each search that found nothing."""
    try:
        return crms.deliver(parcel(RECORD, ledger))
    except Unconfirmed as error:
        if error.after is None:
            raise
        return crms.deliver(parcel(RECORD, ledger))


def test_a_listed_file_is_not_sent_again_even_where_keys_mean_nothing() -> None:
    ledger = InMemoryLedger()
    with running_sandbox(token=TOKEN, idempotency=False) as sandbox:
        sandbox.fail("summary", "reset-after")
        crms = connected(sandbox.url, repeat_files=False)
        refused_by(crms, ledger)
        crms.deliver(parcel(RECORD, ledger))
        assert files(sandbox) == HASHES


def test_a_summary_that_changed_since_it_was_sent_is_not_sent_beside_the_first(
    crms_sandbox: Sandbox, connect: Connect
) -> None:
    ledger = InMemoryLedger()
    crms_sandbox.fail("summary", "reset-after")
    refused_by(connect(), ledger)
    edited = document("summary", b"%PDF-1.7 the summary after an edit", SUMMARY)
    connect().deliver(parcel(RECORD, ledger, (edited,)))
    assert files(crms_sandbox) == [SUMMARY_PDF.sha256]


@pytest.mark.parametrize("category", [ATTACHMENT, None], ids=["as an attachment", "as nothing"])
def test_a_file_that_somebody_has_added_there_is_not_taken_for_ours(
    crms_sandbox: Sandbox, connect: Connect, category: str | None
) -> None:
    ledger = InMemoryLedger()
    crms_sandbox.fail("attachment", "reset")
    refused_by(connect(), ledger)
    (referral,) = crms_sandbox.referrals
    theirs = replace(referral.attachments[0], id="AT-99", sha256="f" * 64, category=category)
    referral.attachments.append(theirs)
    deliver_at_last(connect(), ledger)
    assert sorted(files(crms_sandbox)) == sorted([*HASHES, theirs.sha256])


def test_of_two_equal_files_the_second_is_not_taken_for_the_first(
    crms_sandbox: Sandbox, connect: Connect
) -> None:
    same = (document("a1", b"%PDF same"), document("a2", b"%PDF same"))
    ledger = InMemoryLedger(killed_at="attachment:a2: intended")
    with pytest.raises(Killed):
        connect().deliver(parcel(RECORD, ledger, same))
    with pytest.raises(Unconfirmed):
        connect().deliver(parcel(RECORD, ledger, same))
    connect().deliver(parcel(RECORD, ledger, same))
    assert len(files(crms_sandbox)) == 2


def test_a_file_that_crms_neither_lists_nor_recognises_is_a_persons_turn() -> None:
    ledger = InMemoryLedger()
    with running_sandbox(token=TOKEN, attachment_listing=False) as sandbox:
        crms = connected(sandbox.url, repeat_files=False)
        sandbox.fail("summary", "500-after")
        refused_by(crms, ledger)
        error = refused_by(crms, ledger)
        assert isinstance(error, Unconfirmed)
        assert error.after is None
        assert SUMMARY_PDF.name in error.message
        assert len(files(sandbox)) == 1


@pytest.mark.parametrize("step", ["create", "summary", "attachment"])
def test_without_look_up_nothing_is_sent_a_second_time(
    crms_sandbox: Sandbox, connect: Connect, step: str
) -> None:
    ledger = InMemoryLedger()
    crms_sandbox.fail(step, "reset-after")
    refused_by(connect(look_up=False), ledger)
    error = refused_by(connect(look_up=False), ledger)
    assert isinstance(error, Unconfirmed)
    assert error.after is None
    assert steps(crms_sandbox).count(step) == 1
    assert "look-up" not in steps(crms_sandbox)


# -- A referral that is gone ---------------------------------------------------------------------


def test_when_the_referral_is_gone_a_person_decides(
    crms_sandbox: Sandbox, connect: Connect
) -> None:
    ledger = InMemoryLedger()
    crms_sandbox.fail("attachment", "404")
    error = refused_by(connect(), ledger)
    [referral] = crms_sandbox.referrals
    assert isinstance(error, Unconfirmed)
    assert f"CRMS no longer has referral {referral.id}" in error.message
    assert "referral" not in ledger.done


def test_a_referral_made_anew_gets_all_of_its_files(
    crms_sandbox: Sandbox, connect: Connect
) -> None:
    ledger = InMemoryLedger()
    crms_sandbox.fail("attachment", "429", skip=1)
    refused_by(connect(), ledger)
    crms_sandbox.clear()  # somebody deleted it in CRMS
    assert isinstance(refused_by(connect(), ledger), Unconfirmed)
    ledger.confirm_absent()  # and says so here
    connect().deliver(parcel(RECORD, ledger))
    assert files(crms_sandbox) == HASHES


def test_files_of_a_referral_made_anew_are_not_taken_for_the_old_ones() -> None:
    ledger = InMemoryLedger()
    gone = [(201, {"id": "RF-1"}), (201, {"id": "AT-1"}), (404, b"")]
    anew = [(201, {"id": "RF-2"}), (201, {"id": "AT-2"})]
    with answering(*gone, *anew) as (url, asked):
        refused_by(connected(url), ledger)
        ledger.confirm_absent()
        connected(url).deliver(parcel(RECORD, ledger))
    summaries = [asked[1], asked[4]]
    assert [call.path.split("/")[-2] for call in summaries] == ["RF-1", "RF-2"]
    assert len({call.headers["Idempotency-Key"] for call in summaries}) == 2


# -- A CRMS that answers oddly -------------------------------------------------------------------


@contextmanager
def answering(*answers: tuple[int, Any]) -> Iterator[tuple[str, list[BaseHTTPRequestHandler]]]:
    """Run a server that gives these answers in turn, the last one from then on."""
    asked: list[BaseHTTPRequestHandler] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            left = int(self.headers.get("Content-Length", 0))
            while left:
                left -= len(self.rfile.read(min(left, 65536)))
            status, content = answers[min(len(asked), len(answers) - 1)]
            asked.append(self)
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


PROVED = {Capability.SEARCH_FINDS: Finding(True), Capability.SEARCH_FILTERS: Finding(True)}


def searched(
    results: Any, known: dict[Capability, Finding] | None = None, **options: Any
) -> str | DeliveryError:
    """Return the id that a look-up leads to, or the error; `known` is what is proved of it."""
    ledger = InMemoryLedger()
    ledger.intended.add("referral")
    with answering((200, results)) as (url, _):
        crms = connected(url, **options)
        crms.findings = known or {}
        try:
            return crms.deliver(parcel(RECORD, ledger, ())).external_id
        except DeliveryError as error:
            return error


def test_a_look_up_that_names_no_reference_is_proof_only_if_the_search_filters() -> None:
    nameless = {"results": [{"id": "RF-7"}]}
    error = searched(nameless)
    assert isinstance(error, Unconfirmed)
    assert "RF-7" in error.message
    assert searched(nameless, PROVED) == "RF-7"


def test_a_look_up_may_name_its_fields_otherwise() -> None:
    body = {"data": {"items": [{"key": 7, "ref": REFERENCE}]}}
    names = {"external_reference": "ref"}
    found = searched(body, results_field="data.items", id_field="key", field_names=names)
    assert found == "7"


def test_the_reference_may_be_a_number() -> None:
    ours = {"id": "RF-7", "external_reference": int(REFERENCE)}
    assert searched({"results": [ours]}) == "RF-7"


@pytest.mark.parametrize("ours_too", [True, False])
def test_a_list_with_somebody_elses_referral_is_no_proof(ours_too: bool) -> None:
    listed = [{"id": "RF-1", "external_reference": "1111111111"}]
    if ours_too:
        listed.append({"id": "RF-7", "external_reference": REFERENCE})
    error = searched({"results": listed}, PROVED)
    assert isinstance(error, Unconfirmed)
    assert "listed other referrals" in error.message
    assert [(one, found.yes) for one, found in error.shown.items()] == [
        (Capability.SEARCH_FILTERS, False)
    ]


def test_a_search_that_is_known_to_be_refused_is_not_asked() -> None:
    ledger = InMemoryLedger()
    ledger.intended.add("referral")
    with answering((200, {"results": []})) as (url, asked):
        crms = connected(url)
        refused = Finding(False, "It answered a search with HTTP 404.", refused=True)
        crms.findings = {Capability.SEARCH_FINDS: refused}
        assert isinstance(refused_by(crms, ledger), Unconfirmed)
        assert asked == []


def test_several_referrals_with_one_reference_are_a_persons_turn() -> None:
    error = searched({"results": [{"id": "RF-7"}, {"id": "RF-8"}]})
    assert isinstance(error, Unconfirmed)
    assert "RF-7, RF-8" in error.message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Sign in",
        [],
        {},
        {"results": None},
        {"results": {}},
        {"results": [{"name": "x"}]},
        {"results": ["RF-7"]},
    ],
)
def test_a_look_up_that_cannot_be_read_is_a_persons_turn(body: Any) -> None:
    """Here the ping is answered in the same way: a page there is a wrong connection."""
    error = searched(body)
    is_page = isinstance(body, bytes) and body.startswith(b"<")
    assert isinstance(error, Misconfigured if is_page else Unconfirmed)
    assert ("web page" if is_page else "can be read" if "name" in str(body) else "CRMS") in (
        error.message
    )


def test_a_duplicate_that_names_another_reference_is_not_adopted() -> None:
    other = {"message": "This client is known", "id": "RF-1", "external_reference": "1111111111"}
    with answering((409, other), (200, {"results": []})) as (url, _):
        error = refused_by(connected(url))
    assert isinstance(error, Unconfirmed)
    assert "“This client is known”" in error.message


def test_an_answer_that_echoes_the_token_does_not_show_it_to_staff() -> None:
    echo = f'{{"message": "No", "request": "Authorization: Bearer {TOKEN}"}}'.encode()
    with answering((400, echo)) as (url, _):
        error = refused_by(connected(url))
    assert "Authorization" in error.exchange.body
    assert TOKEN not in error.exchange.body


def test_an_id_cannot_lead_to_another_path() -> None:
    with answering((201, {"id": "../../admin?x=#1"}), (201, {"id": "AT-1"})) as (url, asked):
        connected(url).deliver(parcel(RECORD))
    assert asked[1].path == "/api/v1/referrals/..%2F..%2Fadmin%3Fx%3D%231/attachments"


def test_every_path_and_name_can_be_another() -> None:
    options = {
        "referrals_path": "/v9/inbox",
        "attachments_path": "/v9/inbox/{id}/files",
        "ping_path": "/v9/health",
        "reference_parameter": "ref",
        "idempotency_header": "X-Once",
        "request_id_header": "X-Trace",
    }
    ledger = InMemoryLedger()
    ledger.intended.add("referral")
    found = {"results": [{"id": 7, "external_reference": REFERENCE}]}
    with answering((200, found), (201, {"id": 8})) as (url, asked):
        crms = connected(f"{url}/tenant/", **options)
        crms.deliver(parcel(RECORD, ledger, (SUMMARY_PDF,)))
        crms.check()
    assert [(call.command, call.path) for call in asked] == [
        ("GET", f"/tenant/v9/inbox?ref={REFERENCE}"),
        ("POST", "/tenant/v9/inbox/7/files"),
        ("GET", "/tenant/v9/health"),
    ]
    assert asked[1].headers["X-Trace"] == "attempt-1"
    assert asked[1].headers["X-Once"]


# -- Memory --------------------------------------------------------------------------------------


def test_a_file_of_25_mb_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    size = 25 * 1024 * 1024
    path = tmp_path / "scan.pdf"
    path.write_bytes(b"\0" * size)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    big = Document(
        "big", path.name, ATTACHMENT, "application/pdf", size, digest, lambda: path.open("rb")
    )
    with answering((201, {"id": "X-1"})) as (url, _):
        crms = connected(url)
        crms.deliver(parcel(RECORD))  # what is loaded once
        tracemalloc.start()
        try:
            crms.deliver(parcel(RECORD, documents=(big,)))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 2.5 * 1024 * 1024


def test_a_file_that_is_shorter_than_announced_is_not_sent_as_if_it_were_whole(
    crms_sandbox: Sandbox, connect: Connect
) -> None:
    short = Document(
        "a", "a.pdf", ATTACHMENT, "application/pdf", 9, "0" * 64, lambda: io.BytesIO(b"short")
    )
    with pytest.raises(EOFError):
        connect().deliver(parcel(RECORD, documents=(short,)))
    assert files(crms_sandbox) == []
