"""Reading a multipart upload, and deciding whether the file is taken."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, cast

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from sandbox.requests import Body

CATEGORIES = ("referral_summary", "attachment")
REFUSED_TYPES = frozenset(
    {"apk", "app", "bat", "cmd", "com", "dll", "exe", "hta", "htm", "html", "iso", "jar", "js"}
    | {"lnk", "msi", "ps1", "scr", "sh", "svg", "vbs"}
)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Refused(Exception):
    """The file is not taken: an HTTP status and a sentence."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status)
        self.status = status
        self.text = text


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was sent with a category and the hash of its bytes."""

    category: str
    sha256: str
    filename: str = field(repr=False)
    content_type: str
    content: bytes = field(repr=False)


class _InMemory(FileUploadHandler):
    """Keeps one file in memory, and stops at the limit."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__()
        self._max_bytes = max_bytes
        self._content = bytearray()
        self.is_too_large = False

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._content += raw_data
        if len(self._content) > self._max_bytes:
            self.is_too_large = True
            raise StopUpload(connection_reset=True)  # the rest is drained before the answer

    def file_complete(self, file_size: int) -> SimpleUploadedFile:
        return SimpleUploadedFile(self.file_name or "", bytes(self._content))


def read_upload(content_type: str, body: Body, max_bytes: int) -> Upload:
    """Read multipart/form-data with `file`, `category` and `sha256`; raises Refused."""
    in_memory = _InMemory(max_bytes)
    meta: dict[str, Any] = {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": body.length}
    try:
        fields, files = MultiPartParser(meta, cast(Any, body), [in_memory]).parse()
    except (MultiPartParserError, SuspiciousOperation) as error:
        raise Refused(400, "The body is not readable multipart/form-data") from error
    if in_memory.is_too_large:
        raise Refused(413, f"The file is larger than {max_bytes} bytes")
    if len(files) != 1 or "file" not in files:
        raise Refused(400, "Exactly one file is required, in the field file")
    sent: Any = files["file"]
    upload = Upload(
        category=fields.get("category", ""),
        sha256=fields.get("sha256", "").lower(),
        filename=sent.name or "",
        content_type=in_memory.content_type or "",
        content=sent.read(),
    )
    _check(upload)
    return upload


def _check(upload: Upload) -> None:
    if upload.category not in CATEGORIES:
        raise Refused(400, f"Category must be one of {', '.join(CATEGORIES)}")
    if not _SHA256.fullmatch(upload.sha256):
        raise Refused(400, "sha256 must be 64 hexadecimal digits")
    if not upload.content:
        raise Refused(400, "The file is empty")
    if hashlib.sha256(upload.content).hexdigest() != upload.sha256:
        raise Refused(422, "The file does not match its sha256")
    ending = upload.filename.rpartition(".")[2].lower()
    if ending in REFUSED_TYPES or upload.content.startswith(b"MZ"):
        raise Refused(415, "Files of this type are not accepted")
