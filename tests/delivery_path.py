"""The delivery path: the files that "once, never twice, never lost" depends on, and their digest.

When the whole crash matrix has passed, `make test-all` writes the digest of these files into
`PROVEN`, which is committed with them. Where it differs, `make test` runs the whole matrix too,
and not a sample of it.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from tests.services import ROOT

PROVEN = Path("tests/delivery_path.sha256")
# Settings are not here: the matrix sets its own leases and waiting times. Nor is what reads a
# message or makes a record of it: that has no effect outside its transaction.
FILES = (
    "config/celery.py",
    "core/database/clock.py",
    "core/database/due.py",
    "core/encryption/**/*.py",
    "core/fields.py",
    "core/outbound/**/*.py",
    "core/rowkeys.py",
    "core/database/rows.py",
    "core/storage.py",
    "integrations/capabilities.py",
    "integrations/channels/**/*.py",
    "integrations/destinations/**/*.py",
    "integrations/http/**/*.py",
    "integrations/models/**/*.py",
    "integrations/payload.py",
    "integrations/probing.py",
    "integrations/transport.py",
    "referrals/running/dispatcher.py",
    "referrals/record/documents.py",
    "referrals/record/removal/file_corrections.py",
    "referrals/record/files.py",
    "referrals/intake/identity.py",
    "referrals/delivering/**/*.py",
    "referrals/intake/receiving.py",
    "referrals/intake/merging.py",
    "referrals/migrations/*.py",
    "referrals/models/**/*.py",
    "referrals/intake/opening.py",
    "referrals/intake/rereading.py",
    "referrals/delivering/decisions/bulk.py",
    "referrals/summary/pdf.py",
    "referrals/running/tasks.py",
    "referrals/record/sending.py",
    "referrals/record/versions.py",
    "referrals/record/removal/withdrawal.py",
    # The proof itself: a narrower one is a new one.
    "tests/counterparts.py",
    "tests/crash/**/*.py",
    "tests/databases.py",
    "tests/delivery_path.py",
    "tests/flow/crms.py",
    "tests/flow/fileserver.py",
)
LINE = re.compile(r"^([0-9a-f]{64})(?:  (\S+))?$", re.MULTILINE)
HEAD = """\
# The whole crash matrix has passed on these files. `make test-all` writes this; never edit it.
# Where merging leaves a conflict here, take either side: what nobody tried together differs from
# both digests, so `make test` runs the whole matrix until `make test-all` has written a new one.
"""

Hashes = Mapping[str, str]


class Unproven(Exception):
    """The digest may not be written. `str()` is a sentence for people."""


def hashes(root: Path = ROOT) -> dict[str, str]:
    """Return the hash of each file of the delivery path, by its name, in alphabetical order.

    Raises FileNotFoundError for a pattern of FILES that no file fits (any more): what has moved
    must not leave the delivery path unnoticed.
    """
    found = {}
    for pattern in FILES:
        fitting = [path for path in root.glob(pattern) if path.is_file()]
        if not fitting:
            raise FileNotFoundError(f"No file is named {pattern}: correct tests/delivery_path.py.")
        found |= {f"{path.relative_to(root)}": _hash(path.read_bytes()) for path in fitting}
    return dict(sorted(found.items()))


def changed(root: Path = ROOT) -> list[str]:
    """Return what differs from the files that the whole matrix has passed on; [] if nothing does.

    The digest of all files decides. The hashes of the single ones only give the names: two
    changes that were each tried alone could be merged line by line.
    """
    digest, known = _read(root / PROVEN)
    now = hashes(root)
    if digest == digest_of(now):
        return []
    names = [name for name in {**known, **now} if known.get(name) != now.get(name)]
    return sorted(names) or [f"{PROVEN}"]


def record(tried: Hashes, root: Path = ROOT) -> None:
    """Write down that the whole matrix has passed on files with these hashes.

    Raises Unproven when they are not the files that are there now.
    """
    if tried != hashes(root):
        raise Unproven("The delivery path was changed while the crash matrix ran on it.")
    lines = [f"{hash_}  {name}\n" for name, hash_ in tried.items()]
    (root / PROVEN).write_text(f"{HEAD}{digest_of(tried)}\n{''.join(lines)}", encoding="utf-8")


def digest_of(found: Hashes) -> str:
    """Return the one digest of all files, of their names too."""
    return _hash("".join(f"{hash_}  {name}\n" for name, hash_ in found.items()).encode())


def _read(file: Path) -> tuple[str, dict[str, str]]:
    """Return the digest and the hashes that were written down; nothing of what is no such file."""
    content = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    lines = LINE.findall(content)
    digest = next((hash_ for hash_, name in lines if not name), "")
    return digest, {name: hash_ for hash_, name in lines if name}


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()
