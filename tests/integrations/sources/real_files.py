"""Files as people send them, made by the programs that make them where there is one here."""

import gzip
import io
import json
import struct
import wave
import zipfile
from functools import cache

from fpdf import FPDF
from openpyxl import Workbook
from PIL import Image

WEB_PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Welcome</body></html>"
SIGN_IN_PAGE = b"<html><body><form><input type='password' name='p'></form></body></html>"
CDA = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<?xml-stylesheet type="text/xsl" href="CDA.xsl"?>\n'
    b'<!-- Discharge summary -->\n<ClinicalDocument xmlns="urn:hl7-org:v3">'
    b"<title>Discharge</title></ClinicalDocument>\n"
)
TINY_PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


@cache
def pdf(pages: int = 1) -> bytes:
    document = FPDF()
    document.set_font("helvetica")
    for number in range(pages):
        document.add_page()
        document.write(text=f"Page {number + 1}: a letter about nobody.")
    return bytes(document.output())


@cache
def picture(kind: str, size: tuple[int, int] = (120, 80), **options) -> bytes:
    image = Image.effect_noise(size, 80).convert("RGB")
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@cache
def fax(pages: int = 3) -> bytes:
    """A TIFF of several pages, as fax servers send them."""
    images = [Image.effect_noise((200, 300), 90).convert("1") for _ in range(pages)]
    out = io.BytesIO()
    images[0].save(
        out, "TIFF", save_all=True, append_images=images[1:], compression="group4", dpi=(200, 200)
    )
    return out.getvalue()


def zipped(**parts: bytes) -> bytes:
    """An archive; two underscores in a name stand for a slash, one for a dot."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return out.getvalue()


@cache
def docx() -> bytes:
    return zipped(
        **{"[Content_Types].xml": b"<Types/>", "word__document_xml": b"<w:document/>" * 500}
    )


@cache
def xlsx() -> bytes:
    out = io.BytesIO()
    book = Workbook()
    book.active.append(["Name", "Date"])
    book.save(out)
    return out.getvalue()


@cache
def odt() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("content.xml", "<office:document-content/>" * 50)
    return out.getvalue()


@cache
def doc(part: str = "WordDocument") -> bytes:
    """A compound file of Office 97: header, allocation table, directory, and some content."""
    header = bytearray(512)
    header[:8] = bytes.fromhex("d0cf11e0a1b11ae1")
    struct.pack_into("<HHHHH", header, 24, 0x3E, 3, 0xFFFE, 9, 6)
    struct.pack_into("<II", header, 44, 1, 2)  # one table; the directory is in the third sector
    directory = bytearray(512)
    name = part.encode("utf-16-le")
    directory[128 : 128 + len(name)] = name
    return bytes(header) + bytes(512) + b"\x11" * 512 + bytes(directory)


@cache
def wav() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\1\2" * 2000)
    return out.getvalue()


def boxes(brand: bytes, content: int = 3000) -> bytes:
    """An ISO media file, as phones make pictures (heic) and recordings (M4A, mp4)."""
    kind = b"ftyp" + brand + b"\0\0\0\0" + brand
    return (
        struct.pack(">I", len(kind) + 4)
        + kind
        + struct.pack(">I", content + 8)
        + (b"mdat" + b"\x07\0" * (content // 2))
    )


def seven_zip() -> bytes:
    start, listed = b"\x55" * 400, b"\x01" * 60
    header = b"7z\xbc\xaf\x27\x1c\0\4" + bytes(4) + struct.pack("<QQ", len(start), len(listed))
    return header + bytes(4) + start + listed


RTF = rb"{\rtf1\ansi{\fonttbl{\f0 Arial;}}\f0 A note about nobody, long enough to be cut.\par}"
DICOM = bytes(128) + b"DICM" + b"\2\0\0\0UL\4\0" + bytes(200)
MP3 = b"ID3\4\0\0\0\0\0\0" + b"\xff\xfb\x90\x00" + bytes(400)
NOTE = "Consult note\n\nSeen on 9 March; doing well. Élodie to call in a week.\n".encode()
CSV = b"name,date\r\nA,2026-03-09\r\nB,2026-03-10\r\n"


def every_format() -> dict[str, tuple[str, str, bytes]]:
    """Return type, extension and content by a name."""
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return {
        "pdf": ("application/pdf", ".pdf", pdf()),
        "docx": (word, ".docx", docx()),
        "xlsx": (sheet, ".xlsx", xlsx()),
        "odt": ("application/vnd.oasis.opendocument.text", ".odt", odt()),
        "doc": ("application/msword", ".doc", doc()),
        "xls": ("application/vnd.ms-excel", ".xls", doc("Workbook")),
        "rtf": ("application/rtf", ".rtf", RTF),
        "cda": ("application/cda+xml", ".xml", CDA),
        "png": ("image/png", ".png", picture("PNG")),
        "jpeg": ("image/jpeg", ".jpg", picture("JPEG")),
        "progressive": ("image/jpeg", ".jpg", picture("JPEG", progressive=True)),
        "gif": ("image/gif", ".gif", picture("GIF")),
        "bmp": ("image/bmp", ".bmp", picture("BMP")),
        "tiff": ("image/tiff", ".tif", picture("TIFF")),
        "fax": ("image/tiff", ".tif", fax()),
        "webp": ("image/webp", ".webp", picture("WEBP")),
        "heic": ("image/heic", ".heic", boxes(b"heic")),
        "m4a": ("audio/mp4", ".m4a", boxes(b"M4A ")),
        "mp4": ("video/mp4", ".mp4", boxes(b"isom")),
        "wav": ("audio/wav", ".wav", wav()),
        "mp3": ("audio/mpeg", ".mp3", MP3),
        "dicom": ("application/dicom", ".dcm", DICOM),
        "zip": ("application/zip", ".zip", zipped(a_txt=NOTE * 20, b_txt=CSV * 20)),
        "7z": ("application/x-7z-compressed", ".7z", seven_zip()),
        "gz": ("application/gzip", ".gz", gzip.compress(NOTE * 20)),
        "note": ("text/plain", ".txt", NOTE),
        "csv": ("text/csv", ".csv", CSV),
        "html": ("text/html", ".html", WEB_PAGE),
        "json": ("application/json", ".json", json.dumps({"resourceType": "Bundle"}).encode()),
        "xml": ("application/xml", ".xml", b"<?xml version='1.0'?>\n<letter>Hello</letter>"),
    }


# Formats that show by themselves that their end is gone.
SELF_EVIDENT = (
    *("pdf", "docx", "xlsx", "odt", "doc", "rtf", "cda", "zip", "7z"),
    *("png", "jpeg", "progressive", "gif", "bmp", "tiff", "fax", "webp", "heic", "m4a", "wav"),
)
