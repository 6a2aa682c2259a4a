"""Every kind of destination is a folder here that holds a `transport.py`; its name is the kind.

No list names them: adding a kind touches one folder. `docs/adding-a-destination.md` shows how.
"""

import inspect
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from integrations.transport import Transport


class UnknownKind(LookupError):
    """No folder defines this kind. `str()` is a sentence for people."""


def names() -> list[str]:
    """Return the name of every kind, in alphabetical order; none of them is imported.

    Some take long: a program that needs none of a kind starts without it.
    """
    return sorted(
        {file.parent.name for root in __path__ for file in Path(root).glob("*/transport.py")}
    )


def kinds() -> dict[str, type[Transport]]:
    """Return the transport class of every kind, by its name, in alphabetical order."""
    return {name: transport_class(name) for name in names()}


def transport_class(kind: str) -> type[Transport]:
    """Return the transport class of a kind; raises UnknownKind."""
    folder(kind)
    return _defined_by(import_module(f"{__name__}.{kind}.transport"))


@lru_cache(maxsize=64)  # asked for each referral, many times
def _defined_by(module: Any) -> type[Transport]:
    found: list[type[Transport]] = [
        value for value in vars(module).values() if _is_transport_of(module.__name__, value)
    ]
    if len(found) != 1:
        raise TypeError(f"{module.__name__} must define exactly one Transport, not {len(found)}.")
    return found[0]


def default_mapping(kind: str) -> dict[str, Any] | None:
    """Return the mapping that ships with a kind, as mappings are exported; None without one."""
    file = folder(kind) / "default_mapping.yaml"
    if not file.exists():
        return None
    shipped: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return shipped


def folder(kind: str) -> Path:
    """Return the folder that defines a kind; raises UnknownKind."""
    for root in __path__:
        if kind.isidentifier() and (Path(root) / kind / "transport.py").exists():
            return Path(root) / kind
    raise UnknownKind(f"There is no destination kind named “{kind}”.")


def _is_transport_of(module: str, value: object) -> bool:
    """Say whether `value` is a transport that this module defines, not one it imports."""
    return (
        inspect.isclass(value)
        and issubclass(value, Transport)
        and value.__module__ == module
        and not inspect.isabstract(value)
    )
