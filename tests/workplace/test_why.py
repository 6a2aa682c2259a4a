"""The screen "Why is it not in CRMS?": asked on any page, answered with the button to press."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from access.roles import ADMINISTRATOR, LIAISON, SUPPORT
from core.models import AuditEvent
from integrations.models import Organization
from sandbox import running_sandbox
from tests.forms import form_on
from tests.people import client_of
from tests.referrals import causes
from tests.referrals.causes import TOKEN, Scene, scene
from tests.world import REFERENCE


@pytest.fixture
def it(db: None) -> Iterator[Scene]:
    with running_sandbox(token=TOKEN) as crms:
        yield scene(crms)


def ask(client: Client, reference: str = REFERENCE) -> Any:
    """Type a reference into the box of the page, and follow to the answer."""
    form = form_on(client.get(reverse("admin:why")))
    return client.post(reverse("admin:why"), form | {"reference": reference}, follow=True)


def words(page: Any) -> str:
    """The page without what differs each time it is sent."""
    content: str = page.content.decode()
    return "\n".join(line for line in content.splitlines() if "csrfmiddlewaretoken" not in line)


def buttons(page: Any) -> list[str]:
    """What can be pressed below the answer."""
    steps = page.context["next_steps"]
    pressed = [choice.label for choice in steps.choices if not choice.why_not]
    last = [steps.referral.label] if steps.referral else []
    return [*pressed, *(step.label for step in steps.direct), *last]


def test_the_answer_has_an_address_of_its_own_without_a_word_of_the_question(it: Scene) -> None:
    causes.answer_400(it)
    support = client_of(SUPPORT, it.organization)

    page = ask(support, f" {REFERENCE} ")

    ((url, _),) = page.redirect_chain
    assert url == reverse("admin:why_answer", args=[it.referral.pk])
    assert "“Date of birth is required”" in words(page)
    assert words(support.get(url)) == words(page)


@pytest.mark.parametrize("written", ["350-276-8696", "# 350 276 8696", "3502768696\t"])
def test_a_number_is_read_as_people_write_it(it: Scene, written: str) -> None:
    causes.queued(it)
    assert "It is queued for" in words(ask(client_of(SUPPORT, it.organization), written))


def test_what_is_not_found_can_be_opened_again_and_stands_in_no_url(it: Scene) -> None:
    support = client_of(SUPPORT, it.organization)

    page = ask(support, "Tremblay-Okafor")

    ((url, _),) = page.redirect_chain
    assert url == reverse("admin:why_asked")
    assert "Check the number" in words(page)
    assert words(support.get(url)) == words(page)
    assert "Tremblay" not in str(support.session["why"])


def test_nothing_asked_leads_to_the_question(it: Scene) -> None:
    page = client_of(SUPPORT, it.organization).get(reverse("admin:why_asked"), follow=True)
    assert page.redirect_chain[0][0] == reverse("admin:why")


def test_a_reference_in_the_url_is_not_looked_at(it: Scene) -> None:
    causes.queued(it)
    page = client_of(SUPPORT, it.organization).get(reverse("admin:why"), {"reference": REFERENCE})
    assert page.context["explanation"] is None


def test_every_answer_is_on_record_before_it_is_sent(it: Scene) -> None:
    causes.queued(it)
    support = client_of(SUPPORT, it.organization)
    ask(support)
    ask(support, "0000000000")
    recorded = AuditEvent.objects.filter(action="explain").order_by("pk")
    assert [event.object_id for event in recorded] == [str(it.referral.pk), ""]


def test_a_foreign_reference_looks_exactly_like_an_unknown_one(it: Scene) -> None:
    causes.answer_400(it)
    elsewhere = Organization.objects.create(caredove_id="900", name="Elsewhere")
    stranger = client_of(SUPPORT, elsewhere)

    foreign, unknown = ask(stranger), ask(stranger, "0000000000")

    assert foreign.redirect_chain == unknown.redirect_chain
    assert words(foreign) == words(unknown).replace("0000000000", REFERENCE)
    page = stranger.get(reverse("admin:why_answer", args=[it.referral.pk]))
    assert page.status_code == 404


def test_a_liaison_is_answered_without_the_words_of_others(it: Scene) -> None:
    causes.answer_400(it)

    page = ask(client_of(LIAISON, it.organization))

    assert "The destination refused the referral (HTTP 400)." in words(page)
    assert "is withheld from your role" in words(page)
    assert "Date of birth" not in words(page)
    assert buttons(page) == []


def test_who_has_no_role_may_not_ask(it: Scene) -> None:
    causes.queued(it)
    nobody = client_of("", it.organization)
    for name in ("why", "why_asked"):
        assert nobody.get(reverse(f"admin:{name}")).status_code == 403
    assert nobody.get(reverse("admin:why_answer", args=[it.referral.pk])).status_code == 403


TEAM = ("Take", "Assign", "Snooze")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cause", "role", "offered"),
    [
        (causes.answer_400, SUPPORT, ["Clear errors", "Dismiss", *TEAM, "Open the referral"]),
        (
            causes.gave_up,
            SUPPORT,
            ["Retry", "Clear errors", "Dismiss", *TEAM, "Open the referral"],
        ),
        (
            causes.answer_2xx_without_an_id,
            SUPPORT,
            [
                "It is there",
                "It is not there, send again",
                "Clear errors",
                "Dismiss",
                *TEAM,
                "Open the referral",
            ],
        ),
        (causes.paused, ADMINISTRATOR, ["Test connection", "Open the connection", None]),
        (causes.paused, LIAISON, ["Open the connection"]),
        (causes.not_connected, LIAISON, ["Connect the listing"]),
        (causes.switched_off, LIAISON, ["Connect the listing"]),
        (causes.no_trigger, LIAISON, ["Connect the listing"]),
        (causes.unknown_listing, LIAISON, ["Set up the listing"]),
        (causes.unknown_organization, ADMINISTRATOR, ["Set up an organization", None]),
        (causes.suspended, ADMINISTRATOR, ["Open the organization", None]),
        (causes.mapping_error, LIAISON, ["Open the mapping"]),
        (causes.unknown_code, ADMINISTRATOR, ["Open the event", None]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_answer_ends_with_the_button_for_it(
    it: Scene, cause: Any, role: str, offered: list[str | None]
) -> None:
    cause(it)
    page = ask(client_of(role, it.organization))
    assert buttons(page) == [label or "Open the referral" for label in offered]


def test_a_button_that_may_not_be_pressed_gives_the_reason(it: Scene) -> None:
    causes.answer_400(it)
    page = words(ask(client_of(SUPPORT, it.organization)))
    assert f'aria-disabled="true" aria-describedby="why-not-retry-{it.delivery.pk}">Retry' in page
    assert f'<span id="why-not-retry-{it.delivery.pk}">The destination refused the referral' in page


def test_what_is_pressed_returns_to_the_answer(it: Scene) -> None:
    causes.gave_up(it)
    it.crms.clear_faults()
    support = client_of(SUPPORT, it.organization)
    retry = next(c for c in ask(support).context["next_steps"].choices if c.name == "retry")

    page = support.post(retry.url, retry.data, follow=True)

    assert page.redirect_chain[-1][0] == reverse("admin:why_answer", args=[it.referral.pk])
    assert "It will be sent automatically." in words(page)
