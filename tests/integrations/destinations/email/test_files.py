"""The PDF opens with the passphrase alone."""

import hashlib
import subprocess
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from fpdf import FPDF
from pypdf import PdfReader

from integrations.destinations.email.files import File, protected
from integrations.transport import ATTACHMENT, SUMMARY, Document

PASSPHRASES = ["maple-river-lantern-otter", "érable à sucre ᓄᓇᕗᑦ", "(back\\slash) <x>", "x" * 127]
REFERENCE = "3502768696"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40


def pdf(text: str) -> bytes:
    made = FPDF()
    made.set_title(text)
    made.add_page()
    made.set_font("Helvetica")
    made.cell(text=text)
    return bytes(made.output())


SUMMARY_PDF = pdf("Mireille Tremblay-Okafor")
LETTER = pdf("Letter about Mireille")


def document(
    content: bytes, category: str, name: str, content_type: str = "application/pdf"
) -> Document:
    digest = hashlib.sha256(content).hexdigest()
    return Document(
        name, name, category, content_type, len(content), digest, lambda: BytesIO(content)
    )


ALL = (
    document(SUMMARY_PDF, SUMMARY, f"referral-{REFERENCE}-summary-0a1b2c3d.pdf"),
    document(LETTER, ATTACHMENT, f"referral-{REFERENCE}-attachment-1-1a1b2c3d.pdf"),
    document(PICTURE, ATTACHMENT, f"referral-{REFERENCE}-attachment-2-2a1b2c3d.png", "image/png"),
)


def made(
    documents: Sequence[Document] = ALL,
    passphrase: str = PASSPHRASES[0],
    *,
    apart: bool = False,
) -> list[File]:
    return protected(documents, REFERENCE, passphrase, apart=apart)


def opened(file: File, passphrase: str = PASSPHRASES[0]) -> pikepdf.Pdf:
    return pikepdf.open(BytesIO(file.content), password=passphrase)


def text_of(file: File, passphrase: str = PASSPHRASES[0]) -> str:
    return PdfReader(BytesIO(file.content), password=passphrase).pages[0].extract_text()


def embedded(pdf: pikepdf.Pdf) -> dict[str, bytes]:
    return {name: spec.get_file().read_bytes() for name, spec in pdf.attachments.items()}


@pytest.mark.parametrize("passphrase", PASSPHRASES)
def test_it_opens_with_the_passphrase_alone(passphrase: str):
    (file,) = made(passphrase=passphrase)
    with opened(file, passphrase) as pdf:
        how = pdf.encryption
        assert (how.V, how.R, how.bits) == (5, 6, 256)
        assert how.stream_method == how.string_method == how.file_method
        assert how.stream_method == pikepdf.models.EncryptionMethod.aesv3
        assert embedded(pdf) == {ALL[1].name: LETTER, ALL[2].name: PICTURE}
    assert "Mireille" in text_of(file, passphrase)
    for wrong in ("", passphrase[:-1], passphrase.upper(), "none"):
        with pytest.raises(pikepdf.PasswordError):
            opened(file, wrong)


@pytest.mark.programs
def test_qpdf_finds_it_sound_with_the_passphrase_and_shut_without(tmp_path: Path):
    for number, apart in enumerate([False, True]):
        for file in made(apart=apart):
            path = tmp_path / f"{number}-{file.name}"
            path.write_bytes(file.content)
            check = ["qpdf", "--check", str(path)]
            shut = subprocess.run(check, capture_output=True, text=True, check=False)
            assert shut.returncode == 2
            assert "invalid password" in shut.stderr
            check.append(f"--password={PASSPHRASES[0]}")
            sound = subprocess.run(check, capture_output=True, text=True, check=False)
            assert (sound.returncode, sound.stderr) == (0, ""), sound.stdout
            assert "R = 6" in sound.stdout
            assert "AESv3" in sound.stdout


def test_nothing_of_the_content_or_its_names_stands_in_clear():
    for file in (*made(), *made(apart=True)):
        for word in (b"Mireille", b"Tremblay", b"Letter", REFERENCE.encode(), PICTURE[8:40]):
            assert word not in file.content


def test_no_two_files_have_one_key():
    keys = {opened(made()[0]).encryption.encryption_key for _ in range(2)}
    assert len(keys) == 2


def test_its_name_is_made_of_its_hash():
    for file in (*made(), *made(apart=True)):
        assert file.sha256 == hashlib.sha256(file.content).hexdigest()
        assert file.name == f"secure-{file.sha256[:8]}.pdf"


def test_each_file_may_be_a_protected_pdf_of_its_own():
    summary, letter, picture = made(apart=True)
    assert "Tremblay-Okafor" in text_of(summary)
    assert "Letter about" in text_of(letter)
    assert embedded(opened(summary)) == embedded(opened(letter)) == {}
    assert embedded(opened(picture)) == {ALL[2].name: PICTURE}
    assert REFERENCE in text_of(picture)


@pytest.mark.parametrize("apart", [False, True])
def test_without_a_summary_there_is_a_cover_page(apart: bool):
    (file,) = made([], apart=apart)
    assert f"Referral {REFERENCE}" in text_of(file)
    (file,) = made(ALL[2:], apart=apart)
    assert ALL[2].name in text_of(file)
    assert embedded(opened(file)) == {ALL[2].name: PICTURE}


def test_a_pdf_that_is_damaged_or_has_a_password_of_its_own_is_embedded_as_it_is():
    locked, out = pikepdf.open(BytesIO(LETTER)), BytesIO()
    locked.save(out, encryption=pikepdf.Encryption(owner="o", user="u", R=6))
    for content in (b"%PDF-1.7 cut", out.getvalue()):
        letter = document(content, ATTACHMENT, ALL[1].name)
        for file in (made([ALL[0], letter])[0], made([ALL[0], letter], apart=True)[1]):
            assert embedded(opened(file)) == {ALL[1].name: content}


def test_strings_and_numbers_of_every_kind_come_back():
    pdf, out = pikepdf.Pdf.new(), BytesIO()
    pdf.add_blank_page()
    text = pikepdf.String("é(\\)\r\n")
    pdf.Root.Deep = pikepdf.Array(
        [True, None, -7, text, pikepdf.Dictionary(A=pikepdf.Array([text, pikepdf.String("")]))]
    )
    pdf.Root.Apart = pdf.make_indirect(pikepdf.String("alone"))
    pdf.Root.Number = pdf.make_indirect(5)
    pdf.save(out)
    (file,) = made([document(out.getvalue(), SUMMARY, "summary.pdf")])
    with pikepdf.open(BytesIO(out.getvalue())) as plain, opened(file) as found:
        for name in ("/Deep", "/Apart", "/Number"):
            assert found.Root[name] == plain.Root[name]
