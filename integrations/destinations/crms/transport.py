"""The CRMS destination."""

from integrations.destinations.crms.answers import Call, error_for, is_page, web_page_instead
from integrations.destinations.crms.api import Api
from integrations.destinations.crms.delivery import Delivery
from integrations.destinations.crms.fields import TARGET_FIELDS
from integrations.destinations.crms.options import CrmsOptions
from integrations.transport import Parcel, Receipt, Transport


class CrmsTransport(Transport):
    """Puts referrals, with their summary and attachments, into the referral inbox of a CRMS."""

    label = "CRMS"
    OptionsForm = CrmsOptions
    target_fields = TARGET_FIELDS

    def check(self) -> str:
        answer = Api(self.options).ping()
        if not 200 <= answer.status < 300:
            raise error_for(Call.PING, answer)
        if is_page(answer):
            raise web_page_instead(answer)
        return f"CRMS answered at {self.options['base_url']} and accepted the credentials."

    def deliver(self, parcel: Parcel) -> Receipt:
        return Delivery(Api(self.options), self.options, parcel).run()
