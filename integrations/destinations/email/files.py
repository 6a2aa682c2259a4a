"""What is attached: the summary with its attachments within it, or each as a file of its own. Pure.

Every file is a PDF that opens with the passphrase alone. What is no PDF is embedded in one.
"""

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from io import BytesIO

import pikepdf

from integrations.destinations.email.message import File
from integrations.transport import SUMMARY, Document

PAGE = (612, 792)  # points: US Letter
COVER = (
    "This file holds a referral that was sent to you.",
    "Open the list of attachments of this PDF to see its files:",
)


def protected(
    documents: Sequence[Document], reference: str, passphrase: str, *, apart: bool
) -> list[File]:
    """Return the documents as encrypted files: AES-256, revision 6 (ISO 32000-2, 7.6.4).

    `apart`: each document becomes a file of its own; otherwise the attachments are within the
    summary, or within a cover page where there is none.
    """
    made = [_encrypted(pdf, passphrase) for pdf in _plain(documents, reference, apart)]
    return [File(content, hashlib.sha256(content).hexdigest()) for content in made]


def _encrypted(pdf: pikepdf.Pdf, passphrase: str) -> bytes:
    """Return a file that opens with the passphrase alone; the owner's is one that nobody knows."""
    out = BytesIO()
    with pdf:
        pdf.save(
            out, encryption=pikepdf.Encryption(owner=secrets.token_hex(32), user=passphrase, R=6)
        )
    return out.getvalue()


def _plain(documents: Sequence[Document], reference: str, apart: bool) -> Iterator[pikepdf.Pdf]:
    summaries = [one for one in documents if one.category == SUMMARY]
    attached = [one for one in documents if one.category != SUMMARY]
    if not apart:
        yield _file(next(iter(summaries), None), attached, reference)
        return
    for document in documents or (None,):
        yield _file(document, [], reference)


def _file(shown: Document | None, embedded: Sequence[Document], reference: str) -> pikepdf.Pdf:
    """Return a PDF of the pages of one document, in which the others are embedded.

    Without such pages, or where they cannot be read, it has a cover page.
    """
    pages = _pages(shown) if shown else None
    within = [*([shown] if shown and pages is None else []), *embedded]
    pdf = pages or _cover(reference, within)
    for document in within:
        pdf.attachments[document.name] = pikepdf.AttachedFileSpec(
            pdf, _content(document), filename=document.name, mime_type=document.content_type
        )
    return pdf


def _pages(document: Document) -> pikepdf.Pdf | None:
    """Return a document as a PDF; None where it is none, or one that asks for a password."""
    try:
        return pikepdf.open(BytesIO(_content(document)))
    except (pikepdf.PdfError, pikepdf.PasswordError):
        return None


def _cover(reference: str, documents: Sequence[Document]) -> pikepdf.Pdf:
    """Return one page that names the referral and the files that are embedded."""
    lines = [f"Referral {reference}", "", *COVER[: 1 + bool(documents)]]
    lines += [f"    {document.name}" for document in documents]
    text = b"".join(b"%b ' " % pikepdf.String(_latin(line)).unparse() for line in lines)
    pdf = pikepdf.Pdf.new()
    page = pdf.add_blank_page(page_size=PAGE)
    helvetica = pikepdf.Dictionary(
        Type=pikepdf.Name.Font,
        Subtype=pikepdf.Name.Type1,
        BaseFont=pikepdf.Name.Helvetica,
        Encoding=pikepdf.Name.WinAnsiEncoding,
    )
    page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=pdf.make_indirect(helvetica)))
    page.Contents = pdf.make_stream(b"BT /F1 12 Tf 16 TL 72 740 Td %bET" % text)
    return pdf


def _latin(line: str) -> bytes:
    return line.encode("cp1252", "replace")


def _content(document: Document) -> bytes:
    with document.open() as stream:
        return stream.read()
