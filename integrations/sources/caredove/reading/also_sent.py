"""What no part of the document takes, under labels that people can read (rule 14).

The readers come first; this goes through what they left and keeps each value that is for people.
Ids, addresses and technical metadata are left out by rule.
"""

import re
from collections.abc import Container, Mapping
from functools import lru_cache
from typing import Any

from core.text.markup import one_line
from integrations.sources.account import (
    CONTAINER,
    Account,
    Address,
    Rule,
    is_empty,
    members_of,
)
from integrations.sources.caredove.events import INTERNAL
from integrations.sources.caredove.links import is_sign_in_link, without_sign_in_links
from integrations.sources.caredove.reading.fields import made
from mapping.source.document import AlsoSent

# fmt: off
_FOR_MACHINES = frozenset([
    "id", "url", "uri", "href", "schema", "version", "etag", "hash", "sha1", "sha256", "md5",
    "size", "contentType", "content_type", "data", "checksum", "signature",
])
# fmt: on
CACHED = 4096  # keys of messages are few, and the same again and again
_ID_KEY = re.compile(r"(?:.*[a-z0-9])?(?:_id|_ids|_uuid|_url|_uri|Id|Ids|Uuid|Url|Uri)")
# Ids that people write down: those of a policy or a card.
_NUMBER_OF = re.compile(
    r"(?:.*[a-z_])?(?:subscriber|policy|card|insurance|licen[cs]e)_?id", re.IGNORECASE
)
_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://|urn:)\S*|data:\S*", re.IGNORECASE)
# The web addresses that people open themselves; every other one is for machines.
_OPENED = re.compile(r"\b(?:join|meeting|video|virtual|address url|web address)\b", re.IGNORECASE)
_WEB = re.compile(r"https?://\S+", re.IGNORECASE)
_UUID = re.compile(r"(?:urn:uuid:)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


@lru_cache(CACHED)
def humanized(key: str) -> str:
    """Return a key as a label: "patientInstruction" and "patient_instruction" in plain words."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", key).replace("_", " ").replace("-", " ")
    text = without_sign_in_links(one_line(words))
    return text[:1].upper() + text[1:].lower() if not text.isupper() else text


@lru_cache(CACHED)
def is_for_machines(key: str) -> bool:
    """Return whether a key names an id, an address or technical metadata."""
    if key in _FOR_MACHINES:
        return True
    is_id = _ID_KEY.fullmatch(key) and not _NUMBER_OF.fullmatch(key)
    return bool(is_id) and not _OPENED.search(humanized(key))


@lru_cache(CACHED)
def is_internal(key: str) -> bool:
    """Return whether a key names what staff wrote for themselves."""
    return bool(INTERNAL.fullmatch(humanized(key)))


class AlsoSentReader:
    """Goes through the values that are not settled yet and keeps those for people.

    What has the same group and label is kept together, so that a later message replaces it.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        self._found: dict[str, AlsoSent] = {}
        self._texts: dict[str, list[str]] = {}  # by the same keys
        self._pieces: dict[str, set[str]] = {}

    @property
    def found(self) -> list[AlsoSent]:
        """What is also sent, in the order of the message."""
        for key, part in self._found.items():
            part["text"] = "; ".join(self._texts[key])
        return list(self._found.values())

    def add(self, group: str, label: str, text: str, key: str = "") -> None:
        """Tell a text under group and label; `key` is that of a thing of its own."""
        if not text:
            return
        key = key or f"{group}/{label}"
        known = self._pieces.setdefault(key, set())
        if text in known:
            return
        known.update(text.split("; "))
        self._found.setdefault(key, made(AlsoSent, key=key, group=group, label=label))
        self._texts.setdefault(key, []).append(text)

    def is_done(self, container: Any) -> bool:
        """Return whether nothing of an object or list is left to read; ids are settled on the way.

        Most of a message is used: this finds out fast, before anything is put into words.
        """
        account, done, stack = self.account, True, [container]
        while stack:
            holder = stack.pop()
            settled, is_part = account.settled_in(holder), isinstance(holder, dict)
            left = [
                (key, value)
                for key, value in members_of(holder)
                if key not in settled and (value or value == 0)
            ]
            marks = self.marks_of(holder) if is_part and left else ()
            for key, value in left:
                if key in marks or (is_part and self.is_technical(key, value, holder)):
                    account.leave_out((id(holder), key), Rule.TECHNICAL)
                elif isinstance(value, CONTAINER):
                    stack.append(value)
                else:
                    done = False
        return done

    def marks_of(self, part: dict[str, Any]) -> Container[str]:
        """Return the members of an object that say nothing beside what is used of it."""
        return ()

    # -- Going through ---------------------------------------------------------------------------

    def rest_of(
        self, container: Mapping[str, Any], group: str, labels: tuple[str, ...] = ()
    ) -> None:
        """Tell every member of an object that is not settled."""
        for key, value in container.items():
            self.member(container, key, value, group, labels)

    def member(
        self, container: Any, key: str | int, value: Any, group: str, labels: tuple[str, ...]
    ) -> None:
        """Tell one member: whole where nothing of it is used, else only the rest of it."""
        address = (id(container), key)
        if self.account.is_settled(address) or is_empty(value):
            return
        if self.is_shell(value):
            self.account.leave_out(address, Rule.EMPTY)
            return
        if isinstance(key, str):
            if is_internal(key):
                self.account.leave_out(address, Rule.INTERNAL)
                return
            if self.is_technical(key, value, container):
                self.account.leave_out(address, Rule.TECHNICAL)
                return
            labels = self.labelled(labels, key)
        if isinstance(value, list):
            for index, item in enumerate(value):
                self.member(value, index, item, group, labels)
        elif isinstance(value, dict) and self._partly_used(value):
            if isinstance(key, int) and labels and isinstance(name := value.get("name"), str):
                one = labels[-1].removesuffix("s")  # of several: whose the rest is
                labels = (*labels[:-1], f"{one} {without_sign_in_links(one_line(name))}")
            self.rest_of_part(value, group, labels)
        else:
            label = ": ".join(labels)
            where = f"{group}: {label}" if label else group
            self.add(group, label, self.say(container, key, value, where))

    def rest_of_part(self, part: dict[str, Any], group: str, labels: tuple[str, ...]) -> None:
        """Tell what is left of an object of which something is used."""
        self.rest_of(part, group, labels)

    def labelled(self, labels: tuple[str, ...], key: str) -> tuple[str, ...]:
        """Return the labels with that of a member behind them."""
        label = self.label(key)
        return (*labels, label) if label else labels

    def label(self, key: str) -> str:
        """Return the label of a member."""
        return humanized(key)

    def is_shell(self, value: Any) -> bool:
        """Return whether an object says nothing: only what its missing value would be."""
        return False

    def is_technical(self, key: str, value: Any, container: Any) -> bool:
        """Return whether a member is an id, an address or technical metadata."""
        if key == "version" and "number" in container:
            return False  # of a health card
        return is_for_machines(key)

    def _partly_used(self, value: Any) -> bool:
        """Return whether something below is used, or could not be read and is kept already."""
        return isinstance(value, CONTAINER) and any(
            self.account.is_passed_on((id(value), key)) or self._partly_used(part)
            for key, part in members_of(value)
        )

    # -- Saying a value --------------------------------------------------------------------------

    def say(self, container: Any, key: str | int, value: Any, where: str) -> str:
        """Return a value in words, and account for every leaf of it."""
        if is_empty(value):
            return ""
        address = (id(container), key)
        if self.account.is_settled(address):
            return ""
        if isinstance(value, dict):
            return self.phrase(value, where)
        if isinstance(value, list):
            parts = (self.say(value, i, item, where) for i, item in enumerate(value))
            return ", ".join(dict.fromkeys(filter(None, parts)))
        return self.say_leaf(address, value, where)

    def phrase(self, part: dict[str, Any], where: str) -> str:
        """Return an object in words: each member with its label."""
        texts = []
        for key, value in part.items():
            if is_empty(value) or self.account.is_settled((id(part), key)):
                continue
            if self.is_technical(key, value, part):
                self.account.leave_out((id(part), key), Rule.TECHNICAL)
                continue
            if is_internal(key):
                self.account.leave_out((id(part), key), Rule.INTERNAL)
                continue
            if text := self.say(part, key, value, where):
                label = self.label(key)
                texts.append(f"{label}: {text}" if label else text)
        return ", ".join(texts)

    def say_leaf(self, address: Address, value: Any, where: str) -> str:
        """Return a single value in words; an address or an id is left out."""
        if isinstance(value, bool):
            text = "yes" if value else "no"
        elif isinstance(value, str):
            if rule := _rule_of(value.strip(), where):
                self.account.leave_out(address, rule)
                return ""
            text = without_sign_in_links(one_line(value))
        else:
            text = str(value)
        if text:
            self.account.also_send(address, where)
        else:
            self.account.leave_out(address, Rule.EMPTY)
        return text

    def settle(self, address: Address, rule: Rule = Rule.TECHNICAL) -> None:
        """Leave out what is not settled."""
        if not self.account.is_settled(address):
            self.account.leave_out(address, rule)


def _rule_of(text: str, where: str) -> Rule | None:
    """Return the rule that leaves out an address or an id; None for what people can read."""
    if not (_ADDRESS.fullmatch(text) or _UUID.fullmatch(text)):
        return None
    if is_sign_in_link(text):
        return Rule.SIGN_IN
    is_opened = _WEB.fullmatch(text) and _OPENED.search(where)
    return None if is_opened else Rule.TECHNICAL
