"""A message bundle: its resources, found by whatever way of referring the sender chose."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from integrations.sources.caredove.events import UUID_LIKE
from integrations.sources.caredove.fields import Fields, Warnings

URN = "urn:uuid:"


class Resource(Fields):
    """One resource of a bundle. `key` is its id: its own, else the one in its `fullUrl`."""

    __slots__ = ("full_url", "key", "kind")

    def __init__(self, members: Any, full_url: str, warnings: Warnings) -> None:
        fields = Fields(members, "", warnings)
        self.kind = fields.id("resourceType")
        self.full_url = full_url
        self.key = fields.id("id") or full_url.removeprefix(URN).rstrip("/").rpartition("/")[2]
        super().__init__(members, self.kind, warnings)

    @property
    def has_random_key(self) -> bool:
        """Whether the id is a UUID that this message alone may have made up."""
        return self.full_url.startswith(URN) and bool(UUID_LIKE.fullmatch(self.key))


class Bundle:
    """The resources of a message, in its order."""

    def __init__(self, root: Fields, warnings: Warnings) -> None:
        self.root = root
        self.warnings = warnings
        self.resources = [
            Resource(entry.raw("resource"), entry.url("fullUrl"), warnings)
            for entry in root.children("entry")
            if isinstance(entry.raw("resource"), dict)
        ]
        self.nothing = Resource({}, "", warnings)
        self._held: dict[int, dict[str, Resource]] = {}  # contained, by their owner's members

    @cached_property
    def header(self) -> Resource:
        """The first MessageHeader; empty when there is none."""
        return next(iter(self.of_kind("MessageHeader")), self.nothing)

    def of_kind(self, kind: str) -> list[Resource]:
        """Return the resources of a kind."""
        return [resource for resource in self.resources if resource.kind == kind]

    def only(self, kind: str) -> Resource:
        """Return the resource of a kind when there is exactly one, else an empty one."""
        found = self.of_kind(kind)
        return found[0] if len(found) == 1 else self.nothing

    def follow(self, owner: Fields, key: str) -> Resource:
        """Return what the reference in a member points to; empty when it is not in the bundle."""
        return next(iter(self.follow_all(owner, key)), self.nothing)

    def follow_all(self, owner: Fields, key: str) -> list[Resource]:
        """Return what the references in a member point to, as far as it is in the bundle."""
        found = (self.resolve(reference, owner) for reference in references_in(owner, key))
        return [resource for resource in found if resource]

    def listed(self, owner: Fields, key: str, kind: str) -> list[Resource]:
        """Return the resources of a kind, each once: those in a member first, in its order."""
        named = [resource for resource in self.follow_all(owner, key) if resource.kind == kind]
        return list({id(r): r for r in [*named, *self.of_kind(kind)]}.values())

    def resolve(self, reference: Fields, owner: Fields) -> Resource:
        """Return what a reference points to; empty when it is not in the bundle."""
        target = reference.url("reference")
        if target.startswith("#"):
            return self._contained(owner, target[1:])
        if found := self.named(target):
            return found
        identifier = reference.child("identifier")
        return self._by_identifier.get(_identity(identifier), self.nothing)

    def named(self, target: str) -> Resource:
        """Return the resource that an address, `Type/id`, `urn:uuid:` or bare id names."""
        target = target.partition("/_history/")[0]
        ways = (target, "/".join(target.split("/")[-2:]))
        found = (self._by_name[name] for name in ways if name in self._by_name)
        return next(found, self.nothing)

    @cached_property
    def _by_name(self) -> dict[str, Resource]:
        index: dict[str, Resource] = {}
        for names in (_exact_names, _loose_names):
            for resource in self.resources:
                for name in names(resource):
                    index.setdefault(name, resource)
        return index

    @cached_property
    def _by_identifier(self) -> dict[tuple[str, str], Resource]:
        index: dict[tuple[str, str], Resource] = {}
        for resource in self.resources:
            for identifier in resource.children("identifier"):
                if identifier.id("value") and identifier.id("system"):
                    index.setdefault(_identity(identifier), resource)
        return index

    def _contained(self, owner: Fields, key: str) -> Resource:
        held = self._held.get(id(owner.members))
        if held is None:
            inner = [Resource(f.members, "", self.warnings) for f in owner.children("contained")]
            held = self._held[id(owner.members)] = {r.key: r for r in reversed(inner)}
        return held.get(key, self.nothing)


def references_in(owner: Fields, key: str) -> list[Fields]:
    """Return the references of a member: a list, one object, or a bare string."""
    return owner.children(key, bare="reference")


def referred_key(reference: Fields, kind: str) -> str:
    """Return the id in a reference to a resource of the kind, whether or not it is there."""
    target = reference.url("reference").partition("/_history/")[0]
    if target.startswith(("#", URN)):
        return ""
    head, _, key = target.rpartition("/")
    types = {head.rpartition("/")[2], reference.id("type")} - {""}
    return key if types <= {kind} else ""


def _exact_names(resource: Resource) -> Iterator[str]:
    yield from (name for name in (resource.full_url,) if name)
    if resource.key:
        yield f"{resource.kind}/{resource.key}"
        yield f"{URN}{resource.key}"


def _loose_names(resource: Resource) -> Iterator[str]:
    yield from (name for name in (resource.key,) if name)


def _identity(identifier: Fields) -> tuple[str, str]:
    return identifier.id("system"), identifier.id("value")
