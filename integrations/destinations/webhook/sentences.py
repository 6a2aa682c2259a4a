"""Every sentence about what a partner's endpoint answered; `{reason}` quotes it."""

from core.text.sentences import Cause

REFUSED = Cause("webhook_refused", "The partner did not accept the referral: {reason}")
GONE = Cause(
    "webhook_gone",
    "The partner has closed this endpoint (HTTP 410): nothing is sent until a person starts it "
    "again. {reason}",
)
NO_CREDENTIALS = Cause(
    "webhook_credentials", "The partner does not accept the signature or the headers: {reason}"
)
OTHER_TIME = Cause(
    "webhook_other_time",
    "The partner does not accept the signature, and its clock differs from ours by {minutes} "
    "minutes: one of the two must be set. {reason}",
)
ELSEWHERE = Cause(
    "webhook_elsewhere",
    "The partner answers with a redirect (HTTP {status}), which is not followed: {reason}",
)
MISADDRESSED = Cause(
    "webhook_misaddressed", "The partner takes nothing at this address (HTTP {status}): {reason}"
)
ASKS_TO_WAIT = Cause("webhook_asks_to_wait", "The partner asks to wait: {reason}")
OWN_PROBLEM = Cause(
    "webhook_own_problem", "The partner has a problem of its own (HTTP {status}): {reason}"
)
PAGE_INSTEAD = Cause(
    "webhook_page_instead", "A web page answered instead of the partner's endpoint: {reason}"
)
ANSWERS = Cause(
    "webhook_answers",
    "{host} answers. Whether it accepts our signature, the next referral will show.",
)
