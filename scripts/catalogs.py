"""The catalogs of translations in locale/: `update` makes them anew, `check` changes nothing.

`update` extracts each string of the code and of the templates into the .po files, keeps what was
translated, and compiles the .mo files. `check` fails when a string has no translation, when one is
only guessed ("fuzzy"), when its placeholders differ, or when a .mo is not what its .po compiles to.

    python -m scripts.catalogs update|check
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TRANSLATED = ("fr_CA",)
# A browser that asks for Canadian English gets it only where there is a catalog of it.
LOCALES = ("en_CA", *TRANSLATED)
IGNORED = ("tests", "sandbox", "scripts", "var", "docs")
COMPILE = ("msgfmt", "--check", "--no-hash", "--endianness=little")


def main(wish: str) -> int:
    """Do what is wished; return the exit code."""
    if wish == "update":
        extract(ROOT)
        for locale in LOCALES:
            run(*COMPILE, f"--output-file={mo(ROOT, locale)}", str(po(ROOT, locale)))
        return 0
    if wish == "check":
        faults = [*check()]
        print("\n".join(faults) or "Every string is translated, and every .mo is of its .po.")
        return int(bool(faults))
    print(__doc__, file=sys.stderr)
    return 2


def extract(root: Path) -> None:
    """Bring the .po files below `root` up to what its code and templates say."""
    locales = (f"--locale={locale}" for locale in TRANSLATED)
    ignored = (f"--ignore={name}" for name in IGNORED)
    layout = ("--no-obsolete", "--no-wrap", "--add-location=file", "--verbosity=0")
    command = (sys.executable, "manage.py", "makemessages", *locales, *ignored, *layout)
    subprocess.run(command, cwd=root, check=True, env={**os.environ, "DEBUG": "true"})


def check() -> Iterator[str]:
    """Yield what is wrong with the catalogs, each in a line or more."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "portal"
        copy_sources(copy)
        extract(copy)
        for locale in TRANSLATED:
            for what in ("untranslated", "fuzzy"):
                left = run("msgattrib", f"--{what}", "--no-wrap", str(po(copy, locale))).decode()
                if left:
                    yield f"{locale}: {what}; run `make messages`, and translate:\n{left}"
    for locale in LOCALES:
        compiled = run(*COMPILE, "--output-file=-", str(po(ROOT, locale)))
        if not mo(ROOT, locale).exists() or compiled != mo(ROOT, locale).read_bytes():
            yield f"{locale}: the .mo is not what its .po compiles to; run `make messages`."


def copy_sources(to: Path) -> None:
    """Copy what holds strings, so that extracting them changes nothing here."""
    left_out = shutil.ignore_patterns(".*", "__pycache__", "tests", "var", "docs")
    shutil.copytree(ROOT, to, ignore=left_out)


def po(root: Path, locale: str) -> Path:
    """Return where the catalog of a locale lies that people edit."""
    return root / "locale" / locale / "LC_MESSAGES" / "django.po"


def mo(root: Path, locale: str) -> Path:
    """Return where the compiled catalog of a locale lies."""
    return po(root, locale).with_suffix(".mo")


def run(*command: str) -> bytes:
    """Return what a program printed; raises CalledProcessError when it fails."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:])))
