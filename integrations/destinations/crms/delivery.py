"""One parcel on its way into CRMS: the referral, then its summary, then its attachments."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from core.outbound import Answer
from integrations.destinations.crms import search
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
    says_failed,
)
from integrations.destinations.crms.api import Api
from integrations.destinations.crms.body import create_body
from integrations.destinations.crms.proof import refused_by
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
    Search,
    Unconfirmed,
)

REFERRAL_STEP = "referral"


def step_of(document: Document) -> str:
    """Return the ledger's name for sending a document."""
    return "summary" if document.category == SUMMARY else f"attachment:{document.key}"


class CrmsDelivery:
    """Brings one parcel into CRMS; made for one attempt."""

    def __init__(self, api: Api, options: Mapping[str, Any], parcel: Parcel, known: Search) -> None:
        self.api = api
        self.options = options
        self.search = known
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
        if not says_failed(body):
            given = readable_id(body, self.options["id_field"])
            if given := given or id_in_location(answer, self.api.referrals_url):
                return given
        if is_page(answer):
            raise page_instead(Call.CREATE, answer)
        seen, learned = "", None
        if self._may_search:
            try:
                if found := self.find():
                    return found
                seen = "CRMS was searched for it and listed nothing."
            except DeliveryError as error:
                seen, learned = error.message, error.search
        doubtful = no_id(answer, seen)
        doubtful.search = learned
        raise doubtful

    def _id_of_duplicate(self, answer: Answer, duplicate: Duplicate) -> str:
        """Return the id of what CRMS has already, if that is proved to be this very referral."""
        body = read_json(answer)
        named = readable_id(body, self.options["id_field"])
        if named and search.names(body, self.options) == self.parcel.reference:
            return named
        seen, learned = "", None
        if self._may_search:
            try:
                found = self.find()
                if found and named in ("", found):
                    return found
                seen = f" It lists {found} as this referral." if found else ""
            except Unconfirmed as error:
                seen, learned = f" {error.message}", error.search
            except DeliveryError as error:
                # Asked again later: but what was begun is not forgotten.
                error.maybe_done = True
                raise
        there = f" What it has is {named}." if named else ""
        doubtful = Unconfirmed(
            f"{duplicate.message}{there}{seen}", duplicate.exchange, doubt=Doubt.DUPLICATE
        )
        doubtful.search = learned
        raise doubtful

    @property
    def _may_search(self) -> bool:
        return bool(self.options["look_up"]) and not self.search.refused

    def find(self) -> str | None:
        """Search for the referral by its reference: its id, or None when CRMS has nothing.

        Raises Unconfirmed for everything that proves neither: a person looks.
        """
        found = self._look_up()
        if ours := found.ours(filters=self.search.filters):
            return ours
        if found.nothing:  # that it finds what is there is declared by the option `look_up`
            return None
        unclear = Unconfirmed(found.seen(), self.last, doubt=Doubt.UNCLEAR_SEARCH)
        if found.foreign:
            unclear.search = replace(self.search, filters=False)
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
        unknown.search = Search(refused=refused_by(refused.exchange))
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
            self.refused[document.name] = f"The file is larger than the {limit} MB that CRMS takes."
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
            if says_failed(body):
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

        Where CRMS lists no files, sending again is safe if it recognises its idempotency key.
        """
        listed = self._listed_file(referral, document)
        if listed is None and not (self.options["repeat_files"] and self.ledger.keys_hold):
            raise Unconfirmed(
                f"Nobody knows whether {document.name} reached referral {referral}.",
                self.last,
            )
        return listed or None

    def _listed_file(self, referral: str, document: Document) -> str | None:
        """Return the id of the file in the look-up's list; "" if not listed, None without list."""
        if not self._may_search:
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
        return next((id_ for id_ in ids if id_ and id_ not in self.sent), "")

    # -- Both --------------------------------------------------------------------------------

    def _once(self, step: str, do: Callable[[], str], find: Callable[[], str | None]) -> str:
        may_find = self.options["look_up"] and (step != REFERRAL_STEP or self._may_search)
        return self.ledger.once(step, do, find if may_find else None)

    def _heard(self, answer: Answer) -> Answer:
        self.last = exchange(answer)
        return answer

    def _same(self, file: Any, document: Document) -> bool:
        """Say whether a listed file is ours: by its bytes, and a summary by being the summary.

        A referral has one summary, and it may have been written anew since it was sent.
        """
        names = self.options["field_names"]
        sha256 = pluck(file, names.get("sha256", "sha256"))
        category = pluck(file, names.get("category", "category"))
        if category == document.category == SUMMARY:
            return True
        return str(sha256).lower() == document.sha256 and category in (None, document.category)
