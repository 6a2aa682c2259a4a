"""What the readers of a FHIR message leave: rule 14 of the contract.

What belongs to the registrant, the requester, the referral or its appointment is kept member by
member. Every other resource (a condition, an allergy, another participant) is kept in one line
of its own, with its text, status, value and date.
"""

import re
from collections.abc import Container, Iterator
from hashlib import sha256
from typing import Any

from core.text.markup import one_line
from integrations.sources.account import Account, Rule, is_empty
from integrations.sources.caredove import identity
from integrations.sources.caredove.fhir.bundle import Resource
from integrations.sources.caredove.fhir.words.concepts import is_retracted
from integrations.sources.caredove.fhir.words.phrases import Phrases
from integrations.sources.caredove.fhir.words.shapes import (
    is_extension,
    is_telecom,
    plain,
    repeats,
)
from integrations.sources.caredove.fhir.words.vocabulary import (
    BARE,
    CODES,
    COMING,
    KINDS,
    MARKS,
    NAME_PARTS,
    ORDINARY,
    REACHED_BY,
    STATEFUL,
    STATES,
    SUBJECTS,
    TECHNICAL,
    UNITS,
    VALUES,
    extension_label,
    is_date,
    stem,
)
from integrations.sources.caredove.links import without_sign_in_links
from integrations.sources.caredove.reading.also_sent import humanized
from integrations.sources.warnings import Warning
from mapping.source.document import Alias, AlsoSent, Withdrawn

NUL = "\0"
# What says nothing without the value that it is said of.
_SHELL = MARKS | {"id", "required", "status"}


class FhirAlsoSent(Phrases):
    """Tells what is left of a bundle."""

    # -- Resources -------------------------------------------------------------------------------

    def read(self) -> list[AlsoSent]:
        """Tell all that is left, resource by resource."""
        for resource in self.bundle.everything():
            if self.is_done(resource.members):
                continue
            self.owner = resource
            if group := self.groups.get(id(resource.members)):
                self.rest_of(resource.members, group)
            else:
                self.line_of(resource)
        self.owner = self.bundle.nothing
        self.rest_of(self.bundle.root.members, "Message")
        return self.found

    def line_of(self, resource: Resource) -> None:
        """Tell a resource in one line of its own: what it is, its value, its state, its date."""
        group = KINDS.get(resource.kind) or humanized(resource.kind) or "Message"
        members = resource.members
        main = next((key for key in SUBJECTS if not is_empty(members.get(key))), "")
        if not main and members.keys() <= BARE:
            resource.leave_out(Rule.TECHNICAL)
            return
        texts = {key: self._text(members, key, group) for key in _in_order(members, main)}
        dates = [text for key, text in texts.items() if is_date(key) and text]
        rest = [text for key, text in texts.items() if text and key != main and not is_date(key)]
        name = texts.get(main, "")
        if not name and (rest or dates):
            # What it is stands elsewhere too, where it is used; its state says nothing without it.
            name = self.name_of(resource, group) or self._of_main(resource, main)
        text = ", ".join(filter(None, [name, *rest]))
        if dates:
            text = f"{text} ({', '.join(dates)})" if text else ", ".join(dates)
        key = _own_key(resource, texts.get(main, ""))
        self.add(group, "", text, key)
        if (
            text
            and resource.key
            and not resource.has_random_key
            and identity.is_local(resource.key)
        ):
            self.aliases.append(Alias(part="also_sent", id=_named(resource), keys=[key]))

    def _of_main(self, resource: Resource, main: str) -> str:
        """Return what a resource is about where that is kept elsewhere, too."""
        if not main.endswith("Reference"):
            return plain(resource.members.get(main))
        target = self.bundle.resolve(resource.child(main, bare="reference"), resource)
        return self.name_of(target, "") if target else ""

    def _text(self, members: Any, key: str, group: str) -> str:
        value, address = members[key], (id(members), key)
        if is_empty(value) or self.account.is_settled(address):
            return ""
        if self._has_contained_resources(members, key):
            return ""
        if self.is_technical(key, value, members):
            self.account.leave_out(address, Rule.TECHNICAL)
            return ""
        if self._partly_used(value):
            # Its own line would tell it out of its place.
            self.member(members, key, value, group, ())
            return ""
        text = self.say(members, key, value, group)
        if text and key in UNITS:
            return f"{text} {UNITS[key]}"
        plain = key in (*SUBJECTS, *STATES) or is_date(key) or stem(key) == "value"
        return text if plain or not text else f"{self.label(key).lower()} {text}".strip()

    def _has_contained_resources(self, container: Any, key: str | int) -> bool:
        """Return whether a member holds the contained resources of a resource of the bundle."""
        if key != "contained" or container is not self.owner.members or self.owner.container:
            return False
        sent = container[key]
        return all(isinstance(part, dict) for part in (sent if isinstance(sent, list) else [sent]))

    # -- Members ---------------------------------------------------------------------------------

    def member(
        self, container: Any, key: str | int, value: Any, group: str, labels: tuple[str, ...]
    ) -> None:
        if self._has_contained_resources(container, key):
            return
        if isinstance(key, int) and isinstance(value, dict):
            if "url" in value and is_extension(value):
                labels = (*labels, extension_label(value.get("url")))
            elif str(value.get("system")) in REACHED_BY and "value" in value:
                labels = (*labels[:-1], REACHED_BY[str(value["system"])])
            elif labels and (kind := _kind_of(value)):
                labels = (*labels[:-1], kind)
        super().member(container, key, value, group, labels)

    def rest_of_part(self, part: dict[str, Any], group: str, labels: tuple[str, ...]) -> None:
        """Tell the rest of a value that is used: not its marks, nor a text that repeats it."""
        for key in part.keys() & MARKS:
            self.settle((id(part), key))
        if "reference" in part or "display" in part:
            for key in ("reference", "identifier"):
                self.settle((id(part), key))
        if "actor" in part and part.get("status") in COMING:
            self.settle((id(part), "status"))
        if part.keys() & {"family", "given"}:
            self._whole_name(part, group, labels)
        if "coding" in part:
            self._other_names(part, group, labels)
        text = part.get("text")
        if isinstance(text, str) and repeats(text, part):
            self.settle((id(part), "text"), Rule.REPEATED)
        if "code" in part and not is_empty(part.get("display")):
            self.settle((id(part), "code"))
        super().rest_of_part(part, group, labels)

    def _whole_name(self, part: dict[str, Any], group: str, labels: tuple[str, ...]) -> None:
        """Tell the name whole where the document does not take all of its parts."""
        left = [key for key in NAME_PARTS if _has_rest(self.account, part, key)]
        if not left:
            return
        words = [one_line(str(word)) for key in NAME_PARTS for word in _items(part.get(key))]
        label = ": ".join(labels)
        self.add(group, label, without_sign_in_links(" ".join(words)))
        for key in left:
            self.say(part, key, part[key], f"{group}: {label}")

    def _other_names(self, concept: dict[str, Any], group: str, labels: tuple[str, ...]) -> None:
        """Tell names of a code beside the one that is used; the code itself is technical."""
        text = self._concept(concept, f"{group}: {': '.join(labels)}")
        self.add(group, ": ".join(labels), text)

    def labelled(self, labels: tuple[str, ...], key: str) -> tuple[str, ...]:
        if key in ("extension", "modifierExtension"):
            return labels
        return super().labelled(labels, key)

    def marks_of(self, part: dict[str, Any]) -> Container[str]:
        is_passed_on = self.account.is_passed_on
        for key in VALUES:
            value = part.get(key)
            address = (id(value), 0) if isinstance(value, list) else (id(part), key)
            if value and is_passed_on(address):
                return CODES if key == "display" else MARKS
        return ()

    def is_shell(self, value: Any) -> bool:
        if not isinstance(value, dict):
            return False
        has_one = False
        for key, part in value.items():
            if is_empty(part):
                continue
            if key not in _SHELL or isinstance(part, dict):
                return False
            has_one = True
        return has_one

    def is_technical(self, key: str, value: Any, container: Any) -> bool:
        if key in ("url", "id") or key in TECHNICAL:
            return True
        if key == "system":
            return not is_telecom(container)
        if key == "text" and isinstance(value, dict) and "div" in value:
            return self._is_repeated_elsewhere(value, container)
        if key in STATES and str(container.get("resourceType")) in STATEFUL:
            return str(value).lower() in ORDINARY
        if key == "active":
            return value is True
        if key == "source" and container.get("resourceType") == "MessageHeader":
            return True
        if key in ("entry", "type") and container is self.bundle.root.members:
            return True
        return not key.startswith("value") and super().is_technical(key, value, container)

    def _is_repeated_elsewhere(self, narrative: dict[str, Any], container: Any) -> bool:
        """Return whether a narrative only repeats its resource; a section says all in its own."""
        if "resourceType" not in container or narrative.get("status") == "additional":
            return False
        return container["resourceType"] in STATEFUL or not self._only_narrative(container)

    def _only_narrative(self, container: Any) -> bool:
        """Return whether a resource says nothing but its narrative."""
        usual = {"resourceType", "id", "text", "meta", "status", "extension", "contained"}
        return all(key in usual for key in container)


def _kind_of(part: dict[str, Any]) -> str:
    """Return whose or which a part is, of several: the type of an identifier, a contact's name."""
    if "relationship" in part and (name := plain(part.get("name"))):
        return f"Contact {without_sign_in_links(one_line(name))}"
    kind = plain(part.get("type")) if "value" in part else ""
    return without_sign_in_links(one_line(kind))


def withdrawn_in(resource: Resource, *, alone: bool = True) -> Iterator[Withdrawn]:
    """Yield what a resource that was entered in error takes back of what was also sent.

    `alone`: it takes nothing else back, so that staff are warned where nobody knows what it means.
    """
    main = next((key for key in SUBJECTS if not is_empty(resource.members.get(key))), "")
    about = plain(resource.members.get(main))
    yield Withdrawn(part="also_sent", key=_own_key(resource, about))
    is_own = not (resource.has_random_key or identity.is_local(resource.key))
    if alone and not about and not is_own:
        resource.account.warn(Warning(resource.kind, "withdrawn_unknown"))
        yield Withdrawn(part="also_sent", id=_named(resource))


def is_withdrawn(resource: Resource) -> bool:
    """Return whether a resource takes itself back."""
    if "verificationStatus" not in resource.members:
        return is_retracted(resource)
    state = resource.child("verificationStatus", bare="text")
    codes = {coding.word("code") for coding in state.children("coding")} | {state.word("text")}
    return is_retracted(resource) or "entered-in-error" in codes


def _kind(resource: Resource) -> str:
    return re.sub("[^A-Za-z]", "", without_sign_in_links(resource.kind))[:40]


def _named(resource: Resource) -> str:
    """Return the id of a resource with its kind: perhaps the message's own."""
    return f"{_kind(resource)}/{identity.key(resource.key)}"


def _own_key(resource: Resource, main: str) -> str:
    """Return a key that the resource has in every message.

    An id that may be the message's own tells it apart only together with what it is about.
    """
    kind = _kind(resource)
    own = "" if resource.has_random_key else resource.key
    if identity.is_reference(own) and not identity.is_local(own):
        return f"{kind}/{own}"
    return f"{kind}/{sha256(f'{own}{NUL}{main}'.encode()).hexdigest()[:24]}"


def _in_order(members: Any, main: str) -> list[str]:
    values = [key for key in members if stem(key) == "value" and key != main]
    states = [key for key in STATES if key in members]
    first = [key for key in [main, *values, *states] if key]
    return [*first, *(key for key in members if key not in first)]


def _items(value: Any) -> list[Any]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str) and item.strip()]


def _has_rest(account: Account, part: dict[str, Any], key: str) -> bool:
    """Return whether something of a member is not settled."""
    value = part.get(key)
    if isinstance(value, list):
        return any(not account.is_settled((id(value), i)) for i, _ in enumerate(value) if value[i])
    return not is_empty(value) and not account.is_settled((id(part), key))
