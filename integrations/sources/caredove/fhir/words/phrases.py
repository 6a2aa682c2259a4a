"""Values of a FHIR message in words, each by its type."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from core.text.markup import one_line
from integrations.sources.account import Fate, Rule, is_empty, leaves
from integrations.sources.caredove.fhir.bundle import Bundle, Resource
from integrations.sources.caredove.fhir.words import shapes, vocabulary
from integrations.sources.caredove.fhir.words.shapes import is_telecom, plain, repeats
from integrations.sources.caredove.fhir.words.vocabulary import (
    COMING,
    MEASURED,
    NAME_PARTS,
    NAMED,
    SUBJECTS,
    TELECOM,
    extension_label,
    stem,
)
from integrations.sources.caredove.links import without_sign_in_links
from integrations.sources.caredove.reading.also_sent import AlsoSentReader, humanized
from integrations.sources.caredove.reading.fields import PEEKING, Fields
from integrations.sources.warnings import Warning
from mapping.source.document import Alias


class Phrases(AlsoSentReader):
    """Says values of a bundle; `groups` has what the main resources are for people, by identity.

    `owner` is the resource whose values are put into words: its references are resolved from there.
    """

    def __init__(self, bundle: Bundle, groups: dict[int, str]) -> None:
        super().__init__(bundle.account)
        self.bundle = bundle
        self.groups = groups
        self.owner: Resource = bundle.nothing
        self.aliases: list[Alias] = []

    def label(self, key: str) -> str:
        return vocabulary.label(key)

    def phrase(self, part: dict[str, Any], where: str) -> str:
        for fits, say in _PHRASES:
            if fits(part):
                return say(self, part, where)
        if part.keys() <= {"id", "extension"}:
            return self._rest(part, where, set())
        if "div" in part:
            self.settle((id(part), "status"))
        return super().phrase(part, where)

    def _concept(self, part: dict[str, Any], where: str) -> str:
        """Return the text and every display; only where there is none, the code."""
        sent = part.get("coding")
        items = sent if isinstance(sent, list) else [sent]
        codings = [
            coding
            for index, coding in enumerate(items)
            if isinstance(coding, dict) and (id(sent), index) not in self.account.internal
        ]
        names = [self.say(part, "text", part.get("text"), where)]
        names += [self.say(coding, "display", coding.get("display"), where) for coding in codings]
        has_name = any(names) or any(map(self._is_named, [part, *codings]))
        names += [self._code(coding, where, silent=has_name) for coding in codings]
        if not codings:
            names.append(self.say(part, "coding", sent, where))
        elif isinstance(sent, list):
            names += [
                self.say(sent, index, item, where)
                for index, item in enumerate(sent)
                if not isinstance(item, dict)
            ]
        rest = self._rest(part, where, {"text", "coding"})
        return ", ".join(filter(None, [*dict.fromkeys(filter(None, names)), rest]))

    def _is_named(self, part: Any) -> bool:
        """Return whether a label of the code is used or kept."""
        return isinstance(part, dict) and any(
            not is_empty(part.get(key)) and self.account.is_passed_on((id(part), key))
            for key in ("text", "display")
        )

    def _code(self, coding: dict[str, Any], where: str, *, silent: bool) -> str:
        for key in ("system", "version", "userSelected", "id"):
            if key in coding:
                self.settle((id(coding), key))
        if silent and "code" in coding:
            self.settle((id(coding), "code"))
        return self._rest(coding, where, {"display"})

    def _coding(self, part: dict[str, Any], where: str) -> str:
        name = self.say(part, "display", part.get("display"), where)
        return ", ".join(filter(None, [name, self._code(part, where, silent=bool(name))]))

    def _reference(self, part: dict[str, Any], where: str) -> str:
        """Return what a reference says: its display, else whom or what it points to."""
        target = self.bundle.resolve(Fields(part, "", PEEKING), self.owner)
        if rule := self.bundle.left_out_by(target):
            for key in part:
                self.settle((id(part), key), rule)
            return ""
        name = self.say(part, "display", part.get("display"), where)
        self.settle((id(part), "reference"))
        if taken := self._taken(target, name, where):
            return ", ".join(filter(None, [taken, self._rest(part, where, {"display"})]))
        if target and (id(target.members) in self.groups or target.kind not in NAMED):
            # What it points to is told by itself.
            for key in ("type", "identifier", "display"):
                self.settle((id(part), key), Rule.REPEATED)
            return self._rest(part, where, set())
        if name or target:
            for key in ("type", "identifier"):
                if key in part:
                    self.settle((id(part), key))
        if not name and target:
            name = self.name_of(target, where)
        return ", ".join(filter(None, [name, self._rest(part, where, {"display"})]))

    def _taken(self, target: Resource, name: str, where: str) -> str:
        """Return the name of a medication: a dose means nothing apart from what is taken."""
        if target.kind != "Medication":
            return ""
        return name or self.say(target.members, "code", target.raw("code"), where)

    def _participant(self, part: dict[str, Any], where: str) -> str:
        """Return who takes part, and whether they come: `Boris Kahn (declined)`."""
        actor = part["actor"] if isinstance(part["actor"], dict) else {}
        if part.get("status") in COMING:
            self.settle((id(part), "status"))
        target = self.bundle.resolve(Fields(actor, "", PEEKING), self.owner)
        name = self.say(part, "actor", part["actor"], where)
        status = self.say(part, "status", part.get("status"), where)
        rest = self._rest(part, where, {"actor", "status"})
        if not name and (status or rest):
            kind = target.kind or str(actor.get("reference", "")).rpartition("/")[0]
            name = self.groups.get(id(target.members), "") or humanized(kind) or "Somebody"
        return ", ".join(filter(None, [f"{name} ({status})" if status else name, rest]))

    def name_of(self, target: Resource, where: str) -> str:
        """Return the name of what a reference points to, which has its own line otherwise."""
        for key in ("name", *SUBJECTS):
            if text := one_line(plain(target.members.get(key))):
                return without_sign_in_links(text)
        if target.kind == "PractitionerRole":
            reference = target.child("practitioner", bare="reference")
            inner = self.bundle.resolve(reference, target)
            if inner and inner is not target:
                return self.name_of(inner, where)
            return without_sign_in_links(one_line(plain(reference.members)))
        return ""

    def _name(self, part: dict[str, Any], where: str) -> str:
        words = [self.say(part, key, part[key], where) for key in NAME_PARTS if key in part]
        name = " ".join(word.replace(", ", " ") for word in words if word)
        if isinstance(part.get("text"), str) and repeats(part["text"], part):
            self.settle((id(part), "text"), Rule.REPEATED)
        use = part.get("use")
        if use in ("usual", "official", None) and "use" in part:
            self.settle((id(part), "use"))
        return ", ".join(filter(None, [name, self._rest(part, where, set(NAME_PARTS))]))

    def _address(self, part: dict[str, Any], where: str) -> str:
        if isinstance(part.get("text"), str) and repeats(part["text"], part):
            self.settle((id(part), "text"), Rule.REPEATED)
        order = ("text", "line", "city", "state", "postalCode", "country")
        texts = [self.say(part, key, part[key], where) for key in order if key in part]
        marks = [self.say(part, key, part.get(key), where) for key in ("use", "type", "period")]
        mark = ", ".join(filter(None, marks))
        text = ", ".join(filter(None, [*texts, self._rest(part, where, {*order})]))
        return f"{text} ({mark})" if mark else text

    def _period(self, part: dict[str, Any], where: str) -> str:
        return self._from_to(part, "start", "end", where)

    def _range(self, part: dict[str, Any], where: str) -> str:
        return self._from_to(part, "low", "high", where)

    def _from_to(self, part: dict[str, Any], first: str, last: str, where: str) -> str:
        start = self.say(part, first, part.get(first), where)
        end = self.say(part, last, part.get(last), where)
        if start and end:
            text = f"{start} to {end}"
        else:
            text = f"from {start}" if start else f"until {end}" if end else ""
        return ", ".join(filter(None, [text, self._rest(part, where, {first, last})]))

    def _measured(self, part: dict[str, Any], where: str) -> str:
        """Return what was measured or asked with its value: "Systolic: 120 mmHg"."""
        (key,) = (key for key in part if key.startswith("value") and key != "value")
        names = [self.say(part, name, part.get(name), where) for name in MEASURED]
        texts = [", ".join(filter(None, names)), self.say(part, key, part[key], where)]
        rest = self._rest(part, where, {key, *MEASURED})
        return ", ".join(filter(None, [": ".join(filter(None, texts)), rest]))

    def _ratio(self, part: dict[str, Any], where: str) -> str:
        order = ("numerator", "denominator")
        texts = [self.say(part, key, part.get(key), where) for key in order]
        return " / ".join(filter(None, [*texts, self._rest(part, where, {*order})]))

    def _quantity(self, part: dict[str, Any], where: str) -> str:
        if "unit" in part and "code" in part:
            self.settle((id(part), "code"))
        order = ("comparator", "value", "unit", "code", "currency")
        texts = [self.say(part, key, part[key], where) for key in order if key in part]
        return " ".join([*filter(None, texts), self._rest(part, where, set(order))]).strip()

    def _value(self, part: dict[str, Any], where: str) -> str:
        """Return an identifier or a way to reach somebody, with its kind behind it."""
        text = self.say(part, "value", part["value"], where)
        if not text:  # an id that is for machines: its kind says nothing without it
            for key in part:
                self.settle((id(part), key))
            return ""
        kind = self.say(part, "type", part.get("type"), where)
        marks = ["" if where.endswith(f": {kind}") else kind]
        if is_telecom(part):
            system = part.get("system")
            self.settle((id(part), "system"))
            kind = TELECOM.get(str(system), "")
            marks += ["" if where.endswith(kind) else kind]
            marks += [self.say(part, key, part.get(key), where) for key in ("use", "period")]
        elif "use" in part:
            self.settle((id(part), "use"))
        if "rank" in part:
            self.settle((id(part), "rank"))
        marks = [mark for mark in marks if mark]
        text = f"{text} ({', '.join(marks)})" if marks else text
        return ", ".join(filter(None, [text, self._rest(part, where, {"value", "type"})]))

    def _extension(self, part: dict[str, Any], where: str) -> str:
        text = self._rest(part, where, {"url"})
        if "url" in part:
            self.settle((id(part), "url"))
        if not text and not self._is_settled_on_purpose(part):
            self.account.warn(Warning(f"{self.owner.kind}.extension", "unknown_extension"))
        return text

    def _is_settled_on_purpose(self, part: dict[str, Any]) -> bool:
        """Return whether an extension is used, or left out because of what it says."""
        fates = (
            self.account.fate(address) for _, address, _, _ in leaves(part) if address[1] != "url"
        )
        return any(fate[0] is not Fate.LEFT_OUT or fate[1] in _ON_PURPOSE for fate in fates if fate)

    def _rest(self, part: dict[str, Any], where: str, done: set[str]) -> str:
        """Return the other members in words, each with its label."""
        texts = []
        for key, value in part.items():
            if key in done or is_empty(value) or self.account.is_settled((id(part), key)):
                continue
            if self.is_technical(key, value, part):
                self.account.leave_out((id(part), key), Rule.TECHNICAL)
                continue
            if key in ("extension", "modifierExtension"):
                texts += [text for text in self._extensions(part, key, where) if text]
            elif text := self.say(part, key, value, where):
                plain = stem(key) in ("value", "text", "display", "code", "start", "end")
                texts.append(text if plain else f"{self.label(key).lower()} {text}".strip())
        return ", ".join(texts)

    def _extensions(self, part: dict[str, Any], key: str, where: str) -> Iterator[str]:
        value = part[key]
        holders = [(part, key, value)]
        if isinstance(value, list):
            holders = [(value, index, item) for index, item in enumerate(value)]  # type: ignore[misc]
        for holder, at, item in holders:
            if (id(holder), at) in self.account.internal:
                continue
            if not isinstance(item, dict):
                yield self.say(holder, at, item, where)
                continue
            text = self._extension(item, where)
            label = extension_label(item.get("url")).lower()
            yield f"{label} {text}".strip() if text else ""


_ON_PURPOSE = (Rule.SIGN_IN, Rule.INTERNAL, Rule.REPEATED)

_Say: TypeAlias = Callable[[Phrases, dict[str, Any], str], str]
# The first that fits says it.
_PHRASES: tuple[tuple[Callable[[dict[str, Any]], bool], _Say], ...] = (
    (shapes.is_extension, Phrases._extension),
    (shapes.is_concept, Phrases._concept),
    (shapes.is_measured, Phrases._measured),
    (shapes.is_participant, Phrases._participant),
    (shapes.is_reference, Phrases._reference),
    (shapes.is_coding, Phrases._coding),
    (shapes.is_name, Phrases._name),
    (shapes.is_address, Phrases._address),
    (shapes.is_period, Phrases._period),
    (shapes.is_range, Phrases._range),
    (shapes.is_ratio, Phrases._ratio),
    (shapes.is_quantity, Phrases._quantity),
    (shapes.is_marked_value, Phrases._value),
)
