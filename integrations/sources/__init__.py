"""One folder for each kind of source. The folder's name is the kind, found by walking this package.

`kind` is what a folder promises; the modules beside it are reading tools that all kinds share. No
code outside a kind's folder names the kind, or imports from it. `docs/adding-a-source.md` shows how
one is added.
"""

import inspect
from collections.abc import Callable
from functools import cache
from importlib import import_module
from os.path import exists, join
from pathlib import Path
from types import ModuleType

from integrations.sources.kind import Endpoint, SourceKind

__all__ = ["Endpoint", "SourceKind", "UnknownKind"]


class UnknownKind(LookupError):
    """No folder defines this kind, or this endpoint of it. `str()` is a sentence for people."""


def kinds() -> dict[str, SourceKind]:
    """Return every kind by its name, in alphabetical order."""
    names = {file.parent.name for root in __path__ for file in Path(root).glob("*/kind.py")}
    return {name: source_kind(name) for name in sorted(names)}


def source_kind(name: str) -> SourceKind:
    """Return the kind of this name; raises UnknownKind."""
    if not name.isidentifier() or not any(exists(join(r, name, "kind.py")) for r in __path__):
        raise UnknownKind(f"There is no kind of source named “{name}”.")
    return _defined_in(import_module(f"{__name__}.{name}.kind"))


@cache
def _defined_in(module: ModuleType) -> SourceKind:
    found: list[type[SourceKind]] = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, SourceKind)
        and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise TypeError(f"{module.__name__} must define exactly one SourceKind, not {len(found)}.")
    return found[0]()


def default_kind() -> str:
    """Return the name of the kind that a source has for which nobody says one."""
    return next(name for name, kind in kinds().items() if kind.is_default)


def sending_kinds() -> list[str]:
    """Return the kinds whose sources send referrals; a partner answers what it was sent."""
    return [name for name, kind in kinds().items() if not kind.answers]


def link_remover() -> Callable[[str], str]:
    """Return what takes out of a text the links by which any kind of sender signs people in."""
    known = kinds().values()

    def without_sign_in_links(text: str) -> str:
        for kind in known:
            text = kind.without_sign_in_links(text)
        return text

    return without_sign_in_links


def endpoint(kind: str, name: str) -> Endpoint:
    """Return an endpoint of a kind by its name; raises UnknownKind."""
    for found in source_kind(kind).endpoints:
        if found.name == name:
            return found
    raise UnknownKind(f"Sources of the kind “{kind}” have no endpoint named “{name}”.")
