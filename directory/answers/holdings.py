"""Which entries the answers of an entry contain or name."""

from collections.abc import Iterable, Iterator

from directory.answers.loading import Loaded
from directory.answers.rendering import Renderer
from directory.models import Entry, Kind

Held = dict[int, bool]  # by the key of what is held: directly, or only by way of a third entry


def holdings_of(entry: Entry, loaded: Loaded, renderer: Renderer) -> Held:
    """Return what an entry holds, once it was rendered.

    An entry that is itself out holds what it refers to: when that comes back, so may the entry.
    """
    find = {
        Kind.ORGANIZATION: _of_agency,
        Kind.SERVICE: _of_service,
        Kind.SERVICE_AT_LOCATION: _of_service_at_location,
        Kind.LOCATION: _of_location,
        Kind.TAXONOMY_TERM: _of_term,
    }.get(Kind(entry.kind))
    direct, indirect = find(entry.pk, loaded, renderer) if find else ([], [])
    held = {key: False for key in indirect if key} | {key: True for key in direct if key}
    for key in list(held):
        if key in loaded.terms:
            for further in _named_by_term(key, loaded):
                held.setdefault(further, False)
    held.pop(entry.pk, None)
    return held


Keys = Iterable[int | None]


def _of_agency(key: int, loaded: Loaded, renderer: Renderer) -> tuple[Keys, Keys]:
    locations = [one.pk for one in loaded.lists["location", "organization", key]]
    services = [one.pk for one in loaded.lists["service", "organization", key]]
    parent = loaded.agencies[key].parent_organization_id
    indirect = [term for location in locations for term in renderer.terms[location]]
    return [parent, *locations, *services, *renderer.terms[key]], indirect


def _of_service(key: int, loaded: Loaded, renderer: Renderer) -> tuple[Keys, Keys]:
    direct, indirect = _of_service_alone(key, loaded, renderer)
    for one in loaded.lists["service_at_location", "service", key]:
        direct.append(one.pk)
        indirect += _place(one.location_id, loaded, renderer)
        indirect += renderer.terms[one.pk]
    return direct, indirect


def _of_service_alone(
    key: int, loaded: Loaded, renderer: Renderer
) -> tuple[list[int | None], list[int | None]]:
    service = loaded.services[key]
    program = loaded.programs.get(service.program_id or 0)
    direct = [
        service.organization_id,
        program.organization_id if program else None,
        *renderer.terms[key],
    ]
    indirect: list[int | None] = []
    if agency := loaded.agencies.get(service.organization_id or 0):
        indirect = [agency.parent_organization_id, *renderer.terms[agency.pk]]
    return direct, indirect


def _of_service_at_location(key: int, loaded: Loaded, renderer: Renderer) -> tuple[Keys, Keys]:
    one = loaded.services_at[key]
    direct, indirect = _of_service_alone(one.service_id, loaded, renderer)
    place = _place(one.location_id, loaded, renderer)
    return [one.service_id, one.location_id, *renderer.terms[key]], [*direct, *indirect, *place]


def _of_location(key: int, loaded: Loaded, renderer: Renderer) -> tuple[Keys, Keys]:
    return [loaded.locations[key].organization_id, *renderer.terms[key]], []


def _of_term(key: int, loaded: Loaded, renderer: Renderer) -> tuple[Keys, Keys]:
    return [*_named_by_term(key, loaded)], []


def _place(key: int, loaded: Loaded, renderer: Renderer) -> list[int | None]:
    return [key, loaded.locations[key].organization_id, *renderer.terms[key]]


def _named_by_term(key: int, loaded: Loaded) -> Iterator[int]:
    term = loaded.terms[key]
    yield from filter(None, (term.parent_id, term.taxonomy_id))
