"""The calls of the import contract, and their answers."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from sandbox import running_sandbox
from tests.sandbox.sender import SECONDS, TOKEN, Sender, body, changed

REFERENCE = "3502768696"


# -- Credentials ---------------------------------------------------------------------------------


def test_a_ping_with_the_token_is_answered(sender):
    assert sender.get("/api/v1/ping").status_code == 200


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic token-of-the-tests"])
def test_a_call_without_the_right_token_is_not_authorized(sandbox, sender, header):
    sender.session.headers["Authorization"] = header
    answers = [sender.get("/api/v1/ping"), sender.create(), sender.attach("RF-1")]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert answers[0].json()["message"]
    assert sandbox.referrals == []


def test_an_api_key_header_is_as_good_as_a_bearer_token(sender):
    del sender.session.headers["Authorization"]
    assert sender.get("/api/v1/ping", headers={"X-API-Key": TOKEN}).status_code == 200


def test_the_api_key_header_can_have_another_name():
    with running_sandbox(token=TOKEN, api_key_header="Ocp-Key") as sandbox:
        sender = Sender(sandbox.url, token="")
        assert sender.get("/api/v1/ping", headers={"Ocp-Key": TOKEN}).status_code == 200
        assert sender.get("/api/v1/ping", headers={"X-API-Key": TOKEN}).status_code == 401


def test_a_sandbox_without_a_token_takes_any_but_wants_one():
    with running_sandbox() as sandbox:
        assert Sender(sandbox.url, token="anything").get("/api/v1/ping").status_code == 200
        assert Sender(sandbox.url, token="").get("/api/v1/ping").status_code == 401


# -- Create ----------------------------------------------------------------------------------------


def test_the_contracts_example_is_created_in_the_inbox(sandbox, sender):
    answer = sender.create()
    referral = sandbox.referrals[0]
    expected = {"id": referral.id, "status": "inbox", "external_reference": REFERENCE}
    assert (answer.status_code, answer.json()) == (201, expected)
    assert referral.body == body()


def test_a_repeated_key_gives_the_first_answer_again_and_applies_nothing(sandbox, sender):
    first, again = sender.create(key="k"), sender.create(changed("client.city", "Elsewhere"), "k")
    assert (again.status_code, again.json()) == (201, first.json())
    assert [referral.body["client"]["city"] for referral in sandbox.referrals] == ["Milltown"]


def test_a_key_sent_many_times_at_once_creates_one_referral(sandbox):
    senders = [Sender(sandbox.url) for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda sender: sender.create(key="k").json()["id"], senders))
    assert len(set(answers)) == len(sandbox.referrals) == 1


def test_a_refused_create_does_not_use_its_key_up(sandbox, sender):
    assert sender.create(body(date_of_birth=""), "k").status_code == 400
    assert sender.create(body(), "k").status_code == 201


def test_a_known_reference_with_another_key_is_a_conflict_that_names_the_id(sandbox, sender):
    known = sender.created()
    answer = sender.create()
    expected = {"message": "Referral already exists", "id": known}
    assert (answer.status_code, answer.json()) == (409, expected)
    assert len(sandbox.referrals) == 1


def test_a_key_used_for_another_referral_is_refused(sandbox, sender):
    sender.create(key="k")
    assert sender.create(changed("external_reference", "1"), "k").status_code == 422
    assert sender.attach(sandbox.referrals[0].id, key="k").status_code == 422


def test_a_crms_that_ignores_keys_answers_a_repeated_create_with_a_conflict():
    with running_sandbox(idempotency=False) as sandbox:
        sender = Sender(sandbox.url)
        assert [sender.create(key="k").status_code for _ in range(2)] == [201, 409]


def test_a_crms_that_ignores_keys_and_references_doubles():
    with running_sandbox(idempotency=False, allow_duplicates=True) as sandbox:
        sender = Sender(sandbox.url)
        assert [sender.create(key="k").status_code for _ in range(2)] == [201, 201]
        assert len(sandbox.referrals) == 2


# -- Look-up ---------------------------------------------------------------------------------------


def test_a_look_up_finds_a_referral_and_lists_its_files(sender):
    referral_id = sender.created()
    sent = sender.attach(referral_id).json()["id"]
    (found,) = sender.look_up(REFERENCE).json()["results"]
    assert found["id"] == referral_id
    (file,) = found["attachments"]
    assert (file["id"], file["category"], file["filename"]) == (
        sent,
        "referral_summary",
        "summary.pdf",
    )
    assert len(file["sha256"]) == 64


def test_a_look_up_finds_nothing_for_an_unknown_reference(sender):
    sender.created()
    assert sender.look_up("1").json() == {"results": []}


def test_a_look_up_needs_a_reference(sender):
    assert sender.get("/api/v1/referrals").status_code == 400


def test_the_listing_of_files_can_be_left_out():
    with running_sandbox(attachment_listing=False) as sandbox:
        sender = Sender(sandbox.url)
        referral_id = sender.created()
        result = {"id": referral_id, "external_reference": REFERENCE}
        assert sender.look_up(REFERENCE).json() == {"results": [result]}


def test_a_look_up_may_name_no_reference():
    with running_sandbox(attachment_listing=False, look_up_names=False) as sandbox:
        sender = Sender(sandbox.url)
        referral_id = sender.created()
        assert sender.look_up(REFERENCE).json() == {"results": [{"id": referral_id}]}


def test_a_look_up_may_ignore_what_it_is_asked():
    with running_sandbox(look_up_filters=False) as sandbox:
        sender = Sender(sandbox.url)
        referral_id = sender.created()
        assert [one["id"] for one in sender.look_up("0").json()["results"]] == [referral_id]


def test_a_look_up_may_list_a_page_at_a_time():
    with running_sandbox(look_up_filters=False, look_up_page=1) as sandbox:
        sender = Sender(sandbox.url)
        sender.created()
        assert "next" not in sender.look_up("0").json()
        sender.create(changed("external_reference", "2"))
        listed = sender.look_up("0").json()
        assert (len(listed["results"]), bool(listed["next"])) == (1, True)


def test_with_tls_it_is_trusted_by_those_who_choose_to(tmp_path):
    with running_sandbox(tls=True) as sandbox:
        url, headers = f"{sandbox.url}/api/v1/ping", {"Authorization": "Bearer x"}
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(url, headers=headers, timeout=SECONDS)
        certificate = tmp_path / "certificate.pem"
        certificate.write_bytes(sandbox.certificate)
        answer = requests.get(url, headers=headers, timeout=SECONDS, verify=str(certificate))
        assert answer.status_code == 200


@pytest.mark.parametrize("status", [404, 501])
def test_a_crms_may_have_no_look_up(status):
    with running_sandbox(look_up=False, look_up_refusal=status) as sandbox:
        assert Sender(sandbox.url).look_up(REFERENCE).status_code == status


def test_a_slow_index_finds_a_new_referral_only_later():
    with running_sandbox(look_up_delay=3600) as sandbox:
        sender = Sender(sandbox.url)
        sender.created()
        assert sender.look_up(REFERENCE).json() == {"results": []}
        assert sender.create().status_code == 409


# -- The frame of HTTP -----------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_referral_cannot_be_changed_or_taken_back(sandbox, sender, method):
    sender.created()
    assert sender.call(method, "/api/v1/referrals", json={}).status_code == 405
    assert len(sandbox.referrals) == 1


def test_an_unknown_path_is_not_found(sender):
    assert sender.get("/api/v2/ping").status_code == 404


def test_one_connection_serves_many_calls_even_after_refusals(sandbox, sender):
    statuses = [sender.create("no object").status_code, sender.attach("RF-1").status_code]
    assert [*statuses, sender.create().status_code] == [400, 404, 201]


def test_a_body_of_unknown_length_is_refused(sender):
    answer = sender.call("POST", "/api/v1/referrals", data=iter([b"{}"]))
    assert answer.status_code == 411


def test_a_head_request_gets_no_body(sender):
    answer = sender.call("HEAD", "/")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 0
    assert sender.get("/api/v1/ping").status_code == 200
