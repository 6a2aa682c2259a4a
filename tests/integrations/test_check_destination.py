""" "Test connection" from the command line, and the mappings that come with the kinds."""

import pytest
from django.core.management import CommandError, call_command

from core.database import clock
from integrations import destinations
from integrations.apps import install_shipped_mappings
from integrations.models import Destination, Organization
from mapping.models import Mapping
from tests.world import make_world, options

pytestmark = pytest.mark.django_db


def test_a_good_answer_is_printed_and_ends_a_pause(capsys: pytest.CaptureFixture[str]) -> None:
    make_world().destination.pause("It said 401.", clock.now())

    call_command("check_destination", "Birchwood CRMS")

    printed = capsys.readouterr().out
    assert "The demo destination is here." in printed
    assert "The connection is open again" in printed
    assert Destination.objects.get().paused_at is None


def test_a_bad_answer_is_an_error() -> None:
    make_world(behaviour="misconfigured")

    with pytest.raises(CommandError, match="does not accept these credentials"):
        call_command("check_destination", "Birchwood CRMS")


def test_of_two_with_one_name_the_organization_chooses(capsys: pytest.CaptureFixture[str]) -> None:
    make_world()
    other = Organization.objects.create(caredove_id="9", name="Nine")
    Destination.objects.create(
        organization=other, name="Birchwood CRMS", kind="demo", options=options("demo")
    )

    with pytest.raises(CommandError, match="add --organization with one of 812, 9"):
        call_command("check_destination", "Birchwood CRMS")
    call_command("check_destination", "Birchwood CRMS", organization="9")

    assert "is here" in capsys.readouterr().out


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(CommandError, match="There is no destination “Nowhere”"):
        call_command("check_destination", "Nowhere")


def test_each_kind_has_its_mapping_after_migrate() -> None:
    shipped = set(Mapping.objects.filter(shipped=True).values_list("destination_kind", "name"))
    kinds = [kind for kind in destinations.kinds() if destinations.default_mapping(kind)]

    assert shipped == {(kind, "default") for kind in kinds}


def test_installing_them_again_changes_nothing() -> None:
    before = list(Mapping.objects.values())

    install_shipped_mappings()

    assert list(Mapping.objects.values()) == before
