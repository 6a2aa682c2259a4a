"""One parcel on its way into CRMS: the referral, then its summary, then its attachments."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from core.outbound import Answer
from integrations.destinations.crms.answers import (
    Call,
    FileRefused,
    ReferralGone,
    error_for,
    exchange,
    pluck,
    read_json,
    readable_id,
)
from integrations.destinations.crms.api import Api
from integrations.destinations.crms.body import REFERENCE, create_body
from integrations.transport import SUMMARY, Document, Exchange, Parcel, Receipt, Unconfirmed

REFERRAL_STEP = "referral"


def step_of(document: Document) -> str:
    """Return the ledger's name for sending a document."""
    return "summary" if document.category == SUMMARY else f"attachment:{document.key}"


class Delivery:
    """Brings one parcel into CRMS; made for one attempt."""

    def __init__(self, api: Api, options: Mapping[str, Any], parcel: Parcel) -> None:
        self.api = api
        self.options = options
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
        """Create the referral and return its id; one that CRMS has already is adopted."""
        body = create_body(
            self.parcel.reference,
            self.parcel.record,
            self.options["field_names"],
        )
        answer = self._heard(
            self.api.create(body, self.ledger.key(REFERRAL_STEP), self.ledger.request_id)
        )
        created = self._id_in(answer)
        if not created and answer.status == 409 and self.options["look_up"]:
            created = self.find() or ""
        if not created:
            raise error_for(Call.CREATE, answer)
        return created

    def find(self) -> str | None:
        """Look the referral up by its reference: its id, or None when CRMS does not have it."""
        found = [readable_id(result, self.options["id_field"]) for result in self._results()]
        if len(set(found)) > 1:
            raise Unconfirmed(
                f"CRMS has more than one referral with reference {self.parcel.reference}: "
                f"{', '.join(found)}.",
                self.last,
            )
        return found[0] if found else None

    def _results(self) -> list[dict[str, Any]]:
        """Return what the look-up lists for this reference, each with a readable id."""
        answer = self._heard(self.api.look_up(self.parcel.reference, self.ledger.request_id))
        results = pluck(read_json(answer), self.options["results_field"])
        readable = isinstance(results, list) and all(
            readable_id(result, self.options["id_field"]) for result in results
        )
        if not 200 <= answer.status < 300 or not readable:
            raise error_for(Call.LOOK_UP, answer)
        ours = [result for result in results if self._is_ours(result)]
        if results and not ours:
            raise Unconfirmed(
                f"CRMS was asked for reference {self.parcel.reference} and listed only referrals "
                "with another one.",
                self.last,
            )
        return ours

    def _is_ours(self, body: Any) -> bool:
        """Say whether an answer may be about this referral; one that names another is not."""
        named = pluck(body, self.options["field_names"].get(REFERENCE, REFERENCE))
        return named is None or str(named) == self.parcel.reference

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
            raise Unconfirmed(gone.message, gone.exchange) from gone

    def _send(self, referral: str, document: Document) -> str:
        """Send the file and return its id in CRMS."""
        # The key names the referral too: were it made anew, its files would go out anew.
        key = self.ledger.key(f"{step_of(document)}@{referral}")
        answer = self._heard(self.api.add_file(referral, document, key, self.ledger.request_id))
        added = self._id_in(answer)
        if not added and answer.status == 409 and self.options["look_up"]:
            added = self._listed_file(referral, document) or ""
        if not added:
            raise error_for(Call.FILE, answer, referral=referral)
        return added

    def _find_file(self, referral: str, document: Document) -> str | None:
        """Return the id of a file that may have been sent, or None to send it (again).

        Where CRMS lists no files, sending again is safe if it recognises its idempotency key.
        """
        listed = self._listed_file(referral, document)
        if listed is None and not self.options["repeat_files"]:
            raise Unconfirmed(
                f"Nobody knows whether {document.name} reached referral {referral}.",
                self.last,
            )
        return listed or None

    def _listed_file(self, referral: str, document: Document) -> str | None:
        """Return the id of the file in the look-up's list; "" if not listed, None without list."""
        ours = [r for r in self._results() if readable_id(r, self.options["id_field"]) == referral]
        files = pluck(ours[0], self.options["files_field"]) if ours else None
        if not isinstance(files, list):
            return None
        ids = (readable_id(f, self.options["id_field"]) for f in files if self._same(f, document))
        return next((id_ for id_ in ids if id_ and id_ not in self.sent), "")

    # -- Both --------------------------------------------------------------------------------

    def _once(self, step: str, do: Callable[[], str], find: Callable[[], str | None]) -> str:
        return self.ledger.once(step, do, find if self.options["look_up"] else None)

    def _heard(self, answer: Answer) -> Answer:
        self.last = exchange(answer)
        return answer

    def _id_in(self, answer: Answer) -> str:
        """Return the id that a success or a duplicate names; empty when it names none."""
        body = read_json(answer)
        adopted = answer.status == 409 and self._is_ours(body)
        if not adopted and not 200 <= answer.status < 300:
            return ""
        return readable_id(body, self.options["id_field"])

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
