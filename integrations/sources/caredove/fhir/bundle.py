"""A message bundle: its resources, found by whatever way of referring the sender chose."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from integrations.sources.account import Rule
from integrations.sources.caredove.events import UUID_LIKE
from integrations.sources.caredove.reading.fields import Fields, Reading

URN = "urn:uuid:"
SERVICE_REQUEST, DOCUMENT = "ServiceRequest", "DocumentReference"


class Resource(Fields):
    """One resource of a bundle. `key` is its id: its own, else the one in its `fullUrl`.

    A contained resource has the one that contains it as its `container`.
    """

    __slots__ = ("container", "full_url", "key", "kind")

    def __init__(
        self,
        members: Any,
        full_url: str,
        account: Reading,
        container: "Resource | None" = None,
    ) -> None:
        fields = Fields(members, "", account)
        self.kind = fields.id("resourceType")
        self.full_url = without_version(full_url)
        own = self.full_url[len(URN) :] if is_urn(self.full_url) else self.full_url
        self.key = fields.id("id") or own.rstrip("/").rpartition("/")[2]
        self.container = container
        super().__init__(members, self.kind, account)

    @property
    def has_random_key(self) -> bool:
        """Whether the id is a UUID that this message alone may have made up."""
        return is_urn(self.full_url) and bool(UUID_LIKE.fullmatch(self.key))


class Bundle:
    """The resources of a message, in its order."""

    def __init__(self, root: Fields, account: Reading) -> None:
        self.root = root
        self.account = account
        self.resources = [
            Resource(entry.raw("resource"), entry.url("fullUrl"), account)
            for entry in root.children("entry")
            if isinstance(entry.raw("resource"), dict)
        ]
        self.nothing = Resource({}, "", account)
        # By the members of their container: those that it contains; and the same by their keys.
        self._inside: dict[int, list[Resource]] = {}
        self._inside_by_key: dict[int, dict[str, list[Resource]]] = {}
        self._left_out: dict[int, Rule] = {}  # by their members

    @cached_property
    def at(self) -> datetime:
        """The time of the message, for periods that have ended; now where it does not say."""
        return self.occurred_at or datetime.now(UTC)

    @cached_property
    def occurred_at(self) -> datetime | None:
        """The time that the message gives itself."""
        header, root = self.header, self.root
        candidates = (
            root.moment("timestamp"),
            header.moment("timestamp"),
            header.child("meta").moment("lastUpdated"),
            root.child("meta").moment("lastUpdated"),
            root.moment("last_updated"),
        )
        return next(filter(None, candidates), None)

    @cached_property
    def header(self) -> Resource:
        """The first MessageHeader; empty when there is none."""
        return next(iter(self.of_kind("MessageHeader")), self.nothing)

    @cached_property
    def shared_identifiers(self) -> set[str]:
        """The identifiers that cannot tell a document: the referral's, or of several (rule 17)."""
        requests = [r for r in self.resources if r.kind == SERVICE_REQUEST]
        found = {request.key for request in requests}
        found |= {i.id("value") for request in requests for i in request.children("identifier")}
        seen: set[str] = set()
        for document in (r for r in self.resources if r.kind == DOCUMENT):
            values = {identifier.id("value") for identifier in document.children("identifier")}
            found |= values & seen
            seen |= values
        return found

    def leave_out(self, resource: Resource, rule: Rule) -> None:
        """Leave out a resource by a rule: from now on no reader finds it."""
        resource.leave_out(rule)
        self._left_out[id(resource.members)] = rule

    def left_out_by(self, resource: Resource) -> Rule | None:
        """Return the rule by which a resource, or what contains it, is left out."""
        if not self._left_out:
            return None
        container = resource.container or resource
        own = self._left_out.get(id(resource.members))
        return own or self._left_out.get(id(container.members))

    def everything(self) -> Iterator[Resource]:
        """Yield every resource, each followed by those that it contains."""
        for resource in self.resources:
            if not self.left_out_by(resource):
                yield resource
                yield from (r for r in self.contained(resource) if not self.left_out_by(r))

    def contained(self, resource: Resource) -> list[Resource]:
        """Return the resources that one contains."""
        if "contained" not in resource.members:
            return []
        found = self._inside.get(id(resource.members))
        if found is None:
            found = [
                Resource(inner.members, "", self.account, resource)
                for inner in resource.children("contained")
            ]
            self._inside[id(resource.members)] = found
        return found

    @cached_property
    def places(self) -> dict[int, int]:
        """The place of each resource among those of its kind, from 1, by its members."""
        found: dict[int, int] = {}
        counted: dict[str, int] = {}
        for resource in self.resources:
            counted[resource.kind] = counted.get(resource.kind, 0) + 1
            found[id(resource.members)] = counted[resource.kind]
        return found

    def of_kind(self, kind: str) -> list[Resource]:
        """Return the resources of a kind."""
        return [r for r in self.resources if r.kind == kind and not self.left_out_by(r)]

    def only(self, kind: str) -> Resource:
        """Return the resource of a kind when there is exactly one, else an empty one."""
        found = self.of_kind(kind)
        return found[0] if len(found) == 1 else self.nothing

    def follow(self, owner: Fields, key: str) -> Resource:
        """Return what the reference in a member points to; empty when it is not in the bundle."""
        return next(iter(self.follow_all(owner, key)), self.nothing)

    def follow_all(self, owner: Fields, key: str) -> list[Resource]:
        """Return what the references in a member point to, as far as it is in the bundle."""
        return self.follow_all_from(owner, key, owner)

    def follow_all_from(self, part: Fields, key: str, owner: Fields) -> list[Resource]:
        """Return the same for a member of a part of the owner."""
        found = (self.resolve(reference, owner) for reference in references_in(part, key))
        return [resource for resource in found if resource and not self.left_out_by(resource)]

    def listed(self, owner: Fields, key: str, kind: str) -> list[Resource]:
        """Return the resources of a kind, each once: those in a member first, in its order."""
        named = [resource for resource in self.follow_all(owner, key) if resource.kind == kind]
        return list({id(r): r for r in [*named, *self.of_kind(kind)]}.values())

    def resolve(self, reference: Fields, owner: Fields) -> Resource:
        """Return what a reference points to; empty when it is not in the bundle.

        Within a container its parts come first: from inside one of them, `#x` is its sibling.
        """
        target = reference.url("reference")
        if target and isinstance(owner, Resource) and (found := self._within(owner, target)):
            reference.leave_out(Rule.TECHNICAL, "reference")
            return found
        if not target.startswith("#") and (found := self.named(target)):
            reference.leave_out(Rule.TECHNICAL, "reference")
            return found
        identifier = reference.child("identifier")
        return self._by_identifier.get(_identity(identifier), self.nothing)

    def _within(self, owner: Resource, target: str) -> Resource:
        container = owner.container or owner
        if "contained" not in container.members:
            return self.nothing
        if target == "#" and owner.container:
            return container
        found = self._contained_by_key(container).get(target.removeprefix("#"), [])
        return next((resource for resource in found if resource is not owner), self.nothing)

    def _contained_by_key(self, container: Resource) -> dict[str, list[Resource]]:
        known = self._inside_by_key.get(id(container.members))
        if known is None:
            known = self._inside_by_key[id(container.members)] = {}
            for resource in self.contained(container):
                for key in {resource.key, resource.key.removeprefix("#")}:
                    known.setdefault(key, []).append(resource)
        return known

    def named(self, target: str) -> Resource:
        """Return the resource that an address, `Type/id`, `urn:uuid:` or bare id names."""
        if found := self._by_name.get(target):
            return found
        target = without_version(target)
        target = target.lower() if is_urn(target) else target
        last = "/".join(target.split("/")[-2:])
        return self._by_name.get(target) or self._by_name.get(last) or self.nothing

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


def references_in(owner: Fields, key: str) -> list[Fields]:
    """Return the references of a member: a list, one object, or a bare string."""
    return owner.children(key, bare="reference")


def referred_key(reference: Fields, kind: str) -> str:
    """Return the id in a reference to a resource of the kind, whether or not it is there."""
    target = without_version(reference.url("reference"))
    if target.startswith("#") or is_urn(target):
        return ""
    head, _, key = target.rpartition("/")
    types = {head.rpartition("/")[2], reference.id("type")} - {""}
    return key if types <= {kind} else ""


def without_version(target: str) -> str:
    """Return an address of a resource without that of its version."""
    return target.partition("/_history/")[0]


def is_urn(target: str) -> bool:
    """Return whether an address is a `urn:uuid:`, in whatever case."""
    return target[: len(URN)].lower() == URN


def _exact_names(resource: Resource) -> Iterator[str]:
    if url := resource.full_url:
        yield url.lower() if is_urn(url) else url
    if resource.key:
        yield f"{resource.kind}/{resource.key}"
        yield f"{URN}{resource.key}".lower()


def _loose_names(resource: Resource) -> Iterator[str]:
    yield from (name for name in (resource.key,) if name)


def _identity(identifier: Fields) -> tuple[str, str]:
    return identifier.id("system"), identifier.id("value")
