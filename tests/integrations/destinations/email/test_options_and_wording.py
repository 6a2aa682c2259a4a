"""What can be set, and that nothing around the PDF can identify anyone."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.destinations.email import passphrases, wording
from integrations.destinations.email.message import message
from integrations.destinations.email.options import EmailOptions
from integrations.destinations.email.transport import EmailTransport

NEEDED = {
    "smtp_host": "mail.partner.example",
    "sender": "Birchwood <referrals@birchwood.example>",
    "recipients": "intake@partner.example",
}


def errors(stored: dict[str, Any] | None = None, **changed: Any) -> dict[str, list[str]]:
    form = EmailOptions({**NEEDED, **changed}, initial=stored or {})
    return dict(form.errors)


def cleaned(stored: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    form = EmailOptions({**NEEDED, **changed}, initial=stored or {})
    assert form.is_valid(), form.errors
    return form.cleaned_data


# -- Options ---------------------------------------------------------------------------------------


def test_the_rest_has_a_default_and_tls_is_required():
    options = cleaned()
    assert (options["security"], options["passphrase"]) == ("starttls", "")
    assert "{organization}" in options["body"]


def test_without_tls_only_this_machine_may_be_named():
    assert "security" in errors(security="none")
    for host in ("127.0.0.1", "::1", "localhost", "127.9.9.9"):
        assert not errors(security="none", smtp_host=host)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("smtp_host", "https://mail.example"),
        ("smtp_host", "mail example"),
        ("smtp_port", "70000"),
        ("security", "maybe"),
        ("sender", "nobody"),
        ("sender", "us@birchwood.example>\r\nBcc: them@else.example"),
        ("recipients", "intake@partner.example, nobody"),
        ("recipients", "élan@partner.example"),
        ("recipients", "a@b.example\r\n<x>"),
        ("allowed_domains", "partner example.org/x"),
        ("passphrase", "short"),
        ("passphrase", "with\x07bell-and-more"),
        ("passphrase", "é" * 64),
        ("password", "not\u00e9ascii"),
        ("subject", "A referral of {client}"),
        ("body", "Dear {{ registrant.first_name }}, {registrant}"),
        ("body", "{}"),
    ],
)
def test_what_makes_no_sense_is_refused(name: str, wrong: str):
    assert list(errors(**{name: wrong})) == [name]


def test_lists_are_taken_as_files_and_people_write_them():
    for written in (["A@x.example", "b@x.example"], "A@x.example, b@x.example;\nb@x.example"):
        assert cleaned(recipients=written)["recipients"] == "A@x.example\nb@x.example"
    assert cleaned(allowed_domains=["@Partner.example"])["allowed_domains"] == "partner.example"


def test_somebody_must_be_able_to_get_it():
    assert "recipients" in errors(recipients="")
    assert not errors(recipients="", allowed_domains="partner.example")


def test_a_password_stays_for_the_server_that_it_was_entered_for():
    stored = cleaned(username="us", password="secret-word")
    assert cleaned(stored)["password"] == "secret-word"
    assert "password" in errors(stored, smtp_host="mail.else.example")
    assert cleaned(stored, password="none")["password"] == ""


def test_a_passphrase_is_kept_in_one_form_until_it_is_removed():
    decomposed, composed = "e\u0301rable a\u0300 sucre", "érable à sucre"
    stored = cleaned(passphrase=f" {decomposed} ")
    assert stored["passphrase"] == composed
    assert cleaned(stored)["passphrase"] == composed
    assert cleaned(stored, passphrase="none")["passphrase"] == ""


def test_a_trigger_may_send_only_where_passphrase_and_recipients_stand():
    partner = {"passphrase": "maple-river-lantern-otter"}
    assert EmailTransport(cleaned(**partner)).by_trigger
    assert not EmailTransport(cleaned()).by_trigger
    chosen = {"recipients": "", "allowed_domains": "partner.example"}
    assert not EmailTransport(cleaned(**partner, **chosen)).by_trigger


# -- Passphrases that are made ---------------------------------------------------------------------


def test_a_passphrase_that_is_made_has_words_enough_and_is_never_the_same():
    made = {passphrases.made() for _ in range(200)}
    assert len(made) == 200
    assert len(set(passphrases.LIST)) == 256
    for one in made:
        assert len(one.split("-")) >= 4
        assert passphrases.fault(one) == ""
        assert passphrases.as_typed(one) == one


# -- Subject, body, headers ------------------------------------------------------------------------


def test_variables_are_filled_in_however_they_are_written():
    values = dict.fromkeys(wording.VARIABLES, "x") | {"organization": "Birchwood"}
    for template in (
        "{organization}",
        "{{organization}}",
        "{{ organization }}",
        "{ organization }",
    ):
        assert wording.unknown_variables(template) == []
        assert wording.written(template, values) == "Birchwood"


ANY_TEXT = st.text(max_size=60)


@given(st.fixed_dictionaries(dict.fromkeys(wording.VARIABLES, ANY_TEXT)), ANY_TEXT)
def test_nothing_that_is_filled_in_makes_a_header_or_fills_in_more(
    values: dict[str, str], subject: str
):
    mail = message(
        version="4a1f6f4e-5f0e-4d4e-8d0b-6f1d3a1c2b10",
        sender="Birchwood <referrals@birchwood.example>",
        recipients=["a@partner.example", "b@partner.example"],
        subject=wording.written("{organization} {listing}" + subject, values),
        body=wording.written(wording.BODY, values),
        made_at=datetime(2026, 3, 19, 18, 30, tzinfo=UTC),
        files=[],
    )
    head = mail.as_bytes().split(b"\r\n\r\n", 1)[0]
    names = [line.split(b":")[0] for line in head.split(b"\r\n") if not line.startswith(b" ")]
    assert sorted(names) == sorted(
        [
            *(b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Auto-Submitted"),
            *(b"Content-Type", b"Content-Transfer-Encoding", b"MIME-Version"),
        ]
    )
