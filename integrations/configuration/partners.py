"""A partner and its destination: one link, which the source or the destination may name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from core.compare import Effect
from integrations import destinations
from integrations.configuration.applying import Run
from integrations.configuration.problems import Path
from integrations.configuration.rows import Refused, write
from integrations.configuration.sections import Content
from integrations.models import Destination, Source


@dataclass(frozen=True, slots=True)
class _Named:
    """A link as the file names it, at `path` and there at `key`; without a destination: none."""

    path: Path
    key: Path
    source: str
    destination: str
    organizations: tuple[str, ...] | None  # for which the source is said to act


def link_partners(run: Run, content: Content) -> None:
    """Link partners with their destinations, once both are there.

    Those that the file moves are unlinked first, so that two may change places.
    """
    links: dict[Source, Destination | None] = {}
    for named in _named(content):
        with run.part(named.path, "partner", *map(str, named.path)):
            source = Source.objects.filter(name=named.source).first()
            source = source or run.refuse_missing(named.key, "source", named.source)
            destination = _destination_of(run, named)
            _agree(links, source, destination, named)
            links[source] = destination
    moved = {source: to for source, to in links.items() if source.destination != to}
    for source in moved:
        Source.objects.filter(pk=source.pk).update(destination=None)
        source.destination = None
    names = {named.source: named for named in _named(content)}
    for source, destination in moved.items():
        named = names[source.name]
        with run.part(named.path, "partner", source.name, "link"):
            _link(run, source, destination, named.key)


def _named(content: Content) -> Iterator[_Named]:
    for index, entry in enumerate(content.get("sources", [])):
        if "destination" in entry:
            limits = tuple(entry["organizations"]) if "organizations" in entry else None
            path: Path = ("sources", index)
            yield _Named(path, ("destination",), entry["name"], entry["destination"], limits)
    limited = {
        entry["name"]: tuple(entry["organizations"])
        for entry in content.get("sources", [])
        if entry.get("organizations") is not None
    }
    for index, entry in enumerate(content.get("destinations", [])):
        if partner := partner_named(entry):
            where = f"{entry['organization']}/{entry['name']}"
            path = ("destinations", index)
            yield _Named(path, ("options", "partner"), partner, where, limited.get(partner))


def partner_named(entry: Mapping[str, Any]) -> str:
    """Return the source that a destination of a file names as its partner; empty without one."""
    kind, options = entry.get("kind"), entry.get("options") or {}
    if kind not in destinations.names() or not destinations.transport_class(kind).answered:
        return ""
    return str(options.get("partner") or "")


def _destination_of(run: Run, named: _Named) -> Destination | None:
    """Return the destination that `NAME` or `ORGANIZATION/NAME` means; None for an empty name."""
    if not named.destination:
        return None
    owner, slash, name = named.destination.partition("/")
    found = list(Destination.objects.filter(name=named.destination))
    if slash:
        found += Destination.objects.filter(organization__caredove_id=owner, name=name)
    if not found:
        run.refuse_missing(named.key, "destination", named.destination)
    if named.organizations is not None:
        found = [one for one in found if (one.organization.caredove_id,) == named.organizations]
    if not found:
        text = _("a partner acts for the organization of its destination, and for no other")
        raise Refused((named.key, text))
    if len(found) > 1:
        text = _("several are named “{name}”: write ORGANIZATION/NAME")
        raise Refused((named.key, text.format(name=named.destination)))
    return found[0]


def _agree(
    links: Mapping[Source, Destination | None],
    source: Source,
    destination: Destination | None,
    named: _Named,
) -> None:
    """Raise Refused when the file names another link of one of the two."""
    if source in links and links[source] != destination:
        text = _("the source “{source}” and its destination disagree")
        raise Refused((named.key, text.format(source=source)))
    for other, where in links.items():
        if destination and where == destination and other != source:
            raise Refused((named.key, _taken(other, destination)))


def _taken(other: Source, destination: Destination | None) -> str:
    text = _("“{other}” answers for “{destination}” already")
    return text.format(other=other, destination=destination)


def _link(run: Run, source: Source, destination: Destination | None, key: Path) -> None:
    other = Source.objects.filter(destination=destination).first() if destination else None
    if other:
        raise Refused((key, _taken(other, destination)))
    keys = {"destination": ".".join(map(str, key))}
    if write(source, {"destination": destination}, keys) is Effect.CHANGED:
        run.report.count_as_changed(source)
    source.limit_to_its_destination()
