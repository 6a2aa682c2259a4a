"""The CRMS destination."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from core.outbound.addresses import is_this_machine
from core.text.sentences import Term
from integrations.capabilities import Capability, Shown
from integrations.destinations.crms import proof, sentences
from integrations.destinations.crms.answers import is_success, ping_error
from integrations.destinations.crms.api import Api
from integrations.destinations.crms.body import create_body
from integrations.destinations.crms.delivery import CrmsDelivery
from integrations.destinations.crms.fields import TARGET_FIELDS
from integrations.destinations.crms.options import CrmsOptions
from integrations.transport import Document, Parcel, Receipt, Transport
from mapping.engine.targets import TargetField

NOT_OURS = (401, 402, 403, 407, 421, 426, *range(300, 400))  # answered, but not to this connection
SEARCH_OPTIONS = (
    "base_url",
    "token",
    "auth",
    "auth_header",
    "referrals_path",
    "reference_parameter",
    "results_field",
    "id_field",
    "field_names",
)
FILE_OPTIONS = ("base_url", "attachments_path", "idempotency_header", "id_field", "field_names")


class CrmsTransport(Transport):
    """Puts referrals, with their summary and attachments, into the referral inbox of a CRMS."""

    label = Term("CRMS")
    OptionsForm = CrmsOptions
    target_fields = TARGET_FIELDS
    files_follow = True
    capabilities = {
        Capability.RECOGNIZES_KEYS: FILE_OPTIONS,
        Capability.LISTS_FILES: (*SEARCH_OPTIONS, "files_field"),
        Capability.SEARCH_FINDS: SEARCH_OPTIONS,
        Capability.SEARCH_FILTERS: SEARCH_OPTIONS,
    }
    declared_by = {
        Capability.RECOGNIZES_KEYS: "repeat_files",
        Capability.SEARCH_FINDS: "look_up",
    }

    @property
    def is_stand_in(self) -> bool:
        return is_this_machine(urlsplit(self.options["base_url"] or "").hostname or "")

    @property
    def searchable(self) -> bool:
        return self.declared(Capability.SEARCH_FINDS) is not False

    def fields(self) -> tuple[TargetField, ...]:
        limit = self.options["note_limit"]
        return tuple(
            replace(field, max_length=limit) if field.takes_rest else field
            for field in self.target_fields
        )

    def check(self) -> str:
        if error := ping_error(Api(self.options).ping()):
            raise error
        return sentences.ANSWERS(address=self.options["base_url"])

    def probe(self) -> None:
        """Any answer will do, also 404 or 500: a CRMS may have no ping."""
        answer = Api(self.options).ping()
        error = ping_error(answer)
        if error and (answer.status in NOT_OURS or is_success(answer)):
            raise error

    def prove_by_reading(
        self, reference: str, external_id: str, documents: Sequence[Document] = ()
    ) -> Shown:
        return proof.by_reading(Api(self.options), self.options, reference, external_id, documents)

    def prove_by_writing(self, parcel: Parcel, receipt: Receipt) -> Shown:
        return self._delivery(parcel).send_twice(receipt)

    def body(self, reference: str, record: Mapping[str, Any]) -> Mapping[str, Any]:
        return create_body(reference, record, self.options["field_names"])

    def deliver(self, parcel: Parcel) -> Receipt:
        return self._delivery(parcel).run()

    def _delivery(self, parcel: Parcel) -> CrmsDelivery:
        able = frozenset(one for one in self.capabilities if self.can(one))
        finds = self.findings.get(Capability.SEARCH_FINDS)
        refused = bool(finds and finds.refused)
        return CrmsDelivery(
            Api(self.options),
            self.options,
            parcel,
            able,
            may_search=self.searchable and not refused,
        )
