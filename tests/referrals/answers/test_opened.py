"""Which referrals has an account seen? The report of a breach."""

import csv

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from core import audit
from tests.world import World, plain

pytestmark = pytest.mark.django_db


def report(capsys, *arguments: str) -> list[dict[str, str]]:
    capsys.readouterr()
    call_command("opened_by", *arguments)
    return list(csv.DictReader(capsys.readouterr().out.splitlines()))


def test_what_an_account_opened_is_named_also_when_it_was_deleted(world: World, capsys):
    for number, reference in enumerate(["3502768001", "3502768002", "3502768003"]):
        world.send(plain(number=number, reference=reference))
    mallory = User.objects.create_superuser("mallory", password="x")
    User.objects.create_superuser("ada", password="x")
    seen, also, unseen = (world.referral_of(f"350276800{number}") for number in (1, 2, 3))
    browser = Client(REMOTE_ADDR="192.0.2.7")
    browser.force_login(mallory)
    browser.get(reverse("admin:referrals_referral_change", args=[seen.pk]))
    browser.get(reverse("admin:referrals_referral_changelist"))
    mallory.delete()
    lines = report(capsys, "mallory")
    assert {line["ip"] for line in lines} == {"192.0.2.7"}
    assert [line["reference"] for line in lines if line["action"] == "view"] == [seen.reference]
    listed = {line["reference"] for line in lines if line["action"].startswith("list")}
    assert listed == {seen.reference, also.reference, unseen.reference}
    with pytest.raises(CommandError, match="nothing of ada"):
        call_command("opened_by", "ada")


def test_of_a_downloaded_list_each_referral_is_named_that_it_may_have_held(world: World, capsys):
    for number in (1, 2):
        world.send(plain(number=number, reference=f"350276800{number}"))
    mallory = User.objects.create_superuser("mallory", password="x")
    browser = Client()
    browser.force_login(mallory)
    asked = {"organization": world.organization.pk, "format": "csv"}
    page = browser.post(reverse("admin:referrals_referral_download"), asked)["Location"]
    b"".join(browser.post(f"{page}take/").streaming_content)
    world.send(plain(number=3, reference="3502768003"))  # after it
    lines = report(capsys, "mallory")
    taken = [line["reference"] for line in lines if line["action"] == "download referrals"]
    assert taken == ["3502768001", "3502768002"]


def test_a_report_begins_when_asked_and_calculates_nothing(capsys):
    audit.record("mallory", "=1+1", None, odd=["7", None, 3])
    assert [line["action"] for line in report(capsys, "mallory")] == ["'=1+1"]
    with pytest.raises(CommandError, match="nothing of mallory"):
        call_command("opened_by", "mallory", "--since", "2999-01-01")
    with pytest.raises(CommandError, match="is not a time"):
        call_command("opened_by", "mallory", "--since", "yesterday")
