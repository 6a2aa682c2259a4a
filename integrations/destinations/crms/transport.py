"""The CRMS destination."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from integrations.destinations.crms.answers import is_success, ping_error
from integrations.destinations.crms.api import Api
from integrations.destinations.crms.body import create_body
from integrations.destinations.crms.delivery import CrmsDelivery
from integrations.destinations.crms.fields import TARGET_FIELDS
from integrations.destinations.crms.options import CrmsOptions, is_loopback
from integrations.destinations.crms.proof import prove
from integrations.transport import Parcel, Receipt, Search, Transport
from mapping.targets import TargetField

NOT_OURS = (401, 402, 403, 407, 421, 426, *range(300, 400))  # answered, but not to this connection


class CrmsTransport(Transport):
    """Puts referrals, with their summary and attachments, into the referral inbox of a CRMS."""

    label = "CRMS"
    OptionsForm = CrmsOptions
    target_fields = TARGET_FIELDS
    search_options = (
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

    @property
    def is_stand_in(self) -> bool:
        return is_loopback(urlsplit(self.options["base_url"] or "").hostname or "")

    @property
    def searchable(self) -> bool:
        return bool(self.options["look_up"])

    def fields(self) -> tuple[TargetField, ...]:
        limit = self.options["note_limit"]
        return tuple(
            replace(field, max_length=limit) if field.takes_rest else field
            for field in self.target_fields
        )

    def check(self) -> str:
        if error := ping_error(Api(self.options).ping()):
            raise error
        return f"CRMS answered at {self.options['base_url']} and accepted the credentials."

    def probe(self) -> None:
        """Any answer will do, also 404 or 500: a CRMS may have no ping."""
        answer = Api(self.options).ping()
        error = ping_error(answer)
        if error and (answer.status in NOT_OURS or is_success(answer)):
            raise error

    def prove_search(self, reference: str, external_id: str) -> Search:
        return prove(Api(self.options), self.options, reference, external_id)

    def body(self, reference: str, record: Mapping[str, Any]) -> Mapping[str, Any]:
        return create_body(reference, record, self.options["field_names"])

    def deliver(self, parcel: Parcel) -> Receipt:
        return CrmsDelivery(Api(self.options), self.options, parcel, self.search).run()
