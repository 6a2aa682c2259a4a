"""Why a secure e-mail does not go. `integrations.sentences` has what mail servers answer."""

from core.text.sentences import Cause

NO_PASSPHRASE = Cause(
    "email_no_passphrase",
    "This destination has no passphrase of the partner, so referrals are sent there by hand only. "
    "Enter one, or send with “Send securely…”.",
)
NO_RECIPIENTS = Cause(
    "email_no_recipients",
    "This destination has no recipients of its own, so referrals are sent there by hand only. "
    "Enter them, or send with “Send securely…”.",
)
NOT_ALLOWED = Cause(
    "email_recipient_not_allowed",
    "{recipient} is none of the recipients of this destination, nor of a domain that is allowed.",
)
ACCEPTED = Cause(
    "email_accepted",
    "{host} accepts mail from {sender}. Whether it takes the recipients, a message will show.",
)
