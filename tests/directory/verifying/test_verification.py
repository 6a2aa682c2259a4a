"""Asking agencies by mail, and what they answer."""

import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import call_command
from django.test import Client

from core.database import clock
from directory.editing import corrections
from directory.models import (
    Agency,
    Correction,
    Directory,
    Entry,
    Service,
    StaffChange,
    Supplier,
    VerificationRequest,
)
from directory.verifying import mails
from tests.directory import make
from tests.directory.pages.test_search import text_of

pytestmark = pytest.mark.usefixtures("directory")
NOW = datetime(2026, 12, 2, 15, 30, tzinfo=UTC)


@pytest.fixture
def at(monkeypatch):
    """Return what sets the clock to so many days from now."""

    def go(days):
        monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(days=days))

    go(0)
    return go


@pytest.fixture
def service(at):
    agency = make.agency(
        {"en": "Helping Hands", "fr": "Coup de main"}, email="info@hands.example.org"
    )
    return make.service(organization=agency)


def link(message=-1):
    (found,) = re.findall(r"https?://\S+(/directory/verify/\S+)", mail.outbox[message].body)
    return found


class TestMails:
    def test_one_mail_an_agency_for_all_its_services(self, service):
        make.service("Shelter", organization=service.organization)
        make.service("Secret", organization=service.organization, secrecy="yes")
        make.service("Old", organization=service.organization, status="defunct")
        sent = mails.send()
        assert sent.first == [str(service.organization.entry.hsds_id)]
        (message,) = mail.outbox
        assert message.to == ["info@hands.example.org"]
        assert "- Food bank" in message.body
        assert "- Shelter" in message.body
        assert "Secret" not in message.body
        assert "Old" not in message.body
        token = link().partition("?")[0].rpartition("/")[2]
        stored = json.dumps(list(VerificationRequest.objects.values()), default=str)
        assert token not in stored

    def test_it_is_in_the_agency_s_language(self, at):
        agency = make.agency({"fr": "Coup de main"}, email="info@main.example.org")
        make.service({"fr": "Banque alimentaire"}, organization=agency)
        mails.send()
        assert "vos renseignements sont-ils exacts" in mail.outbox[0].subject
        assert link().endswith("?lang=fr")

    @pytest.mark.parametrize(
        ("fields", "to"),
        [
            ({"verification_email": "boss@hands.example.org"}, ["boss@hands.example.org"]),
            ({"email_secrecy": "yes"}, None),
            ({"email": ""}, None),
            (
                {"email_secrecy": "matches", "verification_email": "b@x.example.org"},
                ["b@x.example.org"],
            ),
        ],
    )
    def test_it_goes_to_what_staff_set_and_never_to_a_confidential_address(
        self, service, fields, to
    ):
        Agency.objects.update(**fields)
        sent = mails.send()
        assert [one.to for one in mail.outbox] == ([to] if to else [])
        assert bool(sent.no_mailbox) == (to is None)

    def test_reminders_come_after_two_weeks_and_end(self, service, at):
        counts = []
        for day in (0, 1, 13, 14, 20, 28, 42, 60):
            at(day)
            sent = mails.send()
            counts.append((len(sent.first), len(sent.reminders)))
        assert counts == [(1, 0), (0, 0), (0, 0), (0, 1), (0, 0), (0, 1), (0, 0), (0, 0)]

    def test_what_was_verified_lately_is_not_asked(self, service):
        Service.objects.update(assured_date=date(2026, 6, 1))
        assert mails.send().first == []
        Service.objects.update(assured_date=date(2025, 11, 1))
        assert len(mails.send().first) == 1

    def test_a_dry_run_sends_nothing(self, service, capsys):
        call_command("send_verifications", "--dry-run", "--json")
        assert len(json.loads(capsys.readouterr().out)["sent"]) == 1
        assert mail.outbox == []
        assert not VerificationRequest.objects.exists()


class TestAnswers:
    def test_opening_the_link_changes_nothing(self, service, client):
        mails.send()
        for method in (client.get, client.head, client.get):
            page = method(link())
            assert page.status_code == 200
            assert page["Cache-Control"] == "no-store"
            assert page["Referrer-Policy"] == "no-referrer"
        assert not VerificationRequest.objects.exclude(answered_at=None).exists()
        assert Service.objects.get().assured_date is None

    def test_confirming_writes_the_day_once_and_no_person(self, service):
        Directory.objects.update(mailbox="updates@valley.example.org")
        supplier = Supplier.objects.create(name="North")
        Entry.objects.update(supplier=supplier)
        location = make.location(organization=service.organization)
        mails.send()
        client = Client(enforce_csrf_checks=True)
        assert "Your answer is saved" in text_of(client.post(link(), {"answer": "confirm"}))
        saved = Service.objects.get()
        assert (saved.assured_date, saved.assurer_email) == (
            date(2026, 12, 2),
            "updates@valley.example.org",
        )
        location.refresh_from_db()
        assert location.assured_date == date(2026, 12, 2)
        assert not StaffChange.objects.exists()  # a supplier may send a later day
        for method in (client.get, client.post):
            assert method(link()).status_code == 410

    def test_an_older_day_never_replaces_a_newer_one(self, service, client):
        mails.send()
        Service.objects.update(assured_date=date(2027, 1, 1))
        client.post(link(), {"answer": "confirm"})
        assert Service.objects.get().assured_date == date(2027, 1, 1)

    def test_corrections_wait_for_staff_and_then_count_from_the_day_of_the_answer(
        self, service, client, at
    ):
        mails.send()
        at(3)
        form = {"answer": "correct", f"{service.pk}-description": "Groceries.", "note": "No fax."}
        form[f"{service.pk}-name"] = "Food bank"
        client.post(link(), form)
        assert client.get(link()).status_code == 410
        jo = User.objects.create(username="jo")
        first, second = Correction.objects.all()
        corrections.accept(first, jo)
        assert Service.objects.get().assured_date is None
        at(9)
        corrections.refuse(second, jo)
        saved = Service.objects.get()
        assert saved.description["en"] == "Groceries."
        assert saved.assured_date == date(2026, 12, 5)

    def test_nothing_to_correct_is_no_answer(self, service, client):
        mails.send()
        form = {"answer": "correct", f"{service.pk}-name": "Food bank"}
        client.post(link(), form)
        assert client.get(link()).status_code == 200

    def test_a_link_is_valid_for_thirty_days(self, service, client, at):
        mails.send()
        at(29)
        assert client.get(link()).status_code == 200
        at(31)
        assert client.get(link()).status_code == 410

    def test_one_answer_ends_all_links(self, service, client, at):
        mails.send()
        first = link()
        at(14)
        mails.send()
        client.post(link(), {"answer": "confirm"})
        assert client.get(first).status_code == 410

    def test_no_log_has_the_token(self, service, client, caplog, capsys):
        mails.send()
        token = link().partition("?")[0].rpartition("/")[2]
        client.get(link())
        client.post(link(), {"answer": "confirm"})
        client.get(link())
        assert token not in caplog.text + "".join(capsys.readouterr())

    def test_an_unknown_token_is_gone(self, client):
        for token in ("x", "%00", "é"):
            assert client.get(f"/directory/verify/{token}").status_code == 410
