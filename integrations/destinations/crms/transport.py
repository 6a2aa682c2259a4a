"""The CRMS destination."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from integrations.destinations.crms.answers import Call, error_for, is_page, web_page_instead
from integrations.destinations.crms.api import Api
from integrations.destinations.crms.body import create_body
from integrations.destinations.crms.delivery import Delivery
from integrations.destinations.crms.fields import TARGET_FIELDS
from integrations.destinations.crms.options import CrmsOptions, is_loopback
from integrations.transport import Parcel, Receipt, Transport
from mapping.targets import TargetField


class CrmsTransport(Transport):
    """Puts referrals, with their summary and attachments, into the referral inbox of a CRMS."""

    label = "CRMS"
    OptionsForm = CrmsOptions
    target_fields = TARGET_FIELDS

    @property
    def is_stand_in(self) -> bool:
        return is_loopback(urlsplit(self.options["base_url"] or "").hostname or "")

    def fields(self) -> tuple[TargetField, ...]:
        limit = self.options["note_limit"]
        return tuple(
            replace(field, max_length=limit) if field.takes_rest else field
            for field in self.target_fields
        )

    def check(self) -> str:
        answer = Api(self.options).ping()
        if not 200 <= answer.status < 300:
            raise error_for(Call.PING, answer)
        if is_page(answer):
            raise web_page_instead(answer)
        return f"CRMS answered at {self.options['base_url']} and accepted the credentials."

    def body(self, reference: str, record: Mapping[str, Any]) -> Mapping[str, Any]:
        return create_body(reference, record, self.options["field_names"])

    def deliver(self, parcel: Parcel) -> Receipt:
        return Delivery(Api(self.options), self.options, parcel).run()
