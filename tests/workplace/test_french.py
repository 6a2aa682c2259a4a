"""The portal in French: for whoever chose it, or whose browser asks for it; not for programs."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from access.models import PersonalSettings
from access.roles import SUPPORT
from referrals.models import Delivery
from tests.people import client_of
from tests.world import World, make_world, plain

HOME = reverse("admin:index")
WORK_LIST = reverse("admin:referrals_delivery_changelist")
CHOOSE = reverse("account_language")


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def content(client: Client, url: str, **headers: str) -> str:
    page = client.get(url, headers=headers or None)
    assert page.status_code == 200
    return page.content.decode()


def test_a_person_chooses_french_and_finds_it_again_when_they_sign_in(world: World) -> None:
    support = client_of(SUPPORT, world.organization)
    assert 'lang="en-ca"' in content(support, HOME)

    page = f"http://testserver{WORK_LIST}"
    answer = support.post(CHOOSE, {"language": "fr-ca"}, headers={"referer": page})

    assert answer.headers["Location"] == page
    again = Client()
    again.force_login(PersonalSettings.objects.get().user)
    for client in (support, again):
        home = content(client, HOME, **{"accept-language": "en-CA"})
        assert 'lang="fr-ca"' in home
        for words in ("Accueil", "Liste de travail", "Aiguillages", "Correspondances", "À traiter"):
            assert words in home, words
        listed = content(client, WORK_LIST)
        for words in ("Plus de filtres", "Enregistrer la vue", "À qui le tour"):
            assert words in listed, words


def test_who_chose_nothing_reads_what_their_browser_asks_for(world: World) -> None:
    support = client_of(SUPPORT, world.organization)
    for asked, read in (
        ("fr-CA,fr;q=0.9", "fr-ca"),
        ("fr-FR", "fr-ca"),
        ("en-CA,fr;q=0.5", "en-ca"),
        ("en-US,en;q=0.9,fr;q=0.5", "en-ca"),
        ("de", "en-ca"),
    ):
        assert f'lang="{read}"' in content(support, HOME, **{"accept-language": asked}), asked


def test_no_other_language_is_kept_and_nobody_is_led_elsewhere(world: World) -> None:
    support = client_of(SUPPORT, world.organization)
    for language in ("", "de", "fr-ca\n", "../en"):
        assert support.post(CHOOSE, {"language": language}).status_code == 400
    elsewhere = support.post(
        CHOOSE, {"language": "fr-ca"}, headers={"referer": "https://elsewhere.example/"}
    )
    assert elsewhere.headers["Location"] == HOME
    assert support.get(CHOOSE).status_code == 405
    assert not PersonalSettings.objects.exclude(language="fr-ca").exists()


def test_why_is_answered_in_the_readers_language(world: World) -> None:
    world.send(plain("referral.received"))
    delivery = world.delivery
    Delivery.objects.filter(pk=delivery.pk).update(state="dismissed", due_at=None, closed_why="")
    url = reverse("admin:why_answer", args=[delivery.referral_id])
    french = content(client_of(SUPPORT, world.organization), url, **{"accept-language": "fr-CA"})
    for words in (
        "Pourquoi n’est-il pas dans CRMS?",
        "L’avons-nous reçu de Caredove?",
        "Doit-il encore être importé?",
        "Dovetail a écarté l’importation",
        "Personne n’a rien à faire.",
    ):
        assert words in french, words
    for words in ("dismissed the import", "Nobody has to do anything", "Not reached"):
        assert words not in french, words


def test_a_program_that_asks_for_no_language_gets_english_from_a_thread_that_just_served_french(
    world: World,
) -> None:
    content(client_of(SUPPORT, world.organization), HOME, **{"accept-language": "fr-CA"})
    assert translation.get_language() == "fr-ca"
    asked = Client().get("/api/v1/referrals/1")
    assert asked.status_code == 401
    assert translation.get_language() == "en-ca"
