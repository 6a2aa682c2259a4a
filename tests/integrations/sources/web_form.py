"""The second kind of source: the folder that `docs/adding-a-source.md` shows."""

import importlib
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.urls import clear_url_caches

from integrations import sources
from tests.services import ROOT

KIND = "web_form"
ADDRESS = "/api/v1/entries"
NUMBER = "W20417"
_FILE = re.compile(rf"`(integrations/sources/{KIND}/[\w.]+)`:\n\n```\w+\n(.*?)```", re.S)


def write(project: Path) -> None:
    """Write the folder into a project."""
    files = _FILE.findall((ROOT / "docs/adding-a-source.md").read_text())
    assert [Path(name).name for name, _ in files] == ["kind.py", "entries.py"]
    for name, content in files:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content)


@contextmanager
def added(folder: Path) -> Iterator[None]:
    """Let the portal find the folder, written somewhere else, as long as this lasts."""
    write(folder)
    sources.__path__.append(str(folder / "integrations/sources"))
    try:
        _read_addresses_again()
        yield
    finally:
        sources.__path__.pop()
        for name in [name for name in sys.modules if name.startswith(f"{sources.__name__}.{KIND}")]:
            del sys.modules[name]
        _read_addresses_again()


def _read_addresses_again() -> None:
    import config.urls
    import referrals.api.urls

    importlib.invalidate_caches()
    importlib.reload(referrals.api.urls)
    importlib.reload(config.urls)
    clear_url_caches()


def entry(**changed: Any) -> dict[str, Any]:
    """Return what somebody entered."""
    return {
        "number": NUMBER,
        "agency": "812",
        "service": "4417",
        "first_name": "Mireille",
        "last_name": "Tremblay-Okafor",
        "reason": "Low mood since the spring",
        "best_time": "after 4 pm",
        **changed,
    }


def body(**changed: Any) -> bytes:
    return json.dumps(entry(**changed)).encode()
