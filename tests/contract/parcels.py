"""A parcel to deliver: a referral with its summary and two attachments."""

import hashlib
import io
from collections.abc import Mapping
from typing import Any

from integrations.transport import ATTACHMENT, SUMMARY, Action, Document, Ledger, Parcel
from tests.contract.ledger import InMemoryLedger

REFERENCE = "3502768696"


def document(key: str, content: bytes, category: str = ATTACHMENT) -> Document:
    name = "summary.pdf" if category == SUMMARY else f"{key}.pdf"
    return Document(
        key=key,
        name=f"referral-{REFERENCE}-{name}",
        category=category,
        content_type="application/pdf",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        open=lambda: io.BytesIO(content),
    )


SUMMARY_PDF = document("summary", b"%PDF-1.7 the summary", SUMMARY)
DOCUMENTS = (SUMMARY_PDF, document("a1", b"%PDF-1.7 one"), document("a2", b"%PDF-1.7 two"))


def parcel(
    record: Mapping[str, Any],
    ledger: Ledger | None = None,
    documents: tuple[Document, ...] = DOCUMENTS,
    *,
    number: int = 1,
    action: Action = Action.PUT,
    **about: Any,
) -> Parcel:
    ledger, version = ledger or InMemoryLedger(), f"version-{number}"
    return Parcel(REFERENCE, record, documents, ledger, action, version, number, **about)
