"""A referral's attachments: kept when they come inside a message, fetched when they come by URL.

A file that cannot be had holds only itself back. A row is one file: messages know it by its
`identity`, and several files may have one. Its `key` names its step, and never changes.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import PurePath

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.db import transaction
from django.db.models import QuerySet

from core import outbound
from core.storage import EncryptedFileStorage
from integrations.models import Source
from integrations.sources.content import Announcement, judge
from integrations.sources.filenames import safe_filename
from integrations.sources.parsed import ParsedEvent, ParsedFile
from integrations.transport import ATTACHMENT
from mapping.source.document import Attachment, Document
from referrals import sentences
from referrals.models import Referral, ReferralFile, StoredSummary
from referrals.record import snapshot

State = ReferralFile.State
storage = EncryptedFileStorage()
MAX_FILES = 200
FOLDER = "attachments"  # of the storage
MAX_IDENTITY = 100
_MOST_FIRST = (State.STORED, State.WANTED, State.UNAVAILABLE, State.WITHDRAWN)
_OF_CONTENT = (
    "source",
    "filename",
    "content_type",
    "size",
    "announced_hashes",
    "state",
    "problem",
    "warning",
)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file as a message brought it.

    `sha256` is that of its bytes, empty where the message had none. `stored` is a row that names
    them where they were stored before; it may be one that is never saved.
    """

    parsed: ParsedFile = field(repr=False)
    sha256: str = ""
    stored: ReferralFile | None = None

    @property
    def identity(self) -> str:
        return known_as(self.parsed.key)


def arrived(parsed: ParsedEvent) -> tuple[Arrived, ...]:
    """Return the files of a message, each with the hash of its bytes."""
    return tuple(
        Arrived(file, "" if file.content is None else hashlib.sha256(file.content).hexdigest())
        for file in parsed.files
    )


def known_as(key: str) -> str:
    """Return the identity of the file that a document knows by this key."""
    if len(key) <= MAX_IDENTITY:
        return key
    return f"sha256-{hashlib.sha256(key.encode()).hexdigest()}"


def step_of(file: ReferralFile) -> str:
    """Return the name of the step that sends the file, in every kind of destination."""
    return f"{ATTACHMENT}:{file.key}"


def keep(
    referral: Referral, source: Source, came: Iterable[Arrived], *, is_new: bool = False
) -> list[ReferralFile]:
    """Keep the files that came with a message; return those that the referral did not have.

    The same file again changes nothing. The referral's snapshot holds the message already: of a
    file that its sender has withdrawn since, there is a row without bytes. A later message may show
    that the sender withdrew another one: then staff see that this one is missing. A referral that
    `is_new` has no files yet.
    """
    if not (came := tuple(came)):
        return []
    new: list[ReferralFile] = []
    rows = [] if is_new else list(referral.files.all())
    shown = _Shown.of(referral)
    for file in came:
        stands = shown.lists(file.identity, file.sha256)
        row = _same(rows, file, shown, is_gone=not stands)
        if row is None:
            if len(rows) >= MAX_FILES:
                continue
            row = ReferralFile(
                referral=referral,
                key=free_key(file.identity, file.sha256, {row.key for row in rows}),
                identity=file.identity,
                position=len(rows),
                state=State.UNAVAILABLE,
            )
            rows.append(row)
        if not stands:
            if row._state.adding:
                _describe(row, file.parsed)
                row.source, row.sha256 = source, file.sha256
                row.state, row.problem = State.WITHDRAWN, sentences.SENDER_WITHDREW()
                row.save()
            continue
        if row.pk is None or row.state == State.WITHDRAWN:
            new.append(row)
        _update(row, source, file)
    return new


def _same(
    rows: list[ReferralFile], file: Arrived, shown: "_Shown", *, is_gone: bool
) -> ReferralFile | None:
    """Return the row of this very file: bytes distinguish what has one identity.

    One that comes without bytes is another than one whose bytes are withdrawn.
    """
    known = [row for row in rows if row.identity == file.identity]
    if file.sha256:
        same = [row for row in known if row.sha256 == file.sha256]
        return next(iter([*same, *(row for row in known if not row.sha256 and not is_gone)]), None)
    known = [row for row in known if not shown.withdrew(row.identity, row.sha256)]
    url = file.parsed.url
    known.sort(key=lambda row: (not url or row.url != url, row.state == State.WITHDRAWN))
    return next(iter(known), None)


def free_key(identity: str, sha256: str, taken: Iterable[str]) -> str:
    """Return the key for a new row: the identity, or where that is taken, one with the hash."""
    if identity not in taken:
        return identity
    key = f"{identity[:60]}~{sha256[:32]}"
    return next(k for k in (key, *(f"{key}~{n}" for n in range(2, 1000))) if k not in taken)


def _update(file: ReferralFile, source: Source, came: Arrived) -> None:
    parsed = came.parsed
    file.source = source
    if came.sha256:
        _describe(file, parsed)
        file.warning = parsed.warning
        if file.sha256 != came.sha256 or file.state != State.STORED:
            hold(file, came)
        file.save()
        return
    # Of one that is here too: should its bytes be withdrawn, this is where another one is.
    file.announced_hashes = parsed.hashes or file.announced_hashes
    file.url = parsed.url or file.url
    if file.state != State.STORED:
        _describe(file, parsed)
        file.size = parsed.size if parsed.size is not None else file.size
        file.state = State.WANTED if file.url else State.UNAVAILABLE
        file.problem = "" if file.url else parsed.problem or sentences.NEITHER_FILE_NOR_URL()
    file.save()


def _describe(file: ReferralFile, parsed: ParsedFile) -> None:
    file.filename = parsed.filename
    file.content_type = parsed.content_type or file.content_type


def hold(file: ReferralFile, came: Arrived) -> None:
    """Take the bytes that came, from the message or from their place; the row is not saved."""
    if came.parsed.content is not None:
        store(file, ContentFile(came.parsed.content), came.sha256)
    elif came.stored is not None:
        with open_stored(came.stored) as content:
            store(file, content, came.sha256)
    else:
        file.problem = sentences.BYTES_GONE()


def twin(rows: Iterable[ReferralFile], file: ReferralFile) -> ReferralFile | None:
    """Return the row of the same file, as another referral had it that is the same one."""
    known = [row for row in rows if row.identity == file.identity]
    same = (row for row in known if row.sha256 == file.sha256)
    # As in one referral: one that is named without bytes is the one whose bytes are here.
    named = (
        row
        for row in known
        if not (row.sha256 and file.sha256) and State.WITHDRAWN not in (row.state, file.state)
    )
    return next(same, None) or next(named, None)


def hand_over(file: ReferralFile, row: ReferralFile) -> None:
    """Give what a row has to another row of the same file, where that one has less.

    Whether the file is withdrawn is seen to when the referral's message has been merged.
    """
    if _MOST_FIRST.index(file.state) < _MOST_FIRST.index(row.state):
        for name in _OF_CONTENT:
            setattr(row, name, getattr(file, name))
        row.sha256, row.url = file.sha256 or row.sha256, file.url or row.url
        if file.state == State.STORED:
            with open_stored(file) as content:
                row.stored_as = storage.save_for(row, FOLDER, content)
    elif row.state != State.WITHDRAWN:
        row.url = row.url or file.url
    row.save()


def store(file: ReferralFile, content: "File[bytes]", sha256: str) -> None:
    """Put the bytes into the encrypted storage, as the row's own; the row is not saved."""
    file.stored_as = storage.save_for(file, FOLDER, content)
    file.sha256, file.size = sha256, content.size
    file.state, file.problem = State.STORED, ""


def fetch(
    referral: Referral, each: Callable[[], AbstractContextManager[None]] = nullcontext
) -> bool:
    """Fetch the files that are wanted, `each` in a context of its own.

    Returns True when one is worth another try later.
    """
    wanted = referral.files.filter(state=State.WANTED).select_related("source")
    later = []
    for file in wanted:
        with each():
            later.append(_fetch(file))
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
    store(file, ContentFile(content), hashlib.sha256(content).hexdigest())
    file.save()
    return False


def _worth_another_try(error: outbound.OutboundError) -> bool:
    if isinstance(error, outbound.Declined):
        return error.may_pass
    return isinstance(error, outbound.Unreachable | outbound.NoAnswer)


def give_up(referral: Referral) -> None:
    """Stop trying to fetch what could not be had."""
    referral.files.filter(state=State.WANTED).update(state=State.UNAVAILABLE)


def withdraw(referral: Referral) -> list[ReferralFile]:
    """Delete the bytes of the files that their sender has withdrawn; return those files.

    Must run in a transaction. A row stays, so that its step stays done should the file come again.
    """
    shown = _Shown.of(referral)
    gone_before = referral.files.filter(state=State.WITHDRAWN)
    for row in gone_before.only("identity", "sha256", "row_key"):
        if shown.lists(row.identity, row.sha256):  # it turned out that another one was meant
            row.state, row.problem = State.UNAVAILABLE, sentences.BYTES_GONE()
            row.save(update_fields=["state", "problem"])
    if not shown.withdrawn:
        return []
    rows = referral.files.filter(identity__in=shown.withdrawn).exclude(state=State.WITHDRAWN)
    gone = [row for row in rows if not shown.lists(row.identity, row.sha256)]
    left = _named_since(referral, gone, shown)
    for row in gone:
        shared = ReferralFile.objects.filter(stored_as=row.stored_as).exclude(pk=row.pk)
        if row.stored_as and not shared.exists():
            transaction.on_commit(partial(storage.delete, row.stored_as))
        row.state, row.problem = State.WITHDRAWN, sentences.SENDER_WITHDREW()
        row.stored_as, row.url = "", None
        row.save(update_fields=["state", "problem", "stored_as", "url"])
    for file in left:
        file.save()
    return gone


def _named_since(
    referral: Referral, gone: Sequence[ReferralFile], shown: "_Shown"
) -> list[ReferralFile]:
    """Return rows for the files that a later message named without bytes, as those now withdrawn.

    Until now they were taken for the same. The rows are not saved.
    """
    rows, found = list(referral.files.all()) if gone else [], []
    for attachment in shown.attachments if gone else ():
        identity = _known(attachment)
        taken = next((row for row in gone if row.identity == identity), None)
        has_row = any(
            row.identity == identity and row not in gone and row.state != State.WITHDRAWN
            for row in rows
        )
        if attachment.get("sha256") or taken is None or has_row:
            continue
        file = ReferralFile(
            referral=referral,
            key=free_key(identity, "", {row.key for row in rows}),
            identity=identity,
            position=len(rows),
            source=taken.source,
            filename=attachment.get("filename", ""),
            content_type=attachment.get("content_type", ""),
            size=attachment.get("size"),
            announced_hashes=taken.announced_hashes,
            url=taken.url,
            state=State.WANTED if taken.url else State.UNAVAILABLE,
            problem="" if taken.url else sentences.BYTES_GONE(),
        )
        rows.append(file)
        found.append(file)
    return found


@dataclass(frozen=True, slots=True)
class _Shown:
    """Which files a referral shows; only looked up where something was withdrawn."""

    withdrawn: frozenset[str]
    attachments: tuple[Attachment, ...] = ()
    gone: frozenset[tuple[str, str]] = frozenset()  # identity and hash of what a message contained

    @classmethod
    def of(cls, referral: Referral) -> "_Shown":
        known: snapshot.Snapshot = referral.snapshot
        withdrawn = frozenset(map(known_as, snapshot.withdrawn(known, "attachments")))
        if not withdrawn:
            return cls(withdrawn)
        gone = frozenset((known_as(key), sha256) for key, sha256 in snapshot.withdrawn_files(known))
        return cls(withdrawn, tuple(snapshot.view(known).get("attachments", [])), gone)

    def lists(self, identity: str, sha256: str) -> bool:
        """Return whether the file is still to be sent."""
        if identity not in self.withdrawn:
            return True
        hashes = {a.get("sha256", "") for a in self.attachments if _known(a) == identity}
        return sha256 in hashes or ("" in hashes and not self.withdrew(identity, sha256))

    def withdrew(self, identity: str, sha256: str) -> bool:
        """Return whether a sender has withdrawn the bytes that a message contained."""
        return (identity, sha256) in self.gone


def _known(attachment: Attachment) -> str:
    return known_as(attachment.get("key", ""))


def _is_of(attachment: Attachment, identity: str, sha256: str) -> bool:
    known = attachment.get("sha256", "")
    return _known(attachment) == identity and (not known or not sha256 or known == sha256)


def numbered(referral: Referral, document: Document) -> list[tuple[int, ReferralFile]]:
    """Return the files that stand, each with its number in the summary's list of attachments.

    Those that are not in the list come after it.
    """
    listed = document.get("attachments", [])
    # Asked here, and not when files were fetched: one that was withdrawn meanwhile is not sent.
    left = list(referral.files.exclude(state=State.WITHDRAWN))
    found: list[tuple[int, ReferralFile]] = []
    for number, attachment in enumerate(listed, start=1):
        row = next((r for r in left if _is_of(attachment, r.identity, r.sha256)), None)
        if row:
            left.remove(row)
            found.append((number, row))
    return [*found, *enumerate(left, start=len(listed) + 1)]


def withdrawn() -> QuerySet[ReferralFile]:
    """Return the files that their senders have withdrawn, as far as they were here."""
    return ReferralFile.objects.filter(state=State.WITHDRAWN).exclude(sha256="")


def withdrawn_hashes(referral: Referral) -> tuple[str, ...]:
    """Return the SHA-256 of the files that the sender has withdrawn, as far as they were here."""
    gone = withdrawn().filter(referral=referral)
    still = set(referral.files.exclude(state=State.WITHDRAWN).values_list("sha256", flat=True))
    return tuple(sorted(set(gone.values_list("sha256", flat=True)) - still))


def sent_name(reference: str, number: int, file: ReferralFile) -> str:
    """Return the name under which a file is sent: no personal data, the summary's own number."""
    suffix = PurePath(file.filename).suffix.lower()
    return f"referral-{reference}-attachment-{number}{suffix if suffix[1:].isalnum() else ''}"


def open_stored(row: ReferralFile | StoredSummary) -> "File[bytes]":
    """Open the file that a row names; the bytes are decrypted as they are read."""
    return storage.open_of(row)
