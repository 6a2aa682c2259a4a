"""Which format a file has: by its bytes, by the type it was announced with, by its name.

Pure. Nothing here raises on any bytes.
"""

import codecs
import json
import re
from dataclasses import dataclass
from enum import StrEnum

HEAD = 4096
_PDF_BEGINS_IN = 1024  # bytes, by the rules of the format
_MAX_JSON = 1_000_000


class Family(StrEnum):
    DOCUMENT = "document"
    PICTURE = "picture"
    ARCHIVE = "archive"
    RECORDING = "recording"
    TEXT = "text"  # any text: also CSV, HL7, an e-mail
    DATA = "data"  # JSON, XML
    WEB_PAGE = "web page"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Format:
    """One format. The first type and the first extension are its own; the others mean it, too.

    Formats of one `group` are not distinguished: people call DOCX and RTF "Word".
    """

    family: Family
    types: tuple[str, ...]
    extensions: tuple[str, ...]
    group: str = ""

    @property
    def type(self) -> str:
        return self.types[0]

    @property
    def extension(self) -> str:
        return self.extensions[0]

    def is_like(self, other: "Format") -> bool:
        """Return whether the one may be announced as the other."""
        return self == other or bool(self.group and self.group == other.group)


def _document(types: str, extensions: str, group: str = "") -> Format:
    return Format(Family.DOCUMENT, tuple(types.split()), tuple(extensions.split()), group)


def _picture(types: str, extensions: str) -> Format:
    return Format(Family.PICTURE, tuple(types.split()), tuple(extensions.split()))


def _archive(types: str, extensions: str) -> Format:
    return Format(Family.ARCHIVE, tuple(types.split()), tuple(extensions.split()))


def _recording(types: str, extensions: str, group: str = "") -> Format:
    return Format(Family.RECORDING, tuple(types.split()), tuple(extensions.split()), group)


_OOXML = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."

PDF = _document("application/pdf application/x-pdf application/acrobat text/pdf", ".pdf")
RTF = _document("application/rtf text/rtf application/x-rtf text/richtext", ".rtf", "word")
DOCX = _document(
    f"{_OOXML}wordprocessingml.document application/vnd.ms-word.document.macroenabled.12",
    ".docx .docm .dotx",
    "word",
)
XLSX = _document(
    f"{_OOXML}spreadsheetml.sheet application/vnd.ms-excel.sheet.macroenabled.12",
    ".xlsx .xlsm .xltx .xlsb",
    "excel",
)
PPTX = _document(f"{_OOXML}presentationml.presentation", ".pptx .pptm .ppsx", "powerpoint")
DOC = _document("application/msword application/vnd.ms-word application/doc", ".doc .dot", "word")
XLS = _document("application/vnd.ms-excel application/msexcel application/xls", ".xls", "excel")
PPT = _document("application/vnd.ms-powerpoint", ".ppt .pps", "powerpoint")
MSG = _document("application/vnd.ms-outlook", ".msg")
ODT = _document(f"{_ODF}text", ".odt")
ODS = _document(f"{_ODF}spreadsheet", ".ods")
ODP = _document(f"{_ODF}presentation", ".odp")
EPUB = _document("application/epub+zip", ".epub")
CDA = _document("application/cda+xml application/hl7-cda+xml", ".xml .cda .ccd .ccda")

PNG = _picture("image/png image/x-png", ".png")
JPEG = _picture("image/jpeg image/jpg image/pjpeg", ".jpg .jpeg .jpe .jfif")
GIF = _picture("image/gif", ".gif")
BMP = _picture("image/bmp image/x-ms-bmp image/x-bmp", ".bmp .dib")
TIFF = _picture("image/tiff image/tif image/x-tiff image/x-tif", ".tif .tiff")
WEBP = _picture("image/webp", ".webp")
HEIC = _picture("image/heic image/heif image/heic-sequence image/heif-sequence", ".heic .heif .hif")
AVIF = _picture("image/avif", ".avif")
JP2 = _picture("image/jp2 image/jpx image/jpeg2000", ".jp2 .jpx .j2k")
SVG = _picture("image/svg+xml", ".svg")
DICOM = _picture("application/dicom image/dicom", ".dcm .dicom")

ZIP = _archive(
    "application/zip application/x-zip-compressed application/x-zip",
    ".zip .pages .numbers .key .odg .xps .oxps .kmz .jar",  # archives by another name
)
SEVEN_ZIP = _archive("application/x-7z-compressed", ".7z")
RAR = _archive("application/vnd.rar application/x-rar-compressed application/x-rar", ".rar")
GZIP = _archive("application/gzip application/x-gzip", ".gz .tgz")

MP3 = _recording("audio/mpeg audio/mp3 audio/x-mp3 audio/mpeg3", ".mp3")
M4A = _recording("audio/mp4 audio/m4a audio/x-m4a", ".m4a .m4b", "mp4")
MP4 = _recording("video/mp4 video/x-m4v application/mp4", ".mp4 .m4v .3gp .m4a", "mp4")
MOV = _recording("video/quicktime", ".mov", "mp4")
WAV = _recording("audio/wav audio/x-wav audio/wave audio/vnd.wave", ".wav")
AVI = _recording("video/x-msvideo video/avi", ".avi")
OGG = _recording("audio/ogg video/ogg application/ogg", ".ogg .oga .ogv .opus")
FLAC = _recording("audio/flac audio/x-flac", ".flac")
WEBM = _recording("video/webm audio/webm video/x-matroska", ".webm .mkv")

HTML = Format(Family.WEB_PAGE, ("text/html", "application/xhtml+xml"), (".html", ".htm", ".xhtml"))
JSON = Format(Family.DATA, ("application/json", "text/json"), (".json",))
XML = Format(Family.DATA, ("application/xml", "text/xml"), (".xml", ".xsl"))
TEXT = Format(
    Family.TEXT,
    ("text/plain", "text/csv", "text/tab-separated-values", "text/markdown", "message/rfc822"),
    (".txt", ".csv", ".tsv", ".md", ".eml", ".text", ".log", ".hl7", ".vcf", ".ics", ".asc"),
)
OTHER = Format(Family.OTHER, ("application/octet-stream",), ("",))

FORMATS = (
    *(PDF, RTF, DOCX, XLSX, PPTX, DOC, XLS, PPT, MSG, ODT, ODS, ODP, EPUB, CDA),
    *(PNG, JPEG, GIF, BMP, TIFF, WEBP, HEIC, AVIF, JP2, SVG, DICOM),
    *(ZIP, SEVEN_ZIP, RAR, GZIP, MP3, M4A, MP4, MOV, WAV, AVI, OGG, FLAC, WEBM),
    *(HTML, JSON, XML, TEXT),
)
_BY_TYPE = {name: one for one in FORMATS for name in one.types}
_BY_EXTENSION = {name: one for one in reversed(FORMATS) for name in one.extensions}
_BY_EXTENSION[".xml"] = XML
_OF_TEXT = {
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "text/markdown": ".md",
    "message/rfc822": ".eml",
}
_GENERAL = re.compile(
    r"(?:application|binary)/(?:octet-stream|binary|unknown|x-unknown|download|x-download"
    r"|force-download|x-force-download|x-unknown-content-type|file)|(?:\*|[a-z]+)/\*"
    r"|multipart/form-data|unknown/unknown|content/unknown"
)
_CALLED_EXCEL = (".csv", ".tsv", ".txt")


def by_extension(extension: str) -> Format | None:
    """Return the format that an extension (".pdf") names, in any case."""
    return _BY_EXTENSION.get(extension.lower())


def extension_for(form: Format, content_type: str = "") -> str:
    """Return the extension of a format; of text, that of the kind of text that was announced."""
    return _OF_TEXT.get(content_type, form.extension) if form == TEXT else form.extension


def is_general(content_type: str) -> bool:
    """Return whether a type says no more than that it is a file, or nothing at all."""
    return not content_type or bool(_GENERAL.fullmatch(content_type))


def announced_as(content_type: str, extension: str = "") -> Format | None:
    """Return the format that a type names; OTHER for one not known here, None for a general one.

    Where the type is missing or general, the name is what the file was announced as.
    """
    if is_general(content_type):
        return by_extension(extension)
    if content_type in XLS.types and extension.lower() in _CALLED_EXCEL:
        return TEXT  # so Windows announces CSV
    return _BY_TYPE.get(content_type) or _by_its_parts(content_type)


def _by_its_parts(content_type: str) -> Format:
    if content_type.endswith("json"):
        return JSON
    if content_type.endswith("xml"):
        return XML
    return TEXT if content_type.startswith("text/") else OTHER


# -- What it is ----------------------------------------------------------------------------------

_SIGNATURES = (
    (0, b"\x89PNG\r\n\x1a\n", PNG),
    (0, b"\xff\xd8\xff", JPEG),
    (0, b"GIF87a", GIF),
    (0, b"GIF89a", GIF),
    (0, b"II*\0", TIFF),
    (0, b"MM\0*", TIFF),
    (0, b"II+\0", TIFF),
    (0, b"MM\0+", TIFF),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", JP2),
    (128, b"DICM", DICOM),
    (0, b"7z\xbc\xaf\x27\x1c", SEVEN_ZIP),
    (0, b"Rar!\x1a\x07", RAR),
    (0, b"\x1f\x8b\x08", GZIP),
    (0, b"ID3", MP3),
    (0, b"OggS", OGG),
    (0, b"fLaC", FLAC),
    (0, b"\x1a\x45\xdf\xa3", WEBM),
    (0, rb"{\rtf", RTF),
)
_RIFF = {b"WEBP": WEBP, b"WAVE": WAV, b"AVI ": AVI}
_BRANDS = (
    (re.compile(rb"hei[cxms]|hev[cmsx]|mif1|msf1"), HEIC),
    (re.compile(rb"avi[fs]"), AVIF),
    (re.compile(rb"M4[AB] "), M4A),
    (re.compile(rb"qt  "), MOV),
)
_ZIPPED = (  # what only an archive of that kind holds
    (b"word/document", DOCX),
    (b"xl/workbook", XLSX),
    (b"ppt/presentation", PPTX),
    (b"mimetypeapplication/vnd.oasis.opendocument.text", ODT),
    (b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", ODS),
    (b"mimetypeapplication/vnd.oasis.opendocument.presentation", ODP),
    (b"mimetypeapplication/epub+zip", EPUB),
)
OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_OLE_PARTS = tuple(
    (name.encode("utf-16-le"), one)
    for name, one in (
        ("WordDocument", DOC),
        ("Workbook", XLS),
        ("PowerPoint Document", PPT),
        ("__properties_version1.0", MSG),
    )
)
_MP3_FRAME = re.compile(rb"\xff[\xe2-\xe7\xf2-\xf7\xfa\xfb][\x10-\xef]")
_ZIP64, _MAX_NAMES = 0xFFFFFFFF, 1_000_000
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)


def recognize(content: bytes) -> Format | None:
    """Return the format of the bytes; None where they show none."""
    head = content[:HEAD]
    if (found := _signed(content, head)) is not None:
        return found
    text = text_of(content)
    markup = _in_markup(text) if text else None
    if markup is None and b"%PDF-" in head[:_PDF_BEGINS_IN]:
        return PDF
    if text is None:
        return MP3 if _MP3_FRAME.match(head) else None
    return markup or (JSON if _is_json(content, text) else TEXT)


def _signed(content: bytes, head: bytes) -> Format | None:
    for offset, signature, one in _SIGNATURES:
        if head.startswith(signature, offset):
            return one
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        return next((one for brand, one in _BRANDS if brand.match(head, 8)), MP4)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        names = names_in_zip(content) or head
        return next((one for part, one in _ZIPPED if part in names or part in head), ZIP)
    if head.startswith(OLE):
        return next((one for part, one in _OLE_PARTS if part in content), DOC)
    is_bitmap = head.startswith(b"BM") and number(head, 14) in _BMP_HEADERS
    return BMP if is_bitmap else None


def names_in_zip(content: bytes) -> bytes | None:
    """Return the list of contents that ends the archive; None where it is not there whole."""
    end = content.rfind(b"PK\x05\x06", -(65_535 + 22))
    if end < 0 or len(content) < end + 22:
        return None
    size, start = number(content, end + 12), number(content, end + 16)
    if start == _ZIP64:
        return content[-_MAX_NAMES:end]
    return content[max(end - size, 0) : end] if start + size <= end else None


def number(content: bytes, place: int, length: int = 4) -> int:
    """Return the little-endian number there; what is beyond the end counts as zeros."""
    return int.from_bytes(content[place : place + length], "little")


_NO_TEXT = re.compile(r"[\x00-\x07\x0e-\x19]")


def text_of(content: bytes) -> str | None:
    """Return how a text begins, without byte order mark and first spaces; None for no text."""
    head = content[:HEAD]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = head.decode("utf-16", "replace")
    else:
        text = _decoded(head.removeprefix(b"\xef\xbb\xbf"))
    return None if _NO_TEXT.search(text) else text.lstrip()


def _decoded(head: bytes) -> str:
    try:  # the last character may be cut
        return codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return head.decode("cp1252", "replace")


_PAGE = re.compile(r"\s*<(?:html|head|body|title|script|meta)\b", re.IGNORECASE)
_PAGE_TYPE = re.compile(r"<!DOCTYPE\s+html", re.IGNORECASE)
_PROLOG = re.compile(
    r"(?:\s*<(?:\?[^>]{0,500}\?|!--(?:(?!-->).){0,2000}--|!DOCTYPE[^>\[]{0,500})>)*\s*",
    re.IGNORECASE | re.DOTALL,
)
_ROOT = re.compile(r"<(?:[\w.-]{1,40}:)?([A-Za-z_][\w.-]{0,80})(?=[\s/>])")


def _in_markup(text: str) -> Format | None:
    """Return HTML, or the kind of XML, for text that begins with markup."""
    if not text.startswith("<"):
        return None
    prolog = _PROLOG.match(text)
    before, rest = (prolog[0], text[prolog.end() :]) if prolog else ("", text)
    if _PAGE.match(rest) or _PAGE_TYPE.search(before):
        return HTML
    root = _ROOT.match(rest)
    if root and root[1] in ("ClinicalDocument", "svg"):
        return CDA if root[1] == "ClinicalDocument" else SVG
    return XML if before.lstrip().startswith("<?xml") else None


def _is_json(content: bytes, text: str) -> bool:
    if text[:1] not in ("{", "["):
        return False
    if len(content) > _MAX_JSON:
        return bool(re.match(r"[{\[]\s*[\"{\[\]}]", text))
    try:
        return isinstance(json.loads(content), dict | list)
    except (ValueError, RecursionError):
        return False
