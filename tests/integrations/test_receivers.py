"""What a change of the configuration leads to."""

import pytest

from integrations.models import Organization, Source


@pytest.fixture
def organizations(db: None) -> list[Organization]:
    return [Organization.objects.create(caredove_id=name, name=name) for name in ("812", "900")]


def test_a_source_of_a_deleted_organization_alone_does_not_come_to_send_for_all(
    organizations: list[Organization],
):
    source = Source.objects.create(name="theirs")
    source.organizations.set(organizations[:1])
    Organization.objects.filter(caredove_id="812").delete()
    source.refresh_from_db()
    assert (source.active, source.organizations.count()) == (False, 0)


def test_a_source_whose_organizations_are_deleted_together_is_switched_off(
    organizations: list[Organization],
):
    source = Source.objects.create(name="theirs")
    source.organizations.set(organizations)
    Organization.objects.all().delete()
    source.refresh_from_db()
    assert not source.active


def test_a_source_of_several_organizations_goes_on_with_the_others(
    organizations: list[Organization],
):
    source = Source.objects.create(name="theirs")
    source.organizations.set(organizations)
    organizations[0].delete()
    source.refresh_from_db()
    assert (source.active, source.may_send_for("812")) == (True, False)


def test_a_source_of_all_organizations_goes_on(organizations: list[Organization]):
    source = Source.objects.create(name="caredove")
    organizations[0].delete()
    source.refresh_from_db()
    assert source.active
