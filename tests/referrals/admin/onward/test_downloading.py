"""Lists of referrals, downloaded by hand: chosen, streamed, counted, and on record."""

import csv
import hashlib
import io
import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from access.roles import LIAISON
from core.models import AuditEvent
from integrations.models import Organization
from referrals.answers import exporting
from referrals.models import Download
from tests.world import World, make_world, plain

pytestmark = pytest.mark.django_db
ASK = "/admin/referrals/referral/download/"


@pytest.fixture
def world() -> World:
    made = make_world()
    for number, status in enumerate(["submitted", "booked", "booked"], start=1):
        made.send(plain(number=number, reference=f"350276869{number}", status=status))
    return made


def ask(client: Client, world: World, **given: Any) -> Any:
    chosen = {"organization": world.organization.pk, "format": "csv", **given}
    return client.post(ASK, chosen)


def take(client: Client, world: World, **given: Any) -> bytes:
    """Ask for a list and return its bytes."""
    answer = ask(client, world, **given)
    assert answer.status_code == 302, answer.context["form"].errors
    page = client.get(answer.url)
    assert "Download" in page.text
    answer = client.post(f"{answer.url}take/")
    assert answer.streaming
    return b"".join(answer.streaming_content)


def references(content: bytes) -> list[str]:
    table = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    return [row["reference"] for row in table]


def test_what_is_chosen_is_downloaded(admin_client: Client, world: World) -> None:
    listing = world.listing.pk
    for given, expected in (
        ({}, ["3502768691", "3502768692", "3502768693"]),
        ({"status": "booked"}, ["3502768692", "3502768693"]),
        ({"listing": listing}, ["3502768691", "3502768692", "3502768693"]),
        ({"last_day": "2020-01-01"}, []),
        ({"first_day": "2020-01-01"}, ["3502768691", "3502768692", "3502768693"]),
    ):
        assert references(take(admin_client, world, **given)) == expected, given


def test_every_format_is_what_the_command_writes(admin_client: Client, world: World) -> None:
    lines = take(admin_client, world, format="jsonl").splitlines()
    assert [json.loads(line)["action"] for line in lines] == ["put"] * 3
    assert take(admin_client, world, format="xml").endswith(b"</referrals>\n")
    assert take(admin_client, world, safe_for_spreadsheets="on").startswith(b"\xef\xbb\xbf")


def test_it_is_counted_hashed_and_on_record(admin_client: Client, world: World) -> None:
    content = take(admin_client, world)
    download = Download.objects.get()
    assert (download.state, download.rows, download.total) == ("done", 3, 3)
    assert download.size == len(content)
    assert download.sha256 == hashlib.sha256(content).hexdigest()
    actions = AuditEvent.objects.filter(action__contains="download").values_list(
        "action", flat=True
    )
    assert set(actions) == {"download referrals", "downloaded referrals"}


def test_how_far_it_is_shows_while_it_goes(
    admin_client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "CHUNK", 2)
    page = ask(admin_client, world, format="xml").url
    going = admin_client.post(f"{page}take/")
    next(iter(going.streaming_content))
    found = admin_client.get(f"{page}progress/").json()
    assert (found["state"], found["total"]) == ("running", 3)
    b"".join(going.streaming_content)
    assert admin_client.get(f"{page}progress/").json()["state"] == "done"


def test_one_that_the_browser_has_left_is_not_called_whole(
    admin_client: Client, world: World
) -> None:
    page = ask(admin_client, world).url
    answer: Any = admin_client.post(f"{page}take/")
    next(iter(answer.streaming_content))
    answer._iterator.close()  # as the server does; `close` would take the test's database along
    assert Download.objects.get().state == "stopped"
    assert "do not use that file" in admin_client.get(page).text


def test_it_is_taken_once_and_by_its_asker_alone(admin_client: Client, world: World) -> None:
    page = ask(admin_client, world).url
    other = Client()
    other.force_login(User.objects.create_superuser("other"))
    for end in ("", "progress/"):
        assert other.get(page + end).url == ASK
    assert other.post(f"{page}take/").url == ASK
    b"".join(admin_client.post(f"{page}take/").streaming_content)
    assert admin_client.post(f"{page}take/").status_code == 302


def test_who_may_not_open_referrals_downloads_none(world: World) -> None:
    liaison = User.objects.create_user("lou", is_staff=True)
    liaison.groups.add(Group.objects.get(name=LIAISON))
    client = Client()
    client.force_login(liaison)
    assert client.get(ASK).status_code in (302, 403)
    assert ask(client, world).status_code in (302, 403)
    assert not Download.objects.exists()


def test_what_cannot_be_chosen_is_refused(admin_client: Client, world: World) -> None:
    other = Organization.objects.create(caredove_id="999", name="Elsewhere")
    for given in (
        {"organization": other.pk, "listing": world.listing.pk},
        {"first_day": "2026-02-02", "last_day": "2026-02-01"},
        {"format": "exe"},
        {"status": "lost"},
        {"organization": 0},
    ):
        assert ask(admin_client, world, **given).status_code == 200, given
    assert not Download.objects.exists()


def test_the_list_of_referrals_leads_there(admin_client: Client, world: World) -> None:
    page = admin_client.get(reverse("admin:referrals_referral_changelist"))
    assert ASK in page.text
