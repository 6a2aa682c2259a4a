"""How much memory one large upload takes: ours from the encrypted storage, and the naive way."""

import hashlib
import io
import os
import secrets
from pathlib import Path
from typing import Any

import requests

from tests.bench import figures, portal

SMALL = 64 * 1024


def measure(megabytes: int, naive: bool) -> dict[str, float]:
    """Return by how many megabytes the process grows at the most during the upload."""
    portal.start()
    upload = _naive if naive else _ours
    upload("1", SMALL)  # imports and connections are not the file's
    before = _reset_peak()
    upload("2", megabytes * figures.MEGABYTE)
    return {"grown": figures.resident(field="VmHWM") - before}


def _reset_peak() -> float:
    """Forget the most memory that this process has had; return what it has now."""
    Path("/proc/self/clear_refs").write_text("5")
    return figures.resident(field="VmHWM")


def _ours(reference: str, size: int) -> None:
    from integrations.destinations.crms.transport import CrmsTransport
    from integrations.transport import Parcel
    from referrals.record import files
    from tests.contract.ledger import InMemoryLedger
    from tests.world import options

    class Ledger(InMemoryLedger):
        def key(self, step: str) -> str:
            return f"{reference}/{step}"  # each upload is of a delivery of its own

    row, sha256 = _stored(size)
    documents = (_document(row, size, sha256),)
    given = options("crms", base_url=os.environ["BENCH_CRMS"], token=portal.TOKEN)
    parcel = Parcel(f"50000000{reference}", _record(), documents, Ledger())
    receipt = CrmsTransport(given).deliver(parcel)
    assert not receipt.refused, dict(receipt.refused)
    files.storage.delete(row.stored_as)


def _stored(size: int) -> tuple[Any, str]:
    """Store random bytes, a piece at a time; return the row that names them and their SHA-256."""
    from django.core.files.base import File

    from referrals.models import ReferralFile
    from referrals.record import files

    digest = hashlib.sha256()

    class Random(File):  # type: ignore[type-arg]
        def chunks(self, chunk_size: int | None = None) -> Any:
            for _ in range(size // SMALL):
                piece = secrets.token_bytes(SMALL)
                digest.update(piece)
                yield piece

    row = ReferralFile()  # it is not saved
    row.stored_as = files.storage.save_for(row, files.FOLDER, Random(io.BytesIO(), "file"))
    return row, digest.hexdigest()


def _document(row: Any, size: int, sha256: str) -> Any:
    from integrations.transport import ATTACHMENT, Document
    from referrals.record import files

    return Document(
        key="large",
        name="large.bin",
        category=ATTACHMENT,
        content_type="application/octet-stream",
        size=size,
        sha256=sha256,
        open=lambda: files.open_stored(row),
    )


def _record() -> dict[str, Any]:
    return {
        "client.first_name": "Mireille",
        "client.last_name": "Tremblay-Okafor",
        "client.date_of_birth": "1991-06-29",
    }


def _naive(reference: str, size: int) -> None:
    crms = f"{os.environ['BENCH_CRMS']}/api/v1/referrals"
    headers = {"Authorization": f"Bearer {portal.TOKEN}"}
    client = {"first_name": "Mireille", "last_name": "Tremblay", "date_of_birth": "1991-06-29"}
    created = requests.post(
        crms, json={"external_reference": f"60000000{reference}", "client": client}, headers=headers
    )
    content = secrets.token_bytes(size)
    answer = requests.post(
        f"{crms}/{created.json()['id']}/attachments",
        data={"category": "attachment", "sha256": hashlib.sha256(content).hexdigest()},
        files={"file": ("large.bin", content)},
        headers=headers,
    )
    assert answer.status_code == 201, answer.text


if __name__ == "__main__":
    figures.report(measure)
