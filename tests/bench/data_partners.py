"""What data partners cost: a page of services with excluded fields, and a page of the change feed.

The page of services is asked for in turn with one of a bare view, which reads 50 rows that hold the
same texts as they are sent; both go through the same middleware. The feed's page of 1,000 is asked
for when so many changes were numbered before, first few and then many, in the same database.
"""

import statistics
from collections.abc import Callable
from typing import Any

from tests.bench import figures, portal
from tests.bench.deliveries import spent_seconds

EXCLUDED = ["contact", "schedule", "service.fees_description", "service.minimum_age"]
FEED, LIMIT = "/api/v1/directory/changes", 1000


def measure(services: int, few: int, many: int, rounds: int) -> dict[str, Any]:
    """Return the milliseconds of a page of services and of the bare view, and of the feed's."""
    portal.start()
    from django.test.utils import override_settings

    plant(services)
    with override_settings(ROOT_URLCONF="tests.bench.data_partners_urls"):
        partner, client = reader()
        of = {"ours": page_of(client, "/hsds/3.1/services"), "bare": page_of(client, "/bare")}
        of["ours"]()  # takes the new agreement in
        portal.gather_statistics()
        return medians(of, rounds) | {
            size: medians({size: page_of(client, feed_after(partner, number))}, rounds)[size]
            for size, number in (("few", few), ("many", many))
        }


def plant(services: int) -> None:
    """Make a directory of so many services, each with something that is excluded."""
    from directory.models import View
    from directory.taking_in import take_in
    from tests.directory import make

    for name in View.Name.values:
        View.objects.get_or_create(name=name)
    make.directory()
    agency = make.agency()
    for number in range(services):
        service = make.service(
            {"en": f"Food bank {number}", "fr": f"Banque alimentaire {number}"},
            organization=agency,
            fees_description={"en": "Free"},
            minimum_age=18,
            application_process={"en": "Call first, or come to the desk on any weekday."},
        )
        make.phone(service=service)
        service.schedules.create(freq="WEEKLY", byday="MO", opens_at="09:00", closes_at="17:00")
    take_in()


def reader() -> tuple[Any, Any]:
    """Return a data partner that does not see everything, and its client."""
    from tests.directory import agreed

    partner = agreed.partner(exclude_fields=EXCLUDED)
    return partner, agreed.client(partner)


def page_of(client: Any, path: str) -> Callable[[], None]:
    def ask() -> None:
        answer = client.get(path, headers={"host": "localhost"})
        assert answer.status_code == 200, answer.content

    return ask


def feed_after(partner: Any, number: int) -> str:
    """Let so many changes have been numbered; return the address of the next page of changes."""
    from django.db.models import F

    from core.database import clock
    from directory.data_partners import feed
    from directory.models import Membership, Numbering, View

    view = View.objects.get(pk=partner.view_id)
    known = set(Numbering.objects.filter(view=view).values_list("last", flat=True))
    Numbering.objects.bulk_create(
        (
            Numbering(view=view, last=last, mark=1, at=clock.now())
            for last in range(view.last_number + 1, number + 1)
            if last not in known
        ),
        batch_size=10_000,
    )
    moved = max(number - view.last_number, 0)
    Membership.objects.filter(view=view).update(number=F("number") + moved)
    View.objects.filter(pk=view.pk).update(last_number=F("last_number") + moved)
    portal.gather_statistics()
    return f"{FEED}?limit={LIMIT}&after={feed.cursor_at(view, moved)}"


def medians(asked: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Return the median CPU milliseconds of each, asked for in turn."""
    spent: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(rounds + 1):  # the first one warms up; a quick run has no other
        for name, ask in asked.items():
            start = spent_seconds()
            ask()
            spent[name].append(spent_seconds() - start)
    return {
        name: statistics.median(of[1:] or of) * figures.MILLISECONDS for name, of in spent.items()
    }


if __name__ == "__main__":
    figures.report(measure)
