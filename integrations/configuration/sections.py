"""What a configuration file may hold, key by key.

A key that is left out leaves things as they are, or, in something new, at their default.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypedDict

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers

from integrations.configuration import keys
from integrations.configuration.problems import ConfigurationError, Path, Problem, did_you_mean
from integrations.configuration.reading import Tree
from integrations.models import Organization, Source
from integrations.triggers import TRIGGER_KEYS

ENVIRONMENT = "env:"


def resolved(secret: str, environment: Mapping[str, str]) -> str:
    """Return the secret, from the environment where it says `env:NAME`; raises LookupError."""
    if not secret.startswith(ENVIRONMENT):
        return secret
    name = secret.removeprefix(ENVIRONMENT)
    found = environment.get(name, "").strip()
    if not found:
        raise LookupError(_("the environment variable {name} is not set").format(name=name))
    return found


class Text(serializers.CharField):
    default_error_messages = {
        "invalid": gettext_lazy("a text is expected here"),
        "blank": gettext_lazy("this is empty"),
        "required": gettext_lazy("this is missing"),
    }


class Secret(Text):
    """A text that may stand in the environment instead."""

    def to_internal_value(self, data: Any) -> str:
        try:
            return resolved(super().to_internal_value(data), self.context["environment"])
        except LookupError as error:
            raise serializers.ValidationError(error.args[0]) from None


class Switch(serializers.BooleanField):
    default_error_messages = {"invalid": gettext_lazy("true or false is expected here")}


class Word(Text):
    """One of several words."""

    def __init__(self, words: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.words = words

    def to_internal_value(self, data: Any) -> str:
        word = super().to_internal_value(data)
        if word not in self.words:
            raise serializers.ValidationError(
                _("“{word}” is not known").format(word=word) + did_you_mean(word, self.words)
            )
        return word


class Words(serializers.ListField):
    default_error_messages = {
        "not_a_list": gettext_lazy("a list is expected here"),
        "required": gettext_lazy("this is missing"),
        "empty": gettext_lazy("choose at least one"),
    }


class Group(serializers.DictField):
    """Keys and values that somebody else checks."""

    default_error_messages = {"not_a_dict": gettext_lazy("keys and values are expected here")}


class Section(serializers.Serializer[Any]):
    """A group of keys. One that is not known is an error, so that no typing error goes unseen."""

    default_error_messages = {
        "invalid": gettext_lazy("keys and values are expected here"),
        "required": gettext_lazy("this is missing"),
    }

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)
        data = {key: value for key, value in data.items() if value is not None}
        errors: dict[str, Any] = {
            key: [_("this key is not known") + did_you_mean(key, self.fields)]
            for key in data
            if key not in self.fields
        }
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            errors |= dict(error.detail)  # type: ignore[arg-type]
        if errors:
            raise serializers.ValidationError(errors)
        return value


class SectionList(serializers.ListSerializer[Any]):
    default_error_messages = {"not_a_list": gettext_lazy("a list is expected here")}


def several(section: type[Section], **kwargs: Any) -> Any:
    """Return a field that holds a list of such sections."""
    return SectionList(child=section(), required=False, **kwargs)


class ListingSection(Section):
    id = Text()
    name = Text()
    category = Text(required=False, allow_blank=True)
    active = Switch(required=False)

    def get_fields(self) -> dict[str, Any]:
        added = {name: key.field() for name, key in keys.of_listings.items()}
        return super().get_fields() | added


class OrganizationSection(Section):
    id = Text()
    name = Text()
    plan = Word(tuple(Organization.Plan.values), required=False)
    time_zone = Text(required=False)
    language = Word(tuple(Organization.Language.values), required=False)
    active = Switch(required=False)
    listings = several(ListingSection)


class BasicSection(Section):
    key = Text()
    secret = Secret()


class FetchSection(Section):
    username = Text(required=False)
    password = Secret(required=False)
    token = Secret(required=False)

    def validate(self, given: dict[str, str]) -> dict[str, str]:
        if "token" in given and ("username" in given or "password" in given):
            raise serializers.ValidationError({"token": "give this, or username and password"})
        if ("username" in given) != ("password" in given):
            missing = "password" if "username" in given else "username"
            raise serializers.ValidationError({missing: _("this is missing")})
        return given


class ListingApiSection(Section):
    url = Text()
    username = Text()
    password = Secret()


class SourceSection(Section):
    name = Text()
    kind = Text(required=False)
    organizations = Words(child=Text(), required=False)
    active = Switch(required=False)
    destination = Text(required=False, allow_blank=True)
    updates = Word(tuple(Source.Updates.values), required=False)
    basic = several(BasicSection)
    signing_secrets = Words(child=Secret(), required=False)
    attachment_hosts = Words(child=Text(), required=False)
    referral_url = Text(required=False, allow_blank=True)
    fetch = FetchSection(required=False)
    listing_api = ListingApiSection(required=False)


class DestinationSection(Section):
    name = Text()
    organization = Text()
    kind = Text()
    options = Group(required=False)


class TriggerSection(Section):
    listing = Text()
    destination = Text()
    on = Words(child=Word(TRIGGER_KEYS), allow_empty=False)
    include_routed = Switch(required=False)
    mapping = Text(required=False)
    enabled = Switch(required=False)


class MappingSection(Section):
    """A mapping as the editor exports it; `mapping.editing.exchange` checks what it holds."""

    organization = Text(required=False)
    name = Text()
    destination_kind = Text()
    rules = serializers.JSONField(required=False)
    value_tables = serializers.JSONField(required=False)


class FileSection(Section):
    organizations = several(OrganizationSection)
    sources = several(SourceSection)
    destinations = several(DestinationSection)
    triggers = several(TriggerSection)
    mappings = several(MappingSection)

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {name: key.field() for name, key in keys.added.items()}


class Content(TypedDict, total=False):
    """A checked file, secrets included."""

    organizations: list[dict[str, Any]]
    sources: list[dict[str, Any]]
    destinations: list[dict[str, Any]]
    triggers: list[dict[str, Any]]
    mappings: list[dict[str, Any]]


def check(tree: Tree, environment: Mapping[str, str]) -> Content:
    """Return what the file says, with `env:NAME` taken from this environment.

    Raises ConfigurationError with everything wrong in its shape.
    """
    _list_mappings(tree)
    section = FileSection(data=tree.value, context={"environment": environment})
    if not section.is_valid():
        found = list(_flat(section.errors))
        raise ConfigurationError([Problem(path, text, tree.line(path)) for path, text in found])
    content: Content = section.validated_data
    return content


def _list_mappings(tree: Tree) -> None:
    """Take mappings written by name (`mappings: {intake: {…}}`) as the list that they stand for."""
    named = tree.value.get("mappings") if isinstance(tree.value, dict) else None
    if not isinstance(named, dict) or not all(isinstance(one, dict) for one in named.values()):
        return
    tree.value["mappings"] = [{"name": name, **one} for name, one in named.items()]
    positions = {name: index for index, name in enumerate(named)}
    for path, line in list(tree.lines.items()):
        if len(path) > 1 and path[0] == "mappings":
            tree.lines["mappings", positions[str(path[1])], *path[2:]] = line


def _flat(errors: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield each path with what is wrong there, from the nested errors of a serializer."""
    if isinstance(errors, Mapping):
        for key, inner in errors.items():
            yield from _flat(inner, path if key == "non_field_errors" else (*path, key))
    elif isinstance(errors, list):
        for index, inner in enumerate(errors):
            if isinstance(inner, Mapping):
                yield from _flat(inner, (*path, index))
            else:
                yield path, str(inner)
    else:
        yield path, str(errors)
