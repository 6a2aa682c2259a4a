"""Passphrases: of a partner, or made for one message, to be given by phone."""

import secrets
import unicodedata
from pathlib import Path

SHORTEST = 8  # characters
LONGEST = 127  # bytes: what a PDF takes
WORDS = 7  # of 256: 56 bits, each tried by some hundred hashes
# Common words that cannot be taken for each other by phone.
LIST = Path(__file__).with_name("words.txt").read_text("utf-8").split()


def made() -> str:
    """Return a passphrase of random words that nobody has seen yet."""
    return "-".join(secrets.choice(LIST) for _ in range(WORDS))


def as_typed(text: str) -> str:
    """Return a passphrase in the one form in which it is used, however it was typed."""
    return unicodedata.normalize("NFKC", text.strip())


def fault(passphrase: str) -> str:
    """Return what is wrong with a passphrase, or an empty string."""
    if len(passphrase) < SHORTEST:
        return f"A passphrase has at least {SHORTEST} characters. Four or more words are better."
    if len(passphrase.encode()) > LONGEST:
        return f"A passphrase has at most {LONGEST} bytes."
    if not passphrase.isprintable():
        return "A passphrase holds letters, digits, signs and spaces."
    return ""
