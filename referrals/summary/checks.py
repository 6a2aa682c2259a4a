"""System checks: what the Referral Summary needs of the machine, by the names of its packages."""

from collections.abc import Iterable, Iterator
from ctypes import CDLL
from typing import Any

from django.core.checks import CheckMessage, Error, register

from referrals.summary.rendering.fonts import FONTS, MONO

# Without libharfbuzz-subset, rendering does not fail: it silently takes 2.6 times as long.
LIBRARIES = {
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
}


@register
def summary_fonts(**_: Any) -> list[CheckMessage]:
    """Report the packages of which a font file is missing."""
    missing = {
        font.package: file for font in (*FONTS, MONO) for file in font.files if not file.is_file()
    }
    return [
        _missing(f"The Referral Summary needs the font {file}.", package, "referrals.E001")
        for package, file in sorted(missing.items())
    ]


@register
def summary_libraries(**_: Any) -> list[CheckMessage]:
    """Report the shared libraries that cannot be loaded."""
    return [
        _missing(f"The Referral Summary needs {library}.", package, "referrals.E002")
        for library, package in _unloadable(LIBRARIES.items())
    ]


def _unloadable(libraries: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for library, package in libraries:
        try:
            CDLL(library)
        except OSError:
            yield library, package


def _missing(message: str, package: str, code: str) -> Error:
    return Error(message, hint=f"apt-get install {package}", id=code)
