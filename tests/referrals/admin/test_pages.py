"""The pages of what happened: seen by those who may, on record, and never edited."""

import base64
import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from access.roles import ADMINISTRATOR, LIAISON, ROLES, SUPPORT, install_roles
from core.database import clock
from core.models import AuditEvent
from integrations.models import Organization
from referrals.admin.work_list.deciding import DecidingAdmin
from referrals.models import Attempt, Delivery, InboundEvent, Referral, ReferralFile
from tests.people import client_of
from tests.rows import write
from tests.world import REFERENCE, World, example, make_world, plain

State, Reason = Delivery.State, Delivery.Reason
DELIVERIES = "admin:referrals_delivery_changelist"


def url_of(row: Any) -> str:
    return reverse(f"admin:referrals_{row._meta.model_name}_change", args=[row.pk])


def text(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def messages(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def act(client: Client, action: str, *deliveries: Delivery, **answer: str) -> Any:
    """Choose an action for deliveries in the list; with an answer, to the question that it asks."""
    data = {
        "action": action,
        "_selected_action": [str(delivery.pk) for delivery in deliveries],
        **answer,
    }
    if answer:
        data["confirmed"] = "yes"
    return client.post(reverse(DELIVERIES), data, follow=True)


def failed(world: World) -> Delivery:
    """Send one referral and let its import run into what the world's destination does."""
    world.send(plain())
    return world.run()


@pytest.mark.parametrize(("given", "title"), [({}, "Import of"), ({"updates": "each"}, "Copy of")])
def test_a_delivery_is_called_what_its_kind_calls_it(
    admin_client: Client, given: dict[str, str], title: str
) -> None:
    delivery = failed(make_world(**given))
    assert f"{title} {delivery.referral} into" in text(admin_client, url_of(delivery))


def opener(delivery: Delivery) -> InboundEvent:
    """Return the event that opened the delivery."""
    event = delivery.versions.get().opened_by
    assert event
    return event


@pytest.fixture
def rejected(db: None) -> Delivery:
    return failed(make_world(behaviour="reject"))


@pytest.fixture
def unconfirmed(db: None) -> Delivery:
    return failed(make_world(behaviour="unconfirmed", look_up=False))


@pytest.fixture
def imported(world: World) -> Delivery:
    return failed(world)


# -- What is shown ---------------------------------------------------------------------------------


def test_a_referral_is_shown_with_labels_imports_and_events(
    admin_client: Client, world: World
) -> None:
    world.send(example("event-plain.json"))
    world.run()

    page = text(admin_client, url_of(world.referral))

    for words in (
        "Tremblay-Okafor",
        "Living situation",
        "It is in Birchwood CRMS as",
        "intake-letter.pdf",
    ):
        assert words in page
    assert page.index("Do we have it from Caredove?") < page.index("Registrant")


def test_markup_in_a_referral_is_shown_as_text(admin_client: Client, world: World) -> None:
    world.send(plain(registrant={"first_name": "<script>alert(1)</script>", "last_name": "X"}))

    assert "<script>alert(1)" not in text(admin_client, url_of(world.referral))


def test_the_summary_is_a_pdf_and_the_download_is_on_record(
    admin_client: Client, imported: Delivery
) -> None:
    referral = imported.referral

    response = admin_client.get(reverse("admin:referrals_referral_summary", args=[referral.pk]))

    content = b"".join(response.streaming_content)
    assert content.startswith(b"%PDF-")
    assert response["Content-Type"] == "application/pdf"
    assert "no-store" in response["Cache-Control"]
    assert AuditEvent.objects.get(action="view summary").object_label == referral.reference


def test_an_attachment_is_saved_and_never_opened_in_the_page(
    admin_client: Client, world: World
) -> None:
    content = b"<script>alert(1)</script>"
    attachment = {
        "id": "a1",
        "filename": "letter.html",
        "content_type": "text/html",
        "data": base64.b64encode(content).decode(),
    }
    world.send(plain(attachments=[attachment]))
    file = ReferralFile.objects.get()

    response = admin_client.get(
        reverse("admin:referrals_referral_file", args=[world.referral.pk, file.pk])
    )

    assert b"".join(response.streaming_content) == content
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment;")
    assert response["Content-Security-Policy"] == "sandbox"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in response["Cache-Control"]
    assert AuditEvent.objects.filter(action="download file").exists()


def test_a_file_is_not_found_through_another_referral(admin_client: Client, world: World) -> None:
    world.send(example("event-plain.json"))
    file = ReferralFile.objects.filter(state="stored").first()
    other = Referral.objects.create(
        reference="1", created_at=world.referral.created_at, changed_at=world.referral.created_at
    )

    response = admin_client.get(reverse("admin:referrals_referral_file", args=[other.pk, file.pk]))

    assert response.status_code == 404


def test_a_deleted_referral_shows_what_is_left(admin_client: Client, world: World) -> None:
    world.send(plain())
    world.send(plain("referral.revoked", number=2))

    page = text(admin_client, url_of(world.referral))
    summary = admin_client.get(
        reverse("admin:referrals_referral_summary", args=[world.referral.pk])
    )

    assert "data was deleted: Caredove revoked it" in page
    assert "Tremblay-Okafor" not in page
    assert summary.status_code == 404


def test_a_conflict_is_shown_with_its_first_event(admin_client: Client, world: World) -> None:
    world.send(plain())
    world.receive(plain(reason="something else"))
    conflict = InboundEvent.objects.get(state=InboundEvent.State.CONFLICT)

    listed = text(
        admin_client, reverse("admin:referrals_inboundevent_changelist") + "?state__exact=conflict"
    )
    page = text(admin_client, url_of(conflict))

    assert "Conflict: same event id, another body" in listed
    assert url_of(conflict.conflict_with) in page


def test_an_event_that_started_nothing_gives_the_reason(admin_client: Client, world: World) -> None:
    event = world.send(plain("referral.archived"))

    page = text(admin_client, reverse("admin:referrals_inboundevent_changelist"))

    assert event.get_outcome_display() in page
    assert event.reason in page


def test_the_body_is_readable_and_its_reading_is_on_record(
    admin_client: Client, world: World
) -> None:
    link = "https://www.caredove.com/launch?token=abc123secret"
    event = world.send(plain(reason=f"See {link}", notes=[{"text": "x" * 5000}]))

    page = text(admin_client, reverse("admin:referrals_inboundevent_body", args=[event.pk]))

    assert "&quot;first_name&quot;: &quot;Mireille&quot;" in page
    assert "abc123secret" not in page
    assert "(5000 characters)" in page
    assert AuditEvent.objects.get(action="read body").object_id == str(event.pk)


def test_a_delivery_shows_whose_turn_it_is_attempts_and_steps(
    admin_client: Client, rejected: Delivery
) -> None:
    listed = text(admin_client, reverse(DELIVERIES))
    page = text(admin_client, url_of(rejected))

    for words in ("did not accept the referral", "Caredove staff"):
        assert words in listed
        assert words in page
    assert "Refused" in page
    assert str(rejected.attempts.get().lease_token) in page


def test_the_id_in_the_destination_is_a_link_only_to_a_web_address(
    admin_client: Client, imported: Delivery
) -> None:
    Delivery.objects.update(external_url="javascript:alert(1)")
    assert "javascript:" not in text(admin_client, url_of(imported))

    Delivery.objects.update(external_url="https://crms.example/inbox/1")
    assert 'href="https://crms.example/inbox/1"' in text(admin_client, url_of(imported))


# -- Nothing is edited ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["referral", "inboundevent", "delivery"])
def test_nothing_is_added_changed_or_deleted(
    admin_client: Client, imported: Delivery, name: str
) -> None:
    row = {
        "referral": imported.referral,
        "inboundevent": opener(imported),
        "delivery": imported,
    }[name]

    assert admin_client.get(reverse(f"admin:referrals_{name}_add")).status_code == 403
    assert admin_client.post(url_of(row), {"_save": "Save"}).status_code == 403
    assert (
        admin_client.post(reverse(f"admin:referrals_{name}_delete", args=[row.pk])).status_code
        == 403
    )
    assert "delete_selected" not in text(
        admin_client, reverse(f"admin:referrals_{name}_changelist")
    )


# -- On record -----------------------------------------------------------------------------------


def test_every_view_of_a_persons_data_is_on_record(
    admin_client: Client, rejected: Delivery
) -> None:
    text(admin_client, url_of(rejected.referral))
    text(admin_client, url_of(rejected))
    text(admin_client, reverse(DELIVERIES))

    recorded = AuditEvent.objects.order_by("id").values_list("action", "object_id", "username")
    assert list(recorded) == [
        ("view", str(rejected.referral_id), "admin"),
        ("view", str(rejected.pk), "admin"),
        ("list imports", "", "admin"),
    ]
    assert AuditEvent.objects.first().detail == {"imports": [str(rejected.pk)]}


def test_a_referral_leads_to_who_has_opened_it(admin_client: Client, rejected: Delivery) -> None:
    admin_client.get(url_of(rejected))
    admin_client.get(reverse("admin:referrals_inboundevent_body", args=[opener(rejected).pk]))
    page = text(admin_client, url_of(rejected.referral))
    (trail,) = re.findall(r'href="([^"]+object_id__in=[^"]+)"', page)
    read = admin_client.get(unescape(trail)).context["cl"].result_list
    assert {event.object_type for event in read} == {
        "referrals.delivery",
        "referrals.referral",
        "referrals.inboundevent",
    }
    support = client_of(SUPPORT, rejected.referral.organization)
    assert "object_id__in" not in text(support, url_of(rejected.referral))


def test_the_record_holds_no_personal_data(admin_client: Client, rejected: Delivery) -> None:
    event = opener(rejected)
    text(admin_client, url_of(rejected.referral))
    text(admin_client, reverse("admin:referrals_inboundevent_body", args=[event.pk]))
    act(admin_client, "dismiss", rejected, why="Mireille called")

    kept = "".join(f"{e.action}{e.object_label}{e.detail}" for e in AuditEvent.objects.all())
    assert "dismiss" in kept
    assert "Mireille" not in kept


# -- What people do ------------------------------------------------------------------------------


def test_a_retry_that_would_be_refused_again_states_what_to_do_instead(
    admin_client: Client, rejected: Delivery
) -> None:
    page = act(admin_client, "retry", rejected)

    assert (
        f"Not sent again ({REFERENCE}): The destination refused the referral's data."
        in messages(page)
    )
    assert Delivery.objects.get().state == State.NEEDS_ATTENTION


def test_a_retry_queues_and_wakes_a_worker(
    admin_client: Client,
    rejected: Delivery,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    woken = []
    monkeypatch.setattr("referrals.admin.work_list.deciding.wake_delivery", woken.append)
    Delivery.objects.update(reason=Reason.RETRIES_EXHAUSTED)

    page = act(admin_client, "retry", rejected)

    assert "1 import was sent again." in messages(page)
    assert woken == [rejected.pk]
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.resends) == (State.QUEUED, 1)
    assert AuditEvent.objects.get(action="retry").username == "admin"


def test_dismissing_asks_why_and_keeps_the_answer(admin_client: Client, rejected: Delivery) -> None:
    question = act(admin_client, "dismiss", rejected)
    unanswered = act(admin_client, "dismiss", rejected, why=" ")
    assert "Why is it not to be imported?" in question.content.decode()
    assert "This field is required." in unanswered.content.decode()
    assert Delivery.objects.get().state == State.NEEDS_ATTENTION

    page = act(admin_client, "dismiss", rejected, why="Entered by hand already")

    assert "1 import was dismissed." in messages(page)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.closed_why) == (State.DISMISSED, "Entered by hand already")
    assert "By admin: Entered by hand already" in text(admin_client, url_of(delivery))


def test_an_import_that_is_there_cannot_be_dismissed(
    admin_client: Client, imported: Delivery
) -> None:
    page = act(admin_client, "dismiss", imported, why="No")

    assert "1 cannot be dismissed" in messages(page)
    assert Delivery.objects.get().state == State.IMPORTED


def test_an_error_is_cleared_and_the_filter_no_longer_finds_it(
    admin_client: Client, rejected: Delivery
) -> None:
    uncleared = reverse(DELIVERIES) + "?error=uncleared"
    assert REFERENCE in text(admin_client, uncleared)

    act(admin_client, "clear_errors", rejected, seen_at=clock.now().isoformat())

    assert REFERENCE not in text(admin_client, uncleared)
    assert "Cleared by admin" in text(admin_client, url_of(rejected))


def test_it_is_there_asks_for_the_id_and_goes_on(
    admin_client: Client, unconfirmed: Delivery
) -> None:
    question = act(admin_client, "it_is_there", unconfirmed)
    assert "You have found it in Birchwood CRMS: the referral." in question.content.decode()

    page = act(admin_client, "it_is_there", unconfirmed, external_id="RF-1")

    assert "The import goes on." in messages(page)
    assert unconfirmed.steps.get().external_id == "RF-1"
    assert Delivery.objects.get().state == State.QUEUED


def test_it_is_not_there_warns_before_it_is_sent_again(
    admin_client: Client, unconfirmed: Delivery
) -> None:
    question = act(admin_client, "it_is_not_there", unconfirmed)
    assert "it will be there twice" in question.content.decode()
    assert unconfirmed.steps.exists()

    act(admin_client, "it_is_not_there", unconfirmed, sure="yes")

    assert not unconfirmed.steps.exists()
    assert Delivery.objects.get().state == State.QUEUED


def test_a_second_answer_changes_nothing(admin_client: Client, unconfirmed: Delivery) -> None:
    act(admin_client, "it_is_there", unconfirmed, external_id="RF-1")

    page = act(admin_client, "it_is_not_there", unconfirmed, sure="yes")

    assert "somebody else has just answered" in messages(page)
    assert unconfirmed.steps.get().external_id == "RF-1"


def test_the_page_of_a_delivery_offers_what_can_be_done_and_returns_to_it(
    admin_client: Client, unconfirmed: Delivery
) -> None:
    page = text(admin_client, url_of(unconfirmed))
    assert '<button type="submit" class="button">It is there' in page
    assert '<button type="submit" class="button">Retry' not in page

    response = admin_client.post(
        own_address("clear_errors", unconfirmed),
        {"back": "import", "confirmed": "yes", "seen_at": clock.now().isoformat()},
    )

    assert response["Location"] == url_of(unconfirmed)


# -- One import, at its own address ----------------------------------------------------------------


def own_address(deed: str, delivery: Delivery) -> str:
    return reverse(f"admin:referrals_delivery_{deed}", args=[delivery.pk])


@pytest.mark.parametrize(
    ("back", "page"),
    [
        ("import", "referrals_delivery_change"),
        ("referral", "referrals_referral_change"),
        ("why", "why_answer"),
        ("", "referrals_delivery_change"),
        ("elsewhere", "referrals_delivery_change"),
    ],
)
def test_one_import_is_sent_again_at_its_own_address(
    admin_client: Client, rejected: Delivery, back: str, page: str
) -> None:
    Delivery.objects.update(reason=Reason.RETRIES_EXHAUSTED)
    key = rejected.pk if page == "referrals_delivery_change" else rejected.referral_id

    response = admin_client.post(own_address("retry", rejected), {"back": back}, follow=True)

    assert response.redirect_chain == [(reverse(f"admin:{page}", args=[key]), 302)]
    assert "1 import was sent again." in messages(response)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.resends) == (State.QUEUED, 1)
    assert AuditEvent.objects.get(action="retry").object_id == str(rejected.pk)


def test_one_import_that_would_be_refused_again_is_not_sent(
    admin_client: Client, rejected: Delivery
) -> None:
    response = admin_client.post(own_address("retry", rejected), follow=True)

    assert f"Not sent again ({REFERENCE}): The destination refused" in messages(response)
    assert Delivery.objects.get().resends == 0


def test_only_what_is_posted_sends_one_import_again(
    admin_client: Client, rejected: Delivery
) -> None:
    Delivery.objects.update(reason=Reason.RETRIES_EXHAUSTED)
    assert admin_client.get(own_address("retry", rejected)).status_code == 405
    assert Delivery.objects.get().state == State.NEEDS_ATTENTION


@pytest.mark.parametrize("deed", DecidingAdmin.actions)
def test_who_may_not_decide_or_sees_another_organization_does_nothing_to_an_import(
    rejected: Delivery, deed: str
) -> None:
    other = Organization.objects.create(caredove_id="9", name="Elsewhere")
    before = Delivery.objects.values().get()
    answers = {"confirmed": "yes", "why": "no", "external_id": "RF-1"}

    stranger = client_of(SUPPORT, other, name="stranger")
    liaison = client_of(LIAISON, rejected.destination.organization, name="liaison")
    assert stranger.post(own_address(deed, rejected), answers).status_code == 404
    assert liaison.post(own_address(deed, rejected), answers).status_code in (403, 404)

    assert Delivery.objects.values().get() == before


def test_each_button_of_an_import_posts_to_its_own_address(
    admin_client: Client, unconfirmed: Delivery
) -> None:
    page = text(admin_client, url_of(unconfirmed))
    posts_to = re.findall(r'<form method="post" action="([^"]*)">', page)
    assert own_address("it_is_there", unconfirmed) in posts_to
    assert own_address("it_is_not_there", unconfirmed) in posts_to
    assert reverse(DELIVERIES) not in posts_to


def test_one_import_is_dismissed_at_its_own_address_after_a_question(
    admin_client: Client, rejected: Delivery
) -> None:
    address = own_address("dismiss", rejected)
    question = admin_client.post(address, {"back": "why"})
    assert "Why is it not to be imported?" in question.content.decode()
    assert REFERENCE in question.content.decode()

    answer = {"back": "why", "confirmed": "yes", "why": "Entered by hand"}
    response = admin_client.post(address, answer)

    assert response["Location"] == reverse("admin:why_answer", args=[rejected.referral_id])
    assert Delivery.objects.get().closed_why == "Entered by hand"


# -- Lists -----------------------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.parametrize("name", ["referral", "inboundevent", "delivery"])
def test_a_list_is_searched_by_any_id_of_the_referral(
    admin_client: Client, world: World, name: str
) -> None:
    world.send(plain())
    world.send(plain(number=2, reference="1112223334"))
    first = Referral.objects.get(reference=REFERENCE)
    first.aliases.create(source_kind="caredove", value="uuid-of-it-1")
    url = reverse(f"admin:referrals_{name}_changelist")

    for term in (REFERENCE, "uuid-of-it-1"):
        found = admin_client.get(url, {"q": term}).context["cl"].result_list
        assert [str(getattr(row, "referral", row)) for row in found] == [REFERENCE]
    assert not admin_client.get(url, {"q": REFERENCE[:6]}).context["cl"].result_list
    assert not admin_client.get(url, {"q": "Mireille"}).context["cl"].result_list


@pytest.mark.slow
@pytest.mark.parametrize("name", ["referral", "inboundevent", "delivery"])
def test_a_full_list_costs_no_more_queries(
    admin_client: Client, world: World, name: str, django_assert_max_num_queries: Any
) -> None:
    for number in range(25):
        world.send(plain(number=number, reference=f"35027{number:05}"))

    with django_assert_max_num_queries(15):
        page = admin_client.get(
            reverse(f"admin:referrals_{name}_changelist"),
            {"error": "all"} if name == "delivery" else {},
        )

    assert len(page.context["cl"].result_list) == 25


def test_a_page_of_a_referral_costs_few_queries(
    admin_client: Client, world: World, django_assert_max_num_queries: Any
) -> None:
    for number in range(10):
        world.send(plain("referral.edited" if number else "referral.received", number=number))
    world.run()

    with django_assert_max_num_queries(22):
        text(admin_client, url_of(world.referral))


# -- Who may ---------------------------------------------------------------------------------------


def test_a_liaison_sees_nobody_and_decides_nothing(unconfirmed: Delivery) -> None:
    liaison = client_of(LIAISON, unconfirmed.destination.organization)

    page = liaison.get(url_of(unconfirmed))
    answered = act(liaison, "it_is_not_there", unconfirmed, sure="yes")
    body = liaison.get(reverse("admin:referrals_inboundevent_body", args=[opener(unconfirmed).pk]))

    assert [page.status_code, answered.status_code, body.status_code] == [403, 403, 403]
    assert unconfirmed.steps.exists()
    assert not AuditEvent.objects.filter(action="read body").exists()


def test_support_decides_and_reads_bodies(unconfirmed: Delivery) -> None:
    support = client_of(SUPPORT, unconfirmed.destination.organization)

    act(support, "it_is_not_there", unconfirmed, sure="yes")
    text(support, reverse("admin:referrals_inboundevent_body", args=[opener(unconfirmed).pk]))

    assert not unconfirmed.steps.exists()


def test_who_has_no_role_sees_nobody(imported: Delivery) -> None:
    client = client_of()
    referral = imported.referral

    for url in (
        url_of(referral),
        url_of(imported),
        reverse("admin:why"),
        reverse("admin:referrals_referral_summary", args=[referral.pk]),
    ):
        assert client.get(url).status_code in (403, 404)
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("role", ROLES)
def test_every_permission_of_a_role_exists(db: None, role: str) -> None:
    names = {
        f"{one.content_type.app_label}.{one.codename}"
        for one in Group.objects.get(name=role).permissions.select_related("content_type")
    }

    assert names == set(ROLES[role])


def test_roles_are_renewed_and_other_groups_left_alone(db: None) -> None:
    own = Group.objects.create(name="Night shift")
    own.permissions.add(Permission.objects.get(codename="view_delivery"))
    Group.objects.get(name=ADMINISTRATOR).permissions.clear()

    install_roles()

    assert Group.objects.get(name=ADMINISTRATOR).permissions.count() == len(
        set(ROLES[ADMINISTRATOR])
    )
    assert own.permissions.count() == 1


def test_reading_an_answer_of_the_destination_is_on_record(rejected: Delivery) -> None:
    write(Attempt.objects.all(), body="Name is required")
    url = reverse("admin:referrals_delivery_answer", args=[rejected.pk, 1])

    assert client_of(LIAISON, rejected.destination.organization).get(url).status_code == 403
    assert not AuditEvent.objects.filter(action="read answer").exists()
    support = client_of(SUPPORT, rejected.destination.organization)
    assert "Name is required" in text(support, url)

    event = AuditEvent.objects.get(action="read answer")
    assert (event.username, event.ip) == ("support", "127.0.0.1")
    assert (event.object_id, event.detail) == (str(rejected.pk), {"attempt": 1})


def test_an_answer_with_half_a_character_can_be_read(
    admin_client: Client, rejected: Delivery
) -> None:
    attempt = rejected.attempts.get()
    attempt.body = r'{"error": "no \ud800 such"}'
    attempt.save()
    url = reverse("admin:referrals_delivery_answer", args=[rejected.pk, attempt.number])
    assert "no ? such" in text(admin_client, url)


# -- addresses of earlier --------------------------------------------------------------------------


@pytest.mark.parametrize("rest", ["", "?state=queued", "{pk}/change/", "{pk}/attempts/1/answer/"])
def test_an_address_of_an_earlier_version_leads_on(admin_client, rest):
    rest = rest.format(pk="8930d1b6-7000-4000-8000-000000000000")
    answer = admin_client.get(f"/admin/referrals/importjob/{rest}")
    assert (answer.status_code, answer.url) == (301, f"/admin/referrals/delivery/{rest}")


def test_the_story_has_what_was_done_under_an_earlier_name(admin_client, world):
    world.send(plain())
    delivery = world.delivery
    AuditEvent.objects.create(
        object_type="referrals.importjob", object_id=delivery.pk, username="ada", action="retry"
    )
    page = admin_client.get(reverse("admin:referrals_referral_change", args=[world.referral.pk]))
    assert "ada pressed Retry" in page.content.decode()
