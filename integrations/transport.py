"""The contract between Dovetail and every kind of destination.

A kind is a folder of `integrations.destinations`; its `transport` module defines one subclass of
`Transport`. A transport sees a `Parcel` and gives back a `Receipt` or raises one of the errors
below, which say who must act. It never touches the database, logs a body, sleeps or retries.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import IO, Any, ClassVar, Protocol

from django.db.models import TextChoices
from django.forms import CharField, Form, PasswordInput, TypedChoiceField
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.text.sentences import Term
from integrations.capabilities import Capability, Finding, Shown
from integrations.sentences import DOWN_BECAUSE
from mapping.engine.targets import Own, TargetField
from mapping.source.document import Document as Shows

SUMMARY = "referral_summary"
ATTACHMENT = "attachment"
HASH_IN_NAME = 8  # digits of its SHA-256 at the end of a file's name, where versions follow


class ErrorKind(TextChoices):
    """What went wrong, in the same words for every kind of destination.

    Whoever has to know what an error means reads this, and never the code of a protocol.
    """

    REFUSED = "refused", _("Refused")  # the data, or a file
    CREDENTIALS = "credentials", _("Credentials not accepted")
    MISADDRESSED = "misaddressed", _("Wrong address")  # something else answers, or nothing may
    THROTTLED = "throttled", _("Asked to wait")
    FAILING = "failing", _("Failing")  # it answers that something is wrong on its side
    DOWN = "down", _("Unreachable")  # nothing was sent
    SILENT = "silent", _("No answer")  # what was sent may have arrived
    GONE = "gone", _("No longer there")
    CONFLICT = "conflict", _("Contradictory answer")  # a person has to look
    BAD_MAPPING = "bad_mapping", _("Mapping error")
    BUG = "bug", _("Error in Dovetail")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One answer of a destination, kept with the attempt for support staff.

    `code` is how the answer is named among people ("HTTP 503", "SMTP 451"); empty where nothing
    answered. It is shown and never read. `body` is capped, and may hold personal data: it is
    stored encrypted and never logged.
    """

    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = field(default="", repr=False)


class Updates(StrEnum):
    """What a kind takes of a referral that it has already."""

    ONCE = "once"  # nothing: a later match is recorded as already sent
    EACH = "each"  # every version, in order; a refused one holds back the later ones
    LATEST = "latest"  # the newest version; it supersedes the older ones


class Action(StrEnum):
    """What is to become of a referral at its destination."""

    PUT = "put"
    REMOVE = "remove"


class Targets(StrEnum):
    """What a kind's mappings may fill."""

    CLOSED = "closed"  # the target fields of the kind
    NONE = "none"  # nothing is mapped
    OPEN = "open"  # any key; a default mapping names the usual ones
    FIXED = "fixed"  # a schema that no mapping changes
    BY_HEADING = "by_heading"  # columns that the mapping names

    @property
    def own(self) -> Own:
        """What a mapping may fill beside the target fields of the kind."""
        return {Targets.OPEN: Own.KEYS, Targets.BY_HEADING: Own.HEADINGS}.get(self, Own.NOTHING)


class Doubt(StrEnum):
    """Why a person has to look whether something is in the destination."""

    NO_ID = "no_id"  # the answer to a create named no id, and the search did not find it
    DUPLICATE = "duplicate"  # it has something like this, and maybe it is another one
    GONE = "gone"  # it had the referral and no longer has it
    NOT_SEARCHABLE = "not_searchable"
    UNCLEAR_SEARCH = "unclear_search"  # the search gave something that proves nothing
    UNPROVEN = "unproven"  # it is not proved that the destination can do what would settle it


class DeliveryError(Exception):
    """A delivery that did not succeed.

    `kind` is what went wrong; each class has the one that it usually is. `message` is a sentence
    for people and may quote the destination; `exchange` is the detail for support. Neither of the
    two appears in `str()` or `repr()`, so neither reaches a log. `maybe_done` says whether the
    effect that was under way may have happened at the destination all the same. `shown` is what
    the answer has shown of what the destination can do; `audit`, what the audit trail keeps of an
    effect that may have happened.
    """

    kind: ErrorKind = ErrorKind.FAILING
    maybe_done: bool = False
    shown: Shown = MappingProxyType({})
    audit: Mapping[str, Any] = MappingProxyType({})
    # Options that would settle it, once a person has confirmed what the destination has shown.
    confirmable: Mapping[str, str] = MappingProxyType({})

    def __init__(
        self, message: str, exchange: Exchange | None = None, *, kind: ErrorKind | None = None
    ) -> None:
        super().__init__(type(self).__name__)
        self.message = message
        self.exchange = exchange or Exchange()
        self.kind = kind or self.kind


class Down(DeliveryError):
    """Nothing was sent: no name, no connection, no TLS. The destination is probed until it answers.

    `cause` says why in a clause ("its certificate is not trusted"), `remedy` what an administrator
    can do about it.
    """

    kind = ErrorKind.DOWN

    def __init__(self, message: str, *, cause: str, remedy: str) -> None:
        super().__init__(message)
        self.cause = cause
        self.remedy = remedy

    @property
    def reason(self) -> str:
        """The cause as a clause, and the remedy: for whoever reads since when it is down."""
        return DOWN_BECAUSE(cause=self.cause, remedy=self.remedy)


class TryAgain(DeliveryError):
    """Not now. `after` (the destination's Retry-After) wins over the schedule.

    Of kind FAILING, or THROTTLED where it asks to wait, or SILENT where no answer came.
    """

    def __init__(
        self,
        message: str,
        exchange: Exchange | None = None,
        *,
        kind: ErrorKind | None = None,
        after: timedelta | None = None,
        maybe_done: bool = False,
    ) -> None:
        super().__init__(message, exchange, kind=kind)
        self.after = after
        self.maybe_done = maybe_done


class Rejected(DeliveryError):
    """The destination refuses this referral's data: somebody must change the referral."""

    kind = ErrorKind.REFUSED


class Misconfigured(DeliveryError):
    """The connection is wrong: no referral can pass until it is fixed.

    Of kind MISADDRESSED, or CREDENTIALS where those are not accepted.
    """

    kind = ErrorKind.MISADDRESSED

    def __init__(
        self,
        message: str,
        exchange: Exchange | None = None,
        *,
        kind: ErrorKind | None = None,
        maybe_done: bool = False,
    ) -> None:
        super().__init__(message, exchange, kind=kind)
        self.maybe_done = maybe_done


class Unconfirmed(DeliveryError):
    """The effect may have happened and nobody can tell yet.

    With `after`, the ledger searches again then; without, a person looks and decides. `doubt` says
    what they have to find out. Of kind SILENT where no answer came; with a doubt, CONFLICT or GONE.
    """

    kind = ErrorKind.SILENT
    maybe_done = True

    def __init__(
        self,
        message: str,
        exchange: Exchange | None = None,
        *,
        kind: ErrorKind | None = None,
        after: timedelta | None = None,
        doubt: Doubt | None = None,
    ) -> None:
        if doubt:
            kind = kind or (ErrorKind.GONE if doubt is Doubt.GONE else ErrorKind.CONFLICT)
        super().__init__(message, exchange, kind=kind)
        self.after = after
        self.doubt = doubt


@dataclass(frozen=True, slots=True)
class Document:
    """A file of the parcel. `name` carries no personal data; `open()` gives a fresh stream."""

    key: str  # stable across attempts; names its step
    name: str
    category: str  # SUMMARY or ATTACHMENT
    content_type: str
    size: int  # bytes
    sha256: str  # hexadecimal
    open: Callable[[], IO[bytes]] = field(repr=False)


class Ledger(Protocol):
    """Remembers each remote effect of a delivery, so that a retry resumes at the first not done."""

    @property
    def request_id(self) -> str:
        """An id for this attempt, to send as a correlation header."""

    def key(self, step: str) -> str:
        """Return an idempotency key for the step: the same on every try."""

    @property
    def keys_hold(self) -> bool:
        """Whether what may be there was sent under these keys; after a restore, not all was."""

    def once(
        self,
        step: str,
        do: Callable[[], str],
        find: Callable[[], str | None] | None = None,
    ) -> str:
        """Return the external id of the step, doing it only if it was not done before.

        Commits the intent, calls `do`, commits the id it returns. If an earlier try left an intent
        without an answer, `find` is asked first (an id, or None for "it is not there"), twice with
        a settle time between; without `find` it raises Unconfirmed.
        """

    def made_once(self, of: str, make: Callable[[], bytes]) -> bytes:
        """Return what `make` gave the first time for this version: the same bytes on every try.

        `of` says all that they are made of: with another, they are made anew. They are kept
        encrypted until the version is accepted or given up.
        """

    def forget(self, step: str) -> None:
        """Take back that the step is done: the destination no longer knows it.

        It is searched before it is done again. When a person says that it is not there, what
        followed it is done again too.
        """


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is delivered: one version of one referral for one destination.

    `record` maps target keys (`client.first_name`) to JSON values. `documents` are the summary
    and the attachments, in the order to send them; where the kind says `files_follow`, whoever
    reads the first one waits while the summary is being rendered. `version` is the version's id,
    the same on every try and replay; `skipped` numbers the earlier versions that will never come.
    `shown` is what the referral shows, as far as it may leave; `trigger` is why the version was
    made, at `made_at`. What is removed has a reference, and neither record nor documents.
    """

    reference: str
    record: Mapping[str, Any] = field(repr=False)
    documents: Sequence[Document]
    ledger: Ledger = field(repr=False)
    action: Action = Action.PUT
    version: str = ""
    number: int = 1
    skipped: tuple[int, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)  # of a sending by hand
    withdrawn: tuple[str, ...] = ()  # SHA-256 of the files that earlier versions may have brought
    lists: tuple[str, ...] = ()  # of a removal: the runs that brought the referral, by their names
    shown: Shows = field(default_factory=dict, repr=False)  # type: ignore[assignment]
    trigger: str = ""
    made_at: datetime | None = None
    received_at: datetime | None = None  # when the referral first came
    # What stands beside the referral and may leave: `events`, `deliveries`, `partner_updates`.
    beside: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict, repr=False)
    files_at: str = ""  # where a partner fetches its files: the address before a file's key
    # Where it belongs, as it is set up here: `organization`, `listing`, `program`, `time_zone`.
    place: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A parcel that arrived. `refused` maps the name of each file not taken to the reason.

    `audit` holds what the audit trail keeps of it, JSON values; without any, it keeps nothing.
    """

    external_id: str
    url: str = ""
    detail: Exchange = field(default_factory=Exchange)
    refused: Mapping[str, str] = field(default_factory=dict, repr=False)
    audit: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Sending:
    """A sending by hand that is prepared. `options` go with its version, and stay encrypted.

    `shown_once` is for the person who sends, such as a passphrase to give by phone: it is kept
    with the options until the version is accepted or given up, and never shown again.
    """

    options: Mapping[str, Any] = field(repr=False)
    shown_once: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """What travels together: one version of each of many referrals, in one run.

    `id` is the run's, the same when a run that was cut is carried again: what it leaves there goes
    under that id, so that a second time takes the place of the first. `parcels` are made one by
    one as they are asked for; they have documents where the kind `takes_files` in a run. `keep`
    raises where another worker has the run by now. `listings` are all of the organization, read
    when they are asked for: `id`, `name`, `organization_id`, and whether they are `integrated`.
    """

    id: str
    since: datetime | None  # the window of the run: from the end of the one before it
    until: datetime
    parcels: Iterable[Parcel] = field(repr=False)
    listings: Iterable[Mapping[str, Any]] = ()
    organization: str = ""  # its Caredove id
    columns: Sequence[Sequence[str]] = ()  # those that earlier runs have left there
    fields: Sequence[str] = ()  # those that mappings fill, in their order
    keep: Callable[[], object] = lambda: None  # call it now and then while nothing is asked for
    sha256: str = ""  # of a run that is repeated: what it has to be again


@dataclass(frozen=True, slots=True)
class BatchReceipt:
    """A run that arrived whole, but for what was refused of it: why, by the id of its version."""

    name: str  # of what it left there, without personal data; empty where there was nothing to say
    rows: int
    size: int  # bytes
    sha256: str  # hexadecimal
    refused: Mapping[str, str] = field(default_factory=dict, repr=False)
    columns: Sequence[Sequence[str]] = ()  # with those that are new; as JSON
    # What could not be removed there, by the id of the version that was to remove it.
    left: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sum:
    """So many rows, and a checksum of them in whatever order; the same for the same values."""

    rows: int
    checksum: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One part of what is at a destination: as it was last written, and as it is there now."""

    here: Sum
    there: Sum

    @property
    def equal(self) -> bool:
        return self.here == self.there


class SecretField(CharField):
    """An option that is never shown again; left blank, the stored value stays."""

    widget = PasswordInput(render_value=False, attrs={"autocomplete": "new-password"})


class YesNoField(TypedChoiceField):
    """A switch that can be left out: a checkbox could not tell "off" from "not given"."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        choices = [(True, _("Yes")), (False, _("No"))]
        super().__init__(choices=choices, coerce=lambda given: given == "True", **kwargs)

    def clean(self, value: Any) -> Any:
        """Return True or False; "" when nothing was given."""
        return super().clean(str(value).capitalize() if value is not None else None)


UNDECLARED = "not said"
DECLARED_CHOICES = [(True, _("Yes")), (False, _("No")), (UNDECLARED, _("Not declared"))]


class DeclaredField(YesNoField):
    """What a person declares a destination can do: yes, no, or *not said*, which is stored as None.

    Left out, what was declared stays: only who names it declares anything.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.choices = DECLARED_CHOICES

    def clean(self, value: Any) -> Any:
        """Return True, False or `UNDECLARED`; "" when nothing was given."""
        return UNDECLARED if str(value).strip().lower() == UNDECLARED else super().clean(value)


class Options(Form):
    """The options of a kind: `OptionsForm` extends it. Cleaned options are JSON values.

    An option left out takes its field's `initial`, so a configuration names only what differs.
    Bind the form with `initial=<the stored options>`: a secret left blank keeps its value, and so
    does a `DeclaredField`. `declared` has the declared options that were named, `main` those that
    are shown first although they can be left out.
    """

    main: ClassVar[tuple[str, ...]] = ()
    declared: dict[str, bool | None]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, option in self.fields.items():
            if isinstance(option, SecretField) and self.initial.get(name):
                option.required = False

    def clean(self) -> dict[str, Any]:
        self.declared = {}
        for name, option in self.fields.items():
            given = self.cleaned_data.get(name)
            if given in option.empty_values and name not in self.errors:
                stays = isinstance(option, SecretField | DeclaredField)
                stored = self.initial if stays else {}
                self.cleaned_data[name] = stored.get(name, option.initial)
            elif isinstance(option, DeclaredField) and name not in self.errors:
                self.declared[name] = self.cleaned_data[name] = (
                    None if given == UNDECLARED else given
                )
        return self.cleaned_data


class Transport(ABC):
    """One kind of destination, set up with the options of one destination."""

    label: ClassVar[str | Promise]
    OptionsForm: ClassVar[type[Options]] = Options
    target_fields: ClassVar[tuple[TargetField, ...]]
    # What the kind can do. The transport of a destination is asked, never the class: it may follow
    # the options.
    updates: Updates = Updates.ONCE
    removes: bool = False  # a revocation travels; otherwise staff are told where the data is
    by_hand: bool = False  # a person may send a referral there, also again
    # Of the button by which they do; left out, "Send to …".
    send_label: ClassVar[str | Promise] = ""
    by_trigger: bool = True  # a trigger may send a referral there
    batches: bool = False  # due deliveries travel together, in runs; only what is `repeatable` does
    takes_files: ClassVar[bool] = False  # in a run, too
    schedule: str = ""  # when its runs begin (`core.timing.schedule`); empty: when one is due
    lists_all: bool = False  # a scheduled run brings all that was brought before, once more
    # `deliver` reads the documents of a parcel only when the referral is there, and between two
    # steps of the ledger: it begins while the summary is being rendered.
    files_follow: ClassVar[bool] = False
    targets: Targets = Targets.CLOSED
    # The same version may be sent again under the same id without a search: there it counts once.
    repeatable: bool = False
    # What is there can be read: it is compared with what was written, and taken over and put right.
    comparable: ClassVar[bool] = False
    # A partner may read what it was sent, and answer it: a source that is linked to a destination.
    answered: ClassVar[bool] = False
    noun: str | Promise = Term("import")  # what screens call a delivery
    # The id of the destination, the same for good; empty where the transport is of none.
    destination_id: str = ""
    # The categories of files that leave where a destination does not say which may.
    usual_files: ClassVar[tuple[str, ...]] = (SUMMARY, ATTACHMENT)

    # What this kind may be able to do, with the options that it depends on: another value makes a
    # proof of it void.
    capabilities: ClassVar[Mapping[Capability, tuple[str, ...]]] = {}
    # The options (`DeclaredField`) by which a person declares a capability.
    declared_by: ClassVar[Mapping[Capability, str]] = {}

    def __init__(
        self, options: Mapping[str, Any], findings: Mapping[Capability, Finding] | None = None
    ) -> None:
        """Take the cleaned options of `OptionsForm`, secrets included; each has its default.

        `findings` is what is proved or disproved of the destination.
        """
        self.findings = findings or {}
        defaults = {name: option.initial for name, option in self.OptionsForm.base_fields.items()}
        self.options = {**defaults, **options}

    def declared(self, capability: Capability) -> bool | None:
        """Return what a person has declared; None where nothing was declared."""
        name = self.declared_by.get(capability)
        return self.options[name] if name else None

    def can(self, capability: Capability) -> bool:
        """Return whether a capability may be relied on: it is proved, or declared.

        A declared no is believed at once; a declared yes, until a test disproves it.
        """
        declared, found = self.declared(capability), self.findings.get(capability)
        if declared is False or found is None:
            return bool(declared)
        return found.yes

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    @property
    def takes_more(self) -> bool:
        """Whether more than one version of a referral may go there.

        Then each version shows what the referral was when it was made, on every try.
        """
        return self.updates is not Updates.ONCE or self.by_hand

    @property
    def is_stand_in(self) -> bool:
        """Whether what is delivered is in nobody's way: a demo, or a sandbox on this machine."""
        return False

    def fields(self) -> tuple[TargetField, ...]:
        """Return the target fields with the limits that this destination's options set."""
        return self.target_fields

    def check(self) -> str:
        """Reach the destination and prove the credentials, without side effect.

        Returns a sentence that says what answered; raises a DeliveryError.
        """
        return str(_("This kind of destination needs no connection."))

    def probe(self) -> None:
        """Find out whether a destination that was down answers again, without side effect.

        Returns when anything answers. Raises Misconfigured when what answers is not, or does not
        accept, this connection; another DeliveryError when nothing answers.
        """
        self.check()

    @property
    def searchable(self) -> bool:
        """Whether the destination may be searched for referrals."""
        return False

    def prove_by_reading(
        self, reference: str, external_id: str, documents: Sequence[Document] = ()
    ) -> Shown:
        """Ask for a referral that is there under this id, and for one that cannot exist.

        `documents` are the files that are known to be there with it. Without an id only the latter
        is asked for. Returns what that shows; raises a DeliveryError when it shows nothing,
        Unconfirmed when asking soon again would show the same.
        """
        return {}

    def prove_by_writing(self, parcel: Parcel, receipt: Receipt) -> Shown:
        """Send a file of a parcel that has arrived once more, under the same idempotency key.

        For test events alone: where keys are not recognized, the file is there twice. Returns what
        that shows; raises a DeliveryError when it shows nothing.
        """
        return {}

    def body(self, reference: str, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a record as it is sent, for people to look at before anything is; no effect."""
        return record

    def sending_form(self, data: Mapping[str, Any] | None = None) -> Form:
        """Return the form for what a person chooses when they send by hand; without fields, none.

        Asked only of a kind that takes sending `by_hand`.
        """
        return Form(data)

    def prepare_sending(self, chosen: Mapping[str, Any], sender_name: str) -> Sending:
        """Return what goes with a sending by hand, from what was chosen in that form; no effect."""
        return Sending({})

    def preview_sending(
        self, chosen: Mapping[str, Any], place: Mapping[str, str], sender_name: str
    ) -> Mapping[str, str]:
        """Return what somebody would get beside the files, by its label; no effect.

        `place` is as a parcel's. `chosen` may lack what nobody has chosen yet.
        """
        return {}

    @abstractmethod
    def deliver(self, parcel: Parcel) -> Receipt:
        """Bring the parcel to the destination; raises a DeliveryError."""

    def remove(self, parcel: Parcel) -> Receipt:
        """Remove the referral from the destination; raises a DeliveryError.

        Asked only of a kind that `removes`. What is not there is removed.
        """
        raise NotImplementedError

    def compare(
        self, batch: Batch, forgotten: Callable[[Sequence[str]], Collection[str]]
    ) -> Mapping[str, Comparison]:
        """Compare what is there with what was last written; raises a DeliveryError. No effect.

        Asked, like what follows, only of a kind that is `comparable`. The batch has what was last
        written of each referral. `forgotten` says of which of these nobody knows any more what was
        written: they are left out.
        """
        raise NotImplementedError

    def take_over(self) -> None:
        """Make this destination the one that writes there, whoever was; raises a DeliveryError."""
        raise NotImplementedError

    def there(self) -> Iterator[Sequence[tuple[str, int]]]:
        """Yield the references that are there with their versions, a few at a time."""
        raise NotImplementedError

    def discard(self, references: Sequence[str]) -> None:
        """Delete what is there of referrals that this destination does not have."""
        raise NotImplementedError

    def deliver_batch(self, batch: Batch) -> BatchReceipt:
        """Bring a run to the destination, whole or not at all; raises a DeliveryError.

        Asked only of a kind that `batches`. Nobody there may take for finished what is not.
        """
        raise NotImplementedError
