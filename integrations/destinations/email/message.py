"""The message: what stands around the protected files identifies nobody. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from integrations.destinations.email import wording

_NAMED = re.compile(r"(?P<name>[^<>@\x00-\x1f]*)<(?P<address>[^<>\s]+)>|(?P<alone>[^<>\s]+)")


@dataclass(frozen=True, slots=True)
class File:
    """An encrypted file; its name is made of its hash and says nothing else."""

    content: bytes = field(repr=False)
    sha256: str  # hexadecimal

    @property
    def name(self) -> str:
        return f"secure-{self.sha256[:8]}.pdf"


def message(
    *,
    version: str,
    sender: str,
    recipients: Sequence[str],
    subject: str,
    body: str,
    made_at: datetime,
    files: Sequence[File],
) -> EmailMessage:
    """Return the message of a version: the same bytes for the same arguments."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = _address(sender)
    mail["To"] = tuple(_address(one) for one in recipients)
    mail["Subject"] = wording.in_one_line(subject)
    mail["Date"] = format_datetime(made_at)
    mail["Message-ID"] = message_id(version, sender)
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(body, cte="base64")
    for file in files:
        mail.add_attachment(file.content, "application", "pdf", filename=file.name)
    # Python would choose a boundary at random.
    mail.set_boundary(f"=_{version}")
    return mail


def message_id(version: str, sender: str) -> str:
    """Return the id of the message of a version, which is the same on every try."""
    return f"<{version}@{name_and_address(sender)[1].rpartition('@')[2].lower()}>"


def name_and_address(text: str) -> tuple[str, str]:
    """Return what `Name <address>` or an address alone holds; raises ValueError for the rest."""
    found = _NAMED.fullmatch(text.strip())
    if not found:
        raise ValueError("not an address")
    return (found["name"] or "").strip(' "'), found["address"] or found["alone"]


def _address(text: str) -> Address:
    name, address = name_and_address(text)
    return Address(wording.in_one_line(name), addr_spec=address)
