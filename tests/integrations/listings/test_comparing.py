"""What an offer would change, and that confirming it changes exactly that."""

import pytest

from core.compare import Comparison, Difference, Effect
from integrations.listings import comparing, files
from integrations.listings.comparing import Line
from integrations.listings.offers import Offer
from integrations.models import Organization, ServiceListing
from tests.world import World

YOUTH = ("4418", "Youth Wellness Hub - Milltown", "Youth", "yes")
ADULT = ("4417", "Adult Counselling - Milltown", "", "yes")


def offer(*rows: tuple[str, ...], columns: str = "id name category active") -> Offer:
    return Offer(tuple(columns.split()), rows, [f"row {n}" for n in range(2, len(rows) + 2)])


def compare(
    world: World, *rows: tuple[str, ...], columns: str = "id name category active"
) -> Comparison[Line]:
    return comparing.compare(offer(*rows, columns=columns), world.organization)


def offered(found: Comparison[Line]) -> list[Line]:
    return [line for line in found.rows if line.effect is not Effect.REMOVED]


def refused(world: World, *row: str, columns: str = "id name category active") -> str:
    (line,) = offered(compare(world, row, columns=columns))
    assert line.effect is Effect.REFUSED
    return " ".join(line.problems)


def test_each_row_is_new_changed_or_unchanged_and_nothing_has_happened_yet(world: World) -> None:
    world.organization.listings.create(caredove_id="4419", name="Old name")
    world.organization.listings.create(caredove_id="4420", name="Crisis line")

    found = compare(world, ADULT, YOUTH, ("4419", "New name", "Adults", "no"))

    assert [line.effect for line in offered(found)] == [
        Effect.UNCHANGED,
        Effect.CREATED,
        Effect.CHANGED,
    ]
    assert found.rows[2].differences == (
        Difference("Name", "Old name", "New name"),
        Difference("Category", "(empty)", "Adults"),
        Difference("Listed in Caredove", "yes", "no"),
    )
    assert [line.name for line in found.of(Effect.REMOVED)] == ["Crisis line"]
    assert ServiceListing.objects.count() == 3
    assert ServiceListing.objects.get(caredove_id="4419").name == "Old name"


def test_only_what_was_chosen_is_brought_in(world: World) -> None:
    ended = world.organization.listings.create(caredove_id="4420", name="Crisis line")
    rows = offer(YOUTH, ("4421", "Not wanted", "", "yes"), ("4417", "Renamed", "Adults", "yes"))

    brought = comparing.bring_in(rows, world.organization, {"4418", "4417"}, {"4420"})

    assert (brought.added, brought.changed, brought.ended) == (1, 1, 1)
    named = dict(ServiceListing.objects.values_list("caredove_id", "name"))
    assert named == {"4417": "Renamed", "4418": YOUTH[1], "4420": "Crisis line"}
    ended.refresh_from_db()
    assert not ended.active
    assert ended.history.first().history_change_reason == "import of listings"


def test_columns_that_are_not_there_leave_things_as_they_are(world: World) -> None:
    world.organization.listings.create(caredove_id="1", name="A", category="Kept", active=False)

    found = compare(world, ("1", "A"), columns="id name")

    assert [line.effect for line in offered(found)] == [Effect.UNCHANGED]


def test_a_listing_of_another_organization_is_refused(world: World) -> None:
    other = Organization.objects.create(caredove_id="900", name="Maple")
    other.listings.create(caredove_id="77", name="Theirs")

    assert "belongs to another organization" in refused(world, "77", "Mine now", "", "yes")
    assert ServiceListing.objects.get(caredove_id="77").organization == other


@pytest.mark.parametrize("named", ["900", "Maple"])
def test_a_row_for_another_organization_is_refused(world: World, named: str) -> None:
    message = refused(world, "77", "Theirs", named, columns="id name organization")

    assert f"This row is for “{named}”. Here, listings of Birchwood" in message


@pytest.mark.parametrize("named", ["812", "birchwood community mental health", ""])
def test_a_row_may_name_the_organization_itself(world: World, named: str) -> None:
    (line,) = offered(compare(world, ("77", "Ours", named), columns="id name organization"))

    assert line.effect is Effect.CREATED


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("", "No id", "", "yes"), "The id is missing."),
        (("77", "", "", "yes"), "The name is missing."),
        (("77", "x" * 301, "", "yes"), "at most 300 characters"),
        (("x" * 65, "Long id", "", "yes"), "at most 64 characters"),
        (("77", "Sunday", "", "perhaps"), "“perhaps” is neither yes nor no."),
        (("77", "=1+1", "", "yes"), "begins as a formula does. Take away the “=”."),
        (("77", "Sunday", "@SUM(1)", "yes"), "begins as a formula does. Take away the “@”."),
    ],
)
def test_a_row_that_cannot_be_is_refused_with_its_reason(
    world: World, row: tuple[str, ...], message: str
) -> None:
    assert message in refused(world, *row)


def test_the_same_id_twice_is_refused_the_second_time(world: World) -> None:
    found = compare(world, YOUTH, ("4418", "Other name", "", "yes"))

    assert [line.effect for line in offered(found)] == [Effect.CREATED, Effect.REFUSED]
    assert "An earlier row has the same ID" in found.rows[1].problems[0]


def test_an_export_is_harmless_in_a_spreadsheet_and_changes_nothing_when_it_comes_back(
    world: World,
) -> None:
    world.organization.listings.create(caredove_id="5", name="-2+3 +cmd|' /C calc'!A0")
    world.organization.listings.create(caredove_id="6", name="Soirée, “thérapie”", active=False)
    table = comparing.export(world.organization.listings.all())

    assert "'-2+3" in table.export("csv")
    for raw in (table.export("csv").encode(), table.export("xlsx")):
        found = comparing.compare(files.read(raw), world.organization)
        assert {line.effect for line in offered(found)} == {Effect.UNCHANGED}
        assert not found.changes


def test_two_thousand_rows_are_compared_with_few_queries_each(
    world: World, django_assert_max_num_queries: object
) -> None:
    rows = [(str(number), f"Service {number}", "", "yes") for number in range(100)]
    world.organization.listings.bulk_create(
        ServiceListing(organization=world.organization, caredove_id=row[0], name=row[1])
        for row in rows
    )

    with django_assert_max_num_queries(210):  # type: ignore[operator]  # a savepoint for each row
        found = compare(world, *rows)

    assert {line.effect for line in offered(found)} == {Effect.UNCHANGED}
