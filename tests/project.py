"""What the project consists of, and copies of it for tests that run another one beside it."""

import shutil
from pathlib import Path

from tests.services import ROOT

# The rooms of the product's own code.
PRODUCT = (
    "access",
    "alerts",
    "config",
    "core",
    "directory",
    "integrations",
    "mapping",
    "referrals",
    "sandbox",
    "workplace",
)
FOLDERS = (*PRODUCT, "scripts", "templates")
FILES = ("manage.py", "gunicorn.conf.py", ".env.example")


def copy_project(to: Path) -> Path:
    """Copy what the portal runs on into a folder; return the folder.

    What is compiled comes along: it need not be compiled again for each copy.
    """
    for name in FOLDERS:
        shutil.copytree(ROOT / name, to / name)
    for name in FILES:
        shutil.copy(ROOT / name, to / name)
    return to
