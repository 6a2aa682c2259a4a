"""Keys that rooms above add to the configuration file, such as `directory`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rest_framework import serializers

from integrations.configuration.applying import Run
from integrations.configuration.problems import Path


@dataclass(frozen=True)
class Key:
    """`field` makes the field that checks the value; `apply` brings the database to it."""

    field: Callable[[], "serializers.Field[Any, Any, Any, Any]"]
    apply: Callable[[Run, Any, Path], None]


added: dict[str, Key] = {}


def add(name: str, key: Key) -> None:
    """Let a configuration file have this key at its top. For `AppConfig.ready`."""
    added[name] = key
