"""Taking in one organization's configuration from another portal: looked at first, then applied.

Unlike `apply_config`, which whoever runs the portal uses, this is for a person in the admin. So the
server's environment is out of reach: `env:NAME` asks that person, and what is left empty stays as
it is stored. And the file may speak of one organization only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from django.db import models, transaction
from django.utils.translation import gettext as _

from access import scope
from core.compare import Comparison, Difference, Effect
from integrations import destinations
from integrations.configuration import apply_checked, keys
from integrations.configuration.partners import partner_named
from integrations.configuration.problems import ConfigurationError, Path, Problem
from integrations.configuration.reading import Tree, read
from integrations.configuration.rows import REASON, Report
from integrations.configuration.sections import ENVIRONMENT, Content, check
from integrations.history.changes import Change, change_of, change_of_mapping
from integrations.history.sorts import SORTS
from integrations.models import Destination, ServiceListing, Source
from integrations.transport import SecretField
from mapping.models import Mapping as FieldMapping

MAX_BYTES = 2 * 1024 * 1024
DECLARED = Difference("What it can do", "as it was stored at the upgrade", "declared by this file")
_PLACEHOLDER = "to-be-filled-in"  # stands for a secret while one only looks


@dataclass(frozen=True)
class Placeholder:
    """A secret to fill in. With `stored`, it can be left as it is."""

    name: str
    label: str  # what it is for: "Birchwood CRMS: token"
    stored: bool


@dataclass(frozen=True)
class Preview(Comparison[Change]):
    """What a file would do."""

    organization: str  # its name there
    caredove_id: str
    placeholders: tuple[Placeholder, ...]


def may_transfer(user: Any) -> bool:
    """Return whether the person may take configurations out and in: administrators."""
    needed = ("organization", "servicelisting", "source", "destination", "triggerconfig")
    return scope.sees_all(user) and user.has_perms(
        [*(f"integrations.change_{name}" for name in needed), "mapping.change_mapping"]
    )


def preview(raw: bytes, given: Mapping[str, str]) -> Preview:
    """Return what the file would do with these secrets; raises ConfigurationError."""
    tree = _tree(raw)
    placeholders = tuple(_placeholders(tree))
    _fill(tree, given, preview=True)
    content = _checked(tree)
    with transaction.atomic():
        before = _newest_records()
        report = apply_checked(tree, content, {})
        changes = tuple(_change(row, before) for row in report.written)
        transaction.set_rollback(True)
    organization = content["organizations"][0]
    return Preview(changes, organization["name"], organization["id"], placeholders)


def take_in(raw: bytes, given: Mapping[str, str], by: str = REASON) -> Report:
    """Apply the file with these secrets, in one transaction and in the name of `by`.

    Raises ConfigurationError.
    """
    tree = _tree(raw)
    _fill(tree, given, preview=False)
    return apply_checked(tree, _checked(tree), {}, by)


def _tree(raw: bytes) -> Tree:
    if len(raw) > MAX_BYTES:
        shown = _("it is larger than {size} MB").format(size=MAX_BYTES // 1024**2)
        raise ConfigurationError([Problem((), shown)])
    return read(raw)


# -- Secrets -------------------------------------------------------------------------------------


def _places(tree: Tree) -> Iterator[tuple[Path, str]]:
    """Yield each place of the file where a secret may stand, and the text there."""
    for path, value in _texts(tree.value):
        match path:
            case ("sources", int(), "fetch" | "listing_api", "password" | "token"):
                yield path, value
            case ("sources", int(), "basic", int(), "secret"):
                yield path, value
            case ("sources", int(), "signing_secrets", int()):
                yield path, value
            case ("destinations", int(index), "options", str(name)):
                if _is_secret(tree.value["destinations"][index], name):
                    yield path, value


def _texts(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, one in list(inner):
            yield from _texts(one, (*path, key))


def _is_secret(destination: Any, name: str) -> bool:
    kind = destination.get("kind") if isinstance(destination, dict) else None
    if kind not in destinations.names():
        return False
    fields = destinations.transport_class(kind).OptionsForm.base_fields
    return isinstance(fields.get(name), SecretField)


def _placeholders(tree: Tree) -> Iterator[Placeholder]:
    found: dict[str, list[Path]] = {}
    for path, text in _places(tree):
        if text.startswith(ENVIRONMENT):
            found.setdefault(text.removeprefix(ENVIRONMENT), []).append(path)
    for name, paths in found.items():
        label = ", ".join(_label(tree, path) for path in paths)
        yield Placeholder(name, label, stored=all(_stored(tree, path) for path in paths))


def _label(tree: Tree, path: Path) -> str:
    words = [key for key in path[2:] if isinstance(key, str) and key != "options"]
    return f"{_at(tree.value, path[:2]).get('name', '')}: {' '.join(words).replace('_', ' ')}"


def _fill(tree: Tree, given: Mapping[str, str], *, preview: bool) -> None:
    """Put secrets in the place of placeholders; raises ConfigurationError for those missing."""
    missing = []
    for path, text in list(_places(tree)):
        if not text.startswith(ENVIRONMENT):
            continue
        name = text.removeprefix(ENVIRONMENT)
        secret = given.get(name) or _stored(tree, path) or (_PLACEHOLDER if preview else "")
        if not secret:
            missing.append(
                Problem(path, _("fill in the secret {name}").format(name=name), tree.line(path))
            )
        elif path[0] == "destinations" and not given.get(name) and secret != _PLACEHOLDER:
            del _at(tree.value, path[:-1])[path[-1]]  # left out, it stays as it is stored
        else:
            _at(tree.value, path[:-1])[path[-1]] = secret
    if missing:
        raise ConfigurationError(missing)


def _at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def _stored(tree: Tree, path: Path) -> str | None:
    """Return the secret that is stored for this place of the file, if there is one."""
    entry = _at(tree.value, path[:2])
    if path[0] == "destinations":
        names = {"organization__caredove_id": entry.get("organization"), "name": entry.get("name")}
        destination = Destination.objects.filter(**_texts_only(names)).first()
        return destination.options.get(path[3]) if destination else None
    source = Source.objects.filter(**_texts_only({"name": entry.get("name")})).first()
    match path[2:], source:
        case _, None:
            return None
        case ("fetch", name), Source():
            return str(getattr(source, f"fetch_{name}") or "")
        case ("listing_api", _), Source() if _same_host(entry, source):
            return source.listings_password
    return None


def _texts_only(names: dict[str, Any]) -> dict[str, str]:
    return {key: name if isinstance(name, str) else "" for key, name in names.items()}


def _same_host(entry: Any, source: Source) -> bool:
    """Return whether the stored password is for the host that the file names."""
    url = str(entry["listing_api"].get("url", ""))
    return urlsplit(url)[:2] == urlsplit(source.listings_url)[:2]


# -- One organization ----------------------------------------------------------------------------


def _checked(tree: Tree) -> Content:
    content = check(tree, {})
    named = [entry["id"] for entry in content.get("organizations", [])]
    if len(named) != 1:
        shown = _("one organization is expected here; apply_config takes files with several")
        raise ConfigurationError([Problem(("organizations",), shown)])
    foreign = [*_of_the_portal(content), *_foreign(content, named[0])]
    problems = [Problem(path, shown, tree.line(path)) for path, shown in foreign]
    if problems:
        raise ConfigurationError(problems)
    return content


def _of_the_portal(content: Content) -> Iterator[tuple[Path, str]]:
    for name in keys.added:
        if name in content:
            yield (name,), _("this belongs to the whole portal; apply_config takes it")


def _foreign(content: Content, owner: str) -> Iterator[tuple[Path, str]]:
    """Yield each part of the file that is not this organization's, and why it is not taken in."""
    for index, source in enumerate(content.get("sources", [])):
        if source.get("organizations") != [owner]:
            shown = _("a source is taken in with organization “{owner}” alone").format(owner=owner)
            yield ("sources", index, "organizations"), shown
        elif not _is_free(source["name"], owner):
            shown = _not_alone(source["name"], owner)
            yield ("sources", index, "name"), shown
    yield from _foreign_destinations(content, owner)
    for index, mapping in enumerate(content.get("mappings", [])):
        if mapping.get("organization", owner) != owner:
            yield (
                ("mappings", index, "organization"),
                _("this is not “{owner}”").format(owner=owner),
            )
    for index, trigger in enumerate(content.get("triggers", [])):
        if _is_of_another(trigger["listing"], owner):
            shown = _("this listing is not one of “{owner}”").format(owner=owner)
            yield ("triggers", index, "listing"), shown


def _not_alone(source: str, owner: str) -> str:
    text = _("the source “{source}” here is not that of “{owner}” alone")
    return text.format(source=source, owner=owner)


def _foreign_destinations(content: Content, owner: str) -> Iterator[tuple[Path, str]]:
    for index, destination in enumerate(content.get("destinations", [])):
        if destination["organization"] != owner:
            yield (
                ("destinations", index, "organization"),
                _("this is not “{owner}”").format(owner=owner),
            )
        partner = partner_named(destination)
        if partner and not _is_free(partner, owner):
            shown = _not_alone(partner, owner)
            yield ("destinations", index, "options", "partner"), shown


def _is_free(name: str, owner: str) -> bool:
    source = Source.objects.filter(name=name).first()
    if source is None:
        return True
    return list(source.organizations.values_list("caredove_id", flat=True)) == [owner]


def _is_of_another(listing: str, owner: str) -> bool:
    found = ServiceListing.objects.filter(caredove_id=listing)
    return found.exclude(organization__caredove_id=owner).exists()


# -- What it changed -----------------------------------------------------------------------------


def _newest_records() -> dict[type[models.Model], int]:
    """Return how far each history goes before anything is applied."""
    return {
        model: sort.model.history.aggregate(newest=models.Max("history_id"))["newest"] or 0  # type: ignore[attr-defined]
        for model, sort in SORTS.items()
    }


def _change(row: Any, before: Mapping[type[models.Model], int]) -> Change:
    if isinstance(row, FieldMapping):
        newest, *earlier = row.versions.all()[:2]
        return change_of_mapping(newest, earlier[0] if earlier else None)
    records = SORTS[type(row)].records.filter(id=row.pk).order_by("-history_id")
    earlier = records.filter(history_id__lte=before[type(row)]).first()
    newest = records.first()
    if newest == earlier:  # a word of the file alone, which the row's history does not hold
        return replace(change_of(newest, earlier), effect=Effect.CHANGED, differences=[DECLARED])
    return change_of(newest, earlier)
