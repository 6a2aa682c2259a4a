"""A file that was withdrawn is deleted at the partner's by the next version of its referral."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from integrations.destinations.sftp.places.in_folder import InFolder
from integrations.destinations.sftp.sentences import NOT_ALLOWED
from integrations.transport import Document, Misconfigured
from tests.contract.parcels import REFERENCE, SUMMARY_PDF, document, parcel
from tests.integrations.destinations.sftp.lists import batch, transport


def hashed(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def named(number: int, content: bytes) -> Document:
    """Return an attachment as a referral with versions names it: by its content."""
    name = f"referral-{REFERENCE}-attachment-{number}-{hashed(content)[:8]}.pdf"
    return replace(document(f"a{number}", content), name=name)


ONE, TWO = named(1, b"%PDF-1.7 one"), named(2, b"%PDF-1.7 two")


@pytest.fixture
def files(tmp_path: Path, settings: Any) -> Path:
    settings.EXPORT_ROOT = str(tmp_path)
    return tmp_path / "housing" / "files" / REFERENCE


def carry(*documents: Document, withdrawn: tuple[str, ...] = (), **about: Any) -> Any:
    number = 2 if withdrawn else 1
    row = parcel({"note": "x"}, documents=documents, number=number, withdrawn=withdrawn)
    return transport(protocol="local", folder="housing").deliver_batch(batch([row], **about))


def there(files: Path) -> set[str]:
    return {file.name for file in files.iterdir()}


def test_what_was_withdrawn_goes_and_nothing_else(files: Path) -> None:
    carry(SUMMARY_PDF, ONE, TWO)
    (files / f".{ONE.name}.part").write_bytes(b"%PDF")
    receipt = carry(SUMMARY_PDF, withdrawn=(ONE.sha256,))
    assert there(files) == {SUMMARY_PDF.name, TWO.name}
    assert receipt.left == {}


def test_it_goes_whatever_its_number_was(files: Path) -> None:
    """Once the first one is gone, the second is brought as the first."""
    carry(ONE, TWO)
    now_first = named(1, b"%PDF-1.7 two")
    carry(now_first, withdrawn=(ONE.sha256,))
    carry(withdrawn=(ONE.sha256, TWO.sha256))
    assert there(files) == set()


def test_what_the_row_still_names_stays(files: Path) -> None:
    carry(ONE)
    carry(ONE, withdrawn=(ONE.sha256,))
    assert there(files) == {ONE.name}


def test_where_nothing_lies_nothing_is_missed(files: Path) -> None:
    assert carry(withdrawn=(ONE.sha256,)).left == {}


def test_a_run_that_is_repeated_deletes_nothing(files: Path) -> None:
    carry(ONE, TWO)
    list_before = carry(TWO)
    row = parcel({"note": "x"}, documents=(TWO,), withdrawn=(ONE.sha256,))
    place = transport(protocol="local", folder="housing")
    place.deliver_batch(batch([row], sha256=list_before.sha256))
    assert there(files) == {ONE.name, TWO.name}


def test_what_may_not_be_deleted_is_named(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    carry(ONE, TWO)

    def refuse(self: InFolder, path: str) -> None:
        raise Misconfigured(NOT_ALLOWED(host="here", reason="read-only"))

    monkeypatch.setattr(InFolder, "remove", refuse)
    receipt = carry(TWO, withdrawn=(ONE.sha256,))
    assert list(receipt.left.values()) == [(f"files/{REFERENCE}/{ONE.name}",)]
    assert receipt.rows == 1
