"""The JSON for tests: what it shows, what it steers, and who may."""

import hashlib

import pytest

from tests.sandbox.sender import body


def test_all_referrals_are_shown_oldest_first_with_their_files(sandbox, sender):
    first = sender.created()
    sender.attach(first, b"%PDF-", key="k")
    sender.create({**body(), "external_reference": "2"})
    shown = sender.get("/sandbox/referrals").json()["referrals"]
    assert [referral["external_reference"] for referral in shown] == ["3502768696", "2"]
    assert shown[0]["body"] == body()
    (file,) = shown[0]["attachments"]
    assert file["sha256"] == hashlib.sha256(b"%PDF-").hexdigest()
    assert (file["category"], file["size"], file["idempotency_key"]) == ("referral_summary", 5, "k")


def test_the_bytes_of_a_file_are_given_back(sender):
    content = bytes(range(256))
    file_id = sender.attach(sender.created(), content).json()["id"]
    answer = sender.get(f"/sandbox/files/{file_id}")
    assert answer.content == content
    assert answer.headers["Content-Disposition"] == "attachment"


def test_an_unknown_file_is_not_found(sender):
    assert sender.get("/sandbox/files/AT-1").status_code == 404


def test_counts_report_what_was_applied_and_what_was_asked(sandbox, sender):
    sandbox.fail("create", "500")
    sender.create()
    sender.attach(sender.created())
    assert sender.get("/sandbox/ledger").json() == {
        "referrals": 1,
        "attachments": 1,
        "calls": {"create": 2, "summary": 1},
        "faults": {"500": 1},
    }


def test_calls_are_shown_with_their_ids(sender):
    sender.get("/api/v1/ping", headers={"X-Request-ID": "r", "Idempotency-Key": "k"})
    assert sender.get("/sandbox/calls").json()["calls"] == [
        {"step": "ping", "fault": "", "status": 200, "request_id": "r", "idempotency_key": "k"}
    ]


def test_a_fault_can_be_planned_while_it_runs(sender):
    planned = sender.call("POST", "/sandbox/faults", json={"step": "create", "mode": "429"})
    assert (planned.status_code, len(planned.json()["faults"])) == (201, 1)
    assert [sender.create().status_code for _ in range(2)] == [429, 201]
    assert sender.get("/sandbox/faults").json() == {"faults": []}


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        [],
        "create:500",
        {"step": "create"},
        {"step": "x", "mode": "500"},
        {"step": [], "mode": {}},
        {"step": "create", "mode": "500", "more": 1},
        {"step": "create", "mode": "500", "times": "x"},
        {"step": "create", "mode": "500", "rate": []},
    ],
)
def test_a_fault_that_cannot_be_understood_is_refused(sender, wrong):
    answer = sender.call("POST", "/sandbox/faults", json=wrong)
    assert (answer.status_code, sender.get("/sandbox/faults").json()) == (400, {"faults": []})
    assert answer.json()["message"]


def test_planned_faults_can_be_cleared(sandbox, sender):
    sandbox.fail("create", "500", times=None)
    assert sender.call("DELETE", "/sandbox/faults").status_code == 204
    assert sender.create().status_code == 201


def test_everything_can_be_forgotten(sandbox, sender):
    sender.attach(sender.created())
    assert sender.call("DELETE", "/sandbox").status_code == 204
    assert (sandbox.referrals, sandbox.calls) == ([], [])
    assert sender.create().status_code == 201


@pytest.mark.parametrize("path", ["/", "/sandbox/referrals", "/sandbox/faults", "/sandbox"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:9009"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "[::1"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_web_page_from_elsewhere_gets_and_changes_nothing(sandbox, sender, path, headers):
    sender.created()
    for method in ("GET", "POST", "DELETE"):
        assert sender.call(method, path, headers=headers).status_code == 403
    assert len(sandbox.referrals) == 1


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_this_machine_is_let_in_by_each_of_its_names(sandbox, sender, host):
    headers = {"Host": f"{host}:{sandbox.port}", "Origin": f"http://{host}:{sandbox.port}"}
    assert sender.get("/sandbox/ledger", headers=headers).status_code == 200
