"""The e-mail destination."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

from django.forms import Form
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from core.outbound.addresses import is_this_machine
from core.text.sentences import Term
from integrations.capabilities import Capability, Finding
from integrations.channels import smtp
from integrations.channels.smtp import Security, Server
from integrations.destinations.email import passphrases, sentences, wording
from integrations.destinations.email.message import File, message, message_id, name_and_address
from integrations.destinations.email.options import (
    APART,
    PORTS,
    EmailOptions,
    domain_of,
)
from integrations.destinations.email.sending import SendingForm
from integrations.transport import (
    SUMMARY,
    Exchange,
    Parcel,
    Receipt,
    Rejected,
    Sending,
    Targets,
    Transport,
    Unconfirmed,
    Updates,
)

STEP = "mail"


class EmailTransport(Transport):
    """Mails the summary and files as a protected PDF, once; again only when a person asks."""

    label = Term("Secure e-mail")
    OptionsForm = EmailOptions
    target_fields = ()
    updates = Updates.ONCE
    by_hand = True
    targets = Targets.NONE
    noun = Term("secure e-mail")
    usual_files = (SUMMARY,)
    send_label = Term("Send securely…")

    def __init__(
        self, options: Mapping[str, Any], findings: Mapping[Capability, Finding] | None = None
    ) -> None:
        super().__init__(options, findings)
        self.by_trigger = bool(self.options["passphrase"] and self.options["recipients"])

    @property
    def is_stand_in(self) -> bool:
        return is_this_machine(self.options.get("smtp_host") or "")

    def check(self) -> str:
        """Sign in, and ask whether the sender is accepted; sends nothing."""
        smtp.check(self._server(), self._sender)
        return sentences.ACCEPTED(host=self.options["smtp_host"], sender=self._sender)

    def deliver(self, parcel: Parcel) -> Receipt:
        sent: dict[str, Any] = {}
        answer: list[Exchange] = []

        def send() -> str:
            recipients = self._recipients(parcel)
            mail = self._made(parcel, recipients, self._passphrase(parcel))
            files = [document.category for document in parcel.documents]
            sent.update(recipients=recipients, sha256=mail.sha256, files=files)
            try:
                answer.append(smtp.send(self._server(), self._sender, recipients, mail.content))
            except Unconfirmed as error:
                error.audit = sent
                raise
            return message_id(parcel.version, self.options["sender"]).strip("<>")

        # Nobody can ask a mail server what it took: where that is not known, a person decides.
        external_id = parcel.ledger.once(STEP, send)
        return Receipt(external_id, detail=next(iter(answer), Exchange()), audit=sent)

    # -- by hand ---------------------------------------------------------------------------------

    def sending_form(self, data: Mapping[str, Any] | None = None) -> Form:
        return SendingForm(
            data,
            fixed=self.options["recipients"].split(),
            domains=self.options["allowed_domains"].split(),
        )

    def prepare_sending(self, chosen: Mapping[str, Any], sender_name: str) -> Sending:
        """Return what a sending takes with it; without the partner's passphrase, one is made."""
        options = {"recipients": list(chosen["recipients"]), "sender_name": sender_name}
        if self.options["passphrase"]:
            return Sending(options)
        passphrase = passphrases.made()
        return Sending({**options, "passphrase": passphrase}, shown_once=passphrase)

    def preview_sending(
        self, chosen: Mapping[str, Any], place: Mapping[str, str], sender_name: str
    ) -> dict[str, str]:
        values = _values(place, sender_name, datetime.now(UTC))
        recipients = chosen.get("recipients") or self.options["recipients"].split()
        made = _("A new one, for this message alone. It is shown to you once, after you send.")
        agreed = _("The one that you have agreed on with the partner.")
        return {
            pgettext("e-mail", "From"): self.options["sender"],
            pgettext("e-mail", "To"): ", ".join(recipients) or "–",
            pgettext("e-mail", "Subject"): wording.written(self.options["subject"], values),
            pgettext("e-mail", "Text"): wording.written(self.options["body"], values),
            _("Passphrase"): agreed if self.options["passphrase"] else made,
        }

    # -- the message -----------------------------------------------------------------------------

    @property
    def _sender(self) -> str:
        return name_and_address(self.options["sender"])[1]

    def _server(self) -> Server:
        security = Security(self.options["security"])
        return Server(
            host=self.options["smtp_host"],
            port=self.options["smtp_port"] or PORTS[security],
            security=security,
            name=domain_of(self._sender),
            username=self.options["username"],
            password=self.options["password"],
        )

    def _recipients(self, parcel: Parcel) -> list[str]:
        """Return who gets the message: chosen by a person, else the fixed ones; raises Rejected."""
        fixed = self.options["recipients"].split()
        chosen = parcel.options.get("recipients") or fixed
        if not chosen:
            raise Rejected(sentences.NO_RECIPIENTS())
        domains = self.options["allowed_domains"].split()
        for recipient in chosen:
            if recipient not in fixed and domain_of(recipient) not in domains:
                raise Rejected(sentences.NOT_ALLOWED(recipient=recipient))
        return list(chosen)

    def _passphrase(self, parcel: Parcel) -> str:
        passphrase = parcel.options.get("passphrase") or self.options["passphrase"]
        if not passphrase:
            raise Rejected(sentences.NO_PASSPHRASE())
        return str(passphrase)

    def _made(self, parcel: Parcel, recipients: Sequence[str], passphrase: str) -> "_Mail":
        """Return the message of a version, the same on every try: a PDF is encrypted at random."""
        values = _values(parcel.place, parcel.options.get("sender_name", ""), _time(parcel))
        texts = [wording.written(self.options[name], values) for name in ("subject", "body")]
        apart = self.options["attachments"] == APART
        documents = [(one.name, one.sha256) for one in parcel.documents]
        of = [self.options["sender"], recipients, passphrase, texts, apart, documents]

        def make() -> bytes:
            # Only now: pikepdf takes long to import, and most processes send no e-mail.
            from integrations.destinations.email.files import protected

            files = protected(parcel.documents, parcel.reference, passphrase, apart=apart)
            mail = self._message(parcel, recipients, texts, files).as_bytes()
            return json.dumps([file.sha256 for file in files]).encode() + b"\n" + mail

        sha256, _, mail = parcel.ledger.made_once(json.dumps(of), make).partition(b"\n")
        return _Mail(mail, json.loads(sha256))

    def _message(
        self,
        parcel: Parcel,
        recipients: Sequence[str],
        texts: Sequence[str],
        files: Sequence[File],
    ) -> EmailMessage:
        subject, body = texts
        return message(
            version=parcel.version,
            sender=self.options["sender"],
            recipients=recipients,
            subject=subject,
            body=body,
            made_at=_time(parcel),
            files=files,
        )


@dataclass(frozen=True, slots=True)
class _Mail:
    """A message, and the SHA-256 of each of its files."""

    content: bytes = field(repr=False)
    sha256: list[str]


def _time(parcel: Parcel) -> datetime:
    return parcel.made_at or datetime.now(UTC)


def _values(place: Mapping[str, str], sender_name: str, at: datetime) -> dict[str, str]:
    """Return the variables of templates; who sends is the organization where no person does."""
    organization = place.get("organization", "")
    zone = ZoneInfo(place["time_zone"]) if place.get("time_zone") else UTC
    return {
        "organization": organization,
        "listing": place.get("listing", ""),
        "program": place.get("program", ""),
        "sent_on": f"{at.astimezone(zone):%Y-%m-%d}",
        "sender_name": sender_name or organization,
    }
