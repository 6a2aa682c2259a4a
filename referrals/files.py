"""A referral's attachments: kept when they come inside a message, fetched when they come by URL.

A file that cannot be had holds only itself back.
"""

import hashlib
from collections.abc import Iterable
from io import BytesIO
from pathlib import PurePath

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage

from core import clock, outbound
from integrations.models import Source
from integrations.sources.content import Announcement, judge
from integrations.sources.filenames import safe_filename
from integrations.sources.parsed import ParsedFile
from referrals.models import Referral, ReferralFile

State = ReferralFile.State
MAX_FILES = 200
# Too early, too often, or credentials that somebody is about to mend.
PASSING_ANSWERS = (401, 403, 408, 425, 429)


def keep(referral: Referral, source: Source, parsed: Iterable[ParsedFile]) -> None:
    """Keep the files that came with a message; the same file again changes nothing."""
    known = {file.key: file for file in referral.files.all()}
    for parsed_file in parsed:
        file = known.get(parsed_file.key)
        if file is None:
            if len(known) >= MAX_FILES:
                continue
            file = ReferralFile(
                referral=referral, key=parsed_file.key, position=len(known), state=State.UNAVAILABLE
            )
            known[file.key] = file
        _update(file, source, parsed_file)


def _update(file: ReferralFile, source: Source, parsed: ParsedFile) -> None:
    file.source = source
    if parsed.content is not None:
        _describe(file, parsed)
        file.warning = parsed.warning
        if file.sha256 != hashlib.sha256(parsed.content).hexdigest():
            store(file, parsed.content)
    elif file.state != State.STORED:
        _describe(file, parsed)
        file.announced_hashes = parsed.hashes or file.announced_hashes
        file.url = parsed.url or file.url
        file.size = parsed.size if parsed.size is not None else file.size
        file.state = State.WANTED if file.url else State.UNAVAILABLE
        file.problem = (
            "" if file.url else parsed.problem or "the message holds neither it nor a URL"
        )
    file.save()


def _describe(file: ReferralFile, parsed: ParsedFile) -> None:
    file.filename = parsed.filename
    file.content_type = parsed.content_type or file.content_type


def store(file: ReferralFile, content: bytes) -> None:
    """Put the bytes into the encrypted storage; the row is not saved."""
    file.stored_as = default_storage.save("attachments/file", ContentFile(content))
    file.stored_at = clock.now()
    file.sha256 = hashlib.sha256(content).hexdigest()
    file.size = len(content)
    file.state, file.problem = State.STORED, ""


def repeated(files: Iterable[ReferralFile]) -> set[ReferralFile]:
    """Return the stored files whose bytes another one has that was stored before them.

    The same bytes are sent once: the first ones, which may have been sent already. Files that were
    kept before this was written down (without a time) have each been sent, and count as first.
    """
    seen: set[str] = set()
    again: set[ReferralFile] = set()
    for file in sorted(filter(_is_stored, files), key=_storing_order):
        if file.sha256 in seen and file.stored_at is not None:
            again.add(file)
        seen.add(file.sha256)
    return again


def _is_stored(file: ReferralFile) -> bool:
    return file.state == State.STORED


def _storing_order(file: ReferralFile) -> tuple[float, int, int]:
    return file.stored_at.timestamp() if file.stored_at else 0, file.position, file.pk


def fetch(referral: Referral) -> bool:
    """Fetch the files that are wanted; True when one is worth another try later."""
    wanted = referral.files.filter(state=State.WANTED).select_related("source")
    later = [_fetch(file) for file in wanted]
    return any(later)


def _fetch(file: ReferralFile) -> bool:
    content = BytesIO()
    try:
        answer = outbound.download(
            file.url or "",
            content,
            hosts=file.source.attachment_hosts if file.source else [],
            auth=file.source.fetch_credentials() if file.source else None,
            max_bytes=settings.MAX_ATTACHMENT_BYTES,
            total_seconds=settings.FETCH_SECONDS,
        )
    except outbound.OutboundError as error:
        later = _worth_another_try(error)
        file.state = State.WANTED if later else State.UNAVAILABLE
        file.problem = error.message
        file.save(update_fields=["state", "problem"])
        return later
    return _take(file, content.getvalue(), answer.content_type)


def _take(file: ReferralFile, content: bytes, answered_type: str) -> bool:
    """Store what an address answered, if it is the file; True when it is worth another try.

    It is whenever the file is missing: a sign-in page in its place goes when the credentials are
    right, and an empty or cut one may still be being written.
    """
    announced = Announcement(
        filename=file.filename,
        content_type=file.content_type,
        size=file.size,
        hashes=file.announced_hashes,
        fetched=True,
    )
    verdict = judge(content, announced)
    if verdict.missing:
        file.problem = verdict.problem
        file.save(update_fields=["problem"])
        return True
    file.content_type = verdict.content_type or answered_type
    file.filename = safe_filename(
        file.filename, fallback=file.filename, content_type=file.content_type, form=verdict.form
    )
    file.warning = verdict.warning
    store(file, content)
    file.save()
    return False


def _worth_another_try(error: outbound.OutboundError) -> bool:
    if isinstance(error, outbound.Declined):
        return error.status in PASSING_ANSWERS or error.status >= 500
    return isinstance(error, outbound.Unreachable | outbound.NoAnswer)


def give_up(referral: Referral) -> None:
    """Stop trying to fetch what could not be had."""
    referral.files.filter(state=State.WANTED).update(state=State.UNAVAILABLE)


def sent_name(reference: str, number: int, file: ReferralFile) -> str:
    """Return the name under which a file is sent: no personal data, the summary's own number."""
    suffix = PurePath(file.filename).suffix.lower()
    return f"referral-{reference}-attachment-{number}{suffix if suffix[1:].isalnum() else ''}"


def open_stored(name: str) -> "File[bytes]":
    """Open a stored file; the bytes are decrypted as they are read."""
    return default_storage.open(name, "rb")
