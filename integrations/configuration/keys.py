"""Keys that rooms above add to the configuration file, such as `directory`, or to its listings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rest_framework import serializers

from integrations.configuration.applying import Run
from integrations.configuration.problems import Path
from integrations.models import ServiceListing


@dataclass(frozen=True)
class Key:
    """`field` makes the field that checks the value; `apply` brings the database to it."""

    field: Callable[[], "serializers.Field[Any, Any, Any, Any]"]
    apply: Callable[[Run, Any, Path], None]


added: dict[str, Key] = {}


def add(name: str, key: Key) -> None:
    """Let a configuration file have this key at its top. For `AppConfig.ready`."""
    added[name] = key


@dataclass(frozen=True)
class ListingKey:
    """`field` makes the field that checks the value; `apply` brings a stored listing to it.

    `apply` runs in the listing's part of the file, and may raise Refused.
    """

    field: Callable[[], "serializers.Field[Any, Any, Any, Any]"]
    apply: Callable[[ServiceListing, Any], None]


of_listings: dict[str, ListingKey] = {}


def add_to_listings(name: str, key: ListingKey) -> None:
    """Let each listing of a configuration file have this key. For `AppConfig.ready`."""
    of_listings[name] = key
