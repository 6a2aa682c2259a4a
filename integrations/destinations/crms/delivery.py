"""One parcel on its way into CRMS: the referral, then its summary, then its attachments."""

from collections.abc import Callable, Container, Mapping
from typing import Any
from urllib.parse import quote

from core.outbound import Answer
from core.text.sentences import join
from integrations.capabilities import Capability, Finding, Shown
from integrations.destinations.crms import search, sentences
from integrations.destinations.crms.answers import (
    Call,
    Duplicate,
    FileRefused,
    FileThere,
    ReferralGone,
    SearchRefused,
    error_for,
    file_refused,
    id_in_location,
    is_success,
    no_id,
    page_instead,
    ping_error,
    readable_id,
    reports_failure,
)
from integrations.destinations.crms.api import Api
from integrations.destinations.crms.body import create_body
from integrations.destinations.crms.proof import LISTED_OTHERS, refused_by
from integrations.http.bodies import is_page, pluck, read_json
from integrations.http.exchanges import exchange
from integrations.transport import (
    SUMMARY,
    DeliveryError,
    Document,
    Doubt,
    ErrorKind,
    Exchange,
    Misconfigured,
    Parcel,
    Receipt,
    Unconfirmed,
)

REFERRAL_STEP = "referral"
NOTHING_SHOWN: Shown = {}


def step_of(document: Document) -> str:
    """Return the ledger's name for sending a document."""
    return "summary" if document.category == SUMMARY else f"attachment:{document.key}"


def _never_sent() -> str:
    raise FileRefused("This file was never sent.")


class CrmsDelivery:
    """Brings one parcel into CRMS; made for one attempt."""

    def __init__(
        self,
        api: Api,
        options: Mapping[str, Any],
        parcel: Parcel,
        able: Container[Capability],
        *,
        may_search: bool,
    ) -> None:
        """`able` is what this CRMS is proved or declared to do."""
        self.api = api
        self.options = options
        self.able = able
        self.may_search = may_search
        self.parcel = parcel
        self.ledger = parcel.ledger
        self.last = Exchange()
        self.refused: dict[str, str] = {}
        self.sent: set[str] = set()  # ids of files known to be in CRMS

    def run(self) -> Receipt:
        """Take every step that is not done yet; raises a DeliveryError at the first that fails."""
        referral = self._once(REFERRAL_STEP, self.create, self.find)
        for document in self.parcel.documents:
            self.add(referral, document)
        link = self.options["referral_link"].replace("{id}", quote(referral, safe=""))
        return Receipt(referral, link, self.last, self.refused)

    # -- The referral ------------------------------------------------------------------------

    def create(self) -> str:
        """Create the referral and return its id; one that is proved to be there is adopted."""
        body = create_body(
            self.parcel.reference,
            self.parcel.record,
            self.options["field_names"],
        )
        answer = self._heard(
            self.api.create(body, self.ledger.key(REFERRAL_STEP), self.ledger.request_id)
        )
        if is_success(answer):
            return self._id_of_success(answer)
        error = error_for(Call.CREATE, answer)
        if isinstance(error, Duplicate):
            return self._id_of_duplicate(answer, error)
        raise error

    def _id_of_success(self, answer: Answer) -> str:
        """Return the id that CRMS gave the new referral; without one it is searched for, once.

        The referral is probably there, and is never sent again without a person's word.
        """
        body = read_json(answer)
        if not reports_failure(body):
            given = readable_id(body, self.options["id_field"])
            if given := given or id_in_location(answer, self.api.referrals_url):
                return given
        if is_page(answer):
            raise page_instead(Call.CREATE, answer)
        seen, shown = "", NOTHING_SHOWN
        if self.may_search:
            try:
                if found := self.find():
                    return found
                seen = sentences.LISTED_NOTHING()
            except DeliveryError as error:
                seen, shown = error.message, error.shown
        doubtful = no_id(answer, seen)
        doubtful.shown = shown
        raise doubtful

    def _id_of_duplicate(self, answer: Answer, duplicate: Duplicate) -> str:
        """Return the id of what CRMS has already, if that is proved to be this very referral."""
        body = read_json(answer)
        named = readable_id(body, self.options["id_field"])
        if named and search.names(body, self.options) == self.parcel.reference:
            return named
        seen, shown = "", NOTHING_SHOWN
        if self.may_search:
            try:
                found = self.find()
                if found and named in ("", found):
                    return found
                seen = sentences.LISTS_IT_AS(id=found) if found else ""
            except Unconfirmed as error:
                seen, shown = error.message, error.shown
            except DeliveryError as error:
                # Asked again later: but what was begun is not forgotten.
                error.maybe_done = True
                raise
        there = sentences.HAS_IT_AS(id=named) if named else ""
        message = join([duplicate.message, there, seen])
        doubtful = Unconfirmed(message, duplicate.exchange, doubt=Doubt.DUPLICATE)
        doubtful.shown = shown
        raise doubtful

    def find(self) -> str | None:
        """Search for the referral by its reference: its id, or None when CRMS has nothing.

        Raises Unconfirmed for everything that proves neither: a person looks.
        """
        found = self._look_up()
        if ours := found.ours(filters=Capability.SEARCH_FILTERS in self.able):
            return ours
        if found.nothing and Capability.SEARCH_FINDS in self.able:
            return None
        if found.nothing:
            message = join([found.seen(), sentences.SEARCH_UNPROVEN()])
            raise Unconfirmed(message, self.last, doubt=Doubt.UNPROVEN)
        unclear = Unconfirmed(found.seen(), self.last, doubt=Doubt.UNCLEAR_SEARCH)
        if found.foreign:
            unclear.shown = {Capability.SEARCH_FILTERS: LISTED_OTHERS}
        raise unclear

    def _look_up(self) -> search.Found:
        """Return what the search lists; raises a DeliveryError where it lists nothing readable."""
        answer = self._heard(self.api.look_up(self.parcel.reference, self.ledger.request_id))
        kept = self.last
        if not is_success(answer):
            error = error_for(Call.LOOK_UP, answer)
            raise self._not_searchable(error) if isinstance(error, SearchRefused) else error
        found = search.read(answer, self.parcel.reference, self.options)
        if found.listed is None and (wrong := self._wrong_connection()):
            raise wrong
        self.last = kept
        return found

    def _not_searchable(self, refused: SearchRefused) -> DeliveryError:
        """Return that a person has to look; for 403 only if CRMS accepts us otherwise."""
        if refused.kind is ErrorKind.CREDENTIALS and ping_error(self.api.ping()):
            return Misconfigured(refused.message, refused.exchange, kind=refused.kind)
        unknown = Unconfirmed(refused.message, refused.exchange, doubt=Doubt.NOT_SEARCHABLE)
        unknown.shown = refused_by(refused.exchange)
        return unknown

    def _wrong_connection(self) -> DeliveryError | None:
        """Return what is wrong with the connection, if a page answers the ping, too."""
        answer = self.api.ping()
        return ping_error(answer) if is_success(answer) else None

    # -- Its files ---------------------------------------------------------------------------

    def add(self, referral: str, document: Document) -> None:
        """Add a file to the referral, unless CRMS will not have it: that is noted and no more."""
        limit = self.options["max_file_mb"]
        if document.size > limit * 1024 * 1024:
            self.refused[document.name] = sentences.FILE_TOO_LARGE(limit=limit)
            return
        try:
            self.sent.add(
                self._once(
                    step_of(document),
                    lambda: self._send(referral, document),
                    lambda: self._find_file(referral, document),
                )
            )
        except FileRefused as refusal:
            self.refused[document.name] = refusal.message
        except ReferralGone as gone:
            self.ledger.forget(REFERRAL_STEP)
            raise Unconfirmed(gone.message, gone.exchange, doubt=Doubt.GONE) from gone

    def _send(self, referral: str, document: Document) -> str:
        """Send the file and return its id in CRMS; empty when CRMS took it and named none."""
        # The key names the referral too: were it made anew, its files would go out anew.
        key = self.ledger.key(f"{step_of(document)}@{referral}")
        answer = self._heard(self.api.add_file(referral, document, key, self.ledger.request_id))
        body = read_json(answer)
        if is_success(answer):
            if is_page(answer):
                raise page_instead(Call.FILE, answer)
            if reports_failure(body):
                raise file_refused(answer)
            return readable_id(body, self.options["id_field"])
        error = error_for(Call.FILE, answer, referral=referral)
        if not isinstance(error, FileThere):
            raise error
        there = readable_id(body, self.options["id_field"])
        if there := there or self._listed_file(referral, document) or "":
            return there
        raise Unconfirmed(error.message, error.exchange, kind=error.kind)

    def _find_file(self, referral: str, document: Document) -> str | None:
        """Return the id of a file that may have been sent, or None to send it (again).

        Where no list can settle it, sending again is safe if CRMS recognizes its idempotency key.
        """
        listed = self._listed_file(referral, document)
        known = Capability.RECOGNIZES_KEYS in self.able and self.ledger.keys_hold
        if listed is None and not known:
            unknown = sentences.FILE_UNKNOWN(file=document.name, referral=referral)
            message = join([unknown, sentences.FILES_UNPROVEN()])
            raise Unconfirmed(message, self.last, doubt=Doubt.UNPROVEN)
        return listed or None

    def _listed_file(self, referral: str, document: Document) -> str | None:
        """Return the id of the file in the look-up's list.

        "" if it is surely not listed, None where no list can tell.
        """
        if not self.may_search:
            return None
        try:
            found = self._look_up()
        except Unconfirmed:  # it cannot be searched
            return None
        named = ("", self.parcel.reference)
        ours = [one for one in found.listed or () if one.id == referral and one.names in named]
        files = ours[0].files if ours else None
        if files is None:
            return None
        ids = (readable_id(f, self.options["id_field"]) for f in files if self._same(f, document))
        if there := next((id_ for id_ in ids if id_ and id_ not in self.sent), ""):
            return there
        return "" if Capability.LISTS_FILES in self.able or self._lists_others(files) else None

    def _lists_others(self, files: list[Any]) -> bool:
        """Say whether a list shows another file that is known to be there, by its hash."""
        sent = [f for f in files if readable_id(f, self.options["id_field"]) in self.sent]
        return any(
            search.is_file(file, document, self.options)
            for file in sent
            for document in self.parcel.documents
        )

    # -- Proof of what it does with a key ----------------------------------------------------

    def send_twice(self, receipt: Receipt) -> Shown:
        """Send a file that has arrived once more under its key; return what that shows.

        The same id for both says that CRMS keeps one, unless it lists two of them.
        """
        sent = (one for one in self.parcel.documents if one.name not in receipt.refused)
        document = next(sent, None)
        if document is None:
            return {}
        first = self._once(step_of(document), _never_sent, _never_sent)
        second = self._send(receipt.external_id, document)
        if not (first and second):
            return {}  # without ids nobody can tell
        if first != second or self._copies(receipt.external_id, document) > 1:
            return {Capability.RECOGNIZES_KEYS: Finding(False, sentences.KEPT_TWICE())}
        return {Capability.RECOGNIZES_KEYS: Finding(True)}

    def _copies(self, referral: str, document: Document) -> int:
        """Return how often CRMS lists the file; 0 where it cannot be asked."""
        if not self.may_search:
            return 0
        try:
            found = self._look_up()
        except DeliveryError:
            return 0
        ours = [one for one in found.listed or () if one.id == referral]
        return sum(self._same(f, document) for f in (ours[0].files if ours else None) or ())

    # -- Both --------------------------------------------------------------------------------

    def _once(self, step: str, do: Callable[[], str], find: Callable[[], str | None]) -> str:
        declared_no = self.options["look_up"] is False
        may_find = self.may_search if step == REFERRAL_STEP else not declared_no
        return self.ledger.once(step, do, find if may_find else None)

    def _heard(self, answer: Answer) -> Answer:
        self.last = exchange(answer)
        return answer

    def _same(self, file: Any, document: Document) -> bool:
        """Say whether a listed file is ours: by its bytes, and a summary by being the summary.

        A referral has one summary, and it may have been written anew since it was sent.
        """
        names = self.options["field_names"]
        category = pluck(file, names.get("category", "category"))
        if category == document.category == SUMMARY:
            return True
        return search.is_file(file, document, self.options)
