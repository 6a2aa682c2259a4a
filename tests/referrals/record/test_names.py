"""A referral is found by the whole name of the registrant, which is stored nowhere in the clear."""

import base64
import secrets
from typing import Any

import pytest
from django.db import connection, transaction

from core.database import clock
from core.encryption import rotation
from referrals.intake import identity
from referrals.models import Referral, RegistrantName
from referrals.record import names
from tests.world import REFERENCE, World, plain

pytestmark = pytest.mark.postgres  # search

STORED = {"first_name": "Noémie", "middle_name": "Anne", "last_name": "L’Écuyer-Roy"}


def found(name: str) -> list[str]:
    rows = Referral.objects.filter(names__digest__in=names.find(name))
    return list(rows.values_list("reference", flat=True))


@pytest.fixture
def referral(world: World) -> Referral:
    world.send(plain(registrant=STORED))
    return world.referral


@pytest.mark.parametrize(
    "asked",
    [
        "Noémie L’Écuyer-Roy",
        "noemie lecuyer roy",
        "L'ECUYER ROY, Noemie",
        "Noémie Anne L’Écuyer-Roy",
        "  Roy   L’Écuyer\tNoémie ",
    ],
)
def test_accents_case_punctuation_and_order_do_not_matter(referral: Referral, asked: str) -> None:
    assert found(asked) == [referral.reference]


@pytest.mark.parametrize("asked", ["Noémie", "L’Écuyer-Roy", "Noémie Roy", "", " - ", "%"])
def test_a_part_of_a_name_is_not_enough(referral: Referral, asked: str) -> None:
    assert found(asked) == []


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("Đặng Nguyễn Thị Mỹ Hạnh", "Dang Nguyen Thi My Hanh"),
        ("Björn Þorvaldsson", "bjorn thorvaldsson"),
        ("Ærø Strauß", "AERO STRAUSS"),
        ("Siobhán Ó Conghaile", "O Conghaile Siobhan"),
        ("王 小明", "小明 王"),
    ],
)
def test_a_name_is_found_as_people_write_it_who_lack_its_letters(stored: str, asked: str) -> None:
    assert names.normalized(stored) == names.normalized(asked)


def test_a_corrected_name_replaces_the_old_one(world: World, referral: Referral) -> None:
    corrected = {**STORED, "last_name": "Leblanc"}
    world.send(plain("referral.edited", number=2, registrant=corrected))

    assert found("Noémie Leblanc") == [referral.reference]
    assert found("Noémie L’Écuyer-Roy") == []


def test_another_name_is_found_too(world: World) -> None:
    world.send(plain(registrant={**STORED, "other_names": ["Mimi"]}))

    assert found("mimi lecuyer roy") == [world.referral.reference]


def test_a_revoked_referral_is_no_longer_found(world: World, referral: Referral) -> None:
    world.send(plain("referral.revoked", number=2))

    assert not RegistrantName.objects.exists()


def test_merged_referrals_are_found_once(world: World) -> None:
    other_id = "0f5c2a2e-6b1d-4d1e-9f5e-111111111111"
    world.send(plain(registrant=STORED))
    world.send(plain(number=2, reference=other_id, registrant=STORED))
    assert len(found("Noémie L’Écuyer-Roy")) == 2

    with transaction.atomic():
        identity.resolve(world.source, [REFERENCE, other_id], world.organization, clock.now())

    assert found("Noémie L’Écuyer-Roy") == [world.referral.reference]


def test_no_name_is_stored_in_the_clear(referral: Referral) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM referrals_registrantname")
        stored = str(cursor.fetchall()).casefold()

    assert RegistrantName.objects.count() == 2
    assert not any(word in stored for word in ("noemie", "noémie", "ecuyer", "roy"))


def test_new_keys_are_taken_up_and_old_ones_find_until_then(
    referral: Referral, settings: Any
) -> None:
    old = settings.ENCRYPTION_KEYS[0]
    new = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    settings.ENCRYPTION_KEYS = [new, old]
    assert found("Noémie L’Écuyer-Roy") == [referral.reference]

    list(rotation.rotate())
    settings.ENCRYPTION_KEYS = [new]

    assert found("Noémie L’Écuyer-Roy") == [referral.reference]
    assert RegistrantName.objects.count() == 2
