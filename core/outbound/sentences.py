"""Why a call brought no usable answer, in sentences that name the host and nothing else."""

from core.text.sentences import Cause

NO_WHOLE_ANSWER = Cause("outbound_no_answer", "{host} gave no whole answer: {why}.")
NO_WHOLE_REQUEST = Cause("outbound_interrupted", "{host} took no whole request: {why}.")
NOT_REACHED = Cause("outbound_not_reached", "{host} could not be reached: {why}.")
NOT_LISTED = Cause("outbound_not_listed", "{host} is not on the list of allowed hosts.")
TOO_OFTEN = Cause("outbound_too_often", "{host} redirected too often.")
TO_NOWHERE = Cause("outbound_to_nowhere", "{host} redirected to nowhere.")
DECLINED = Cause("outbound_declined", "{host} answered {status}.")
WRONG_TYPE = Cause("outbound_wrong_type", "{host} sent a file of a type that is not allowed.")
TOO_LARGE = Cause("outbound_too_large", "{host} sent a file of more than {bytes} bytes.")
BAD_HEADER = Cause(
    "outbound_bad_header", "A header of the request holds characters that cannot be sent."
)
NOT_A_WEB_ADDRESS = Cause("outbound_no_web_address", "This is not a web address.")
ONLY_HTTPS = Cause("outbound_only_https", "Only https addresses may be reached.")
NO_PASSWORDS = Cause("outbound_no_passwords", "An address must not hold a user name or password.")
NOT_A_HOST = Cause("outbound_no_host", "This is not the name of a host.")
NUMERIC = Cause("outbound_numeric", "A numeric address must be written as four decimal numbers.")
THIS_MACHINE = Cause(
    "outbound_this_machine", "{host} is this machine itself, which is not allowed."
)
NOT_BY_HTTPS = Cause("outbound_not_by_https", "{host} must be reached by https.")
NOT_BY_TLS = Cause(
    "outbound_not_by_tls",
    "{host} leads to {address}: only this machine itself may be reached without TLS.",
)
NOT_PUBLIC = Cause(
    "outbound_not_public",
    "{host} leads to {address}, which is not a public address. A private network must be named in "
    "ALLOWED_PRIVATE_NETWORKS.",
)

# Clauses: what stood in the way.
NO_NAME = Cause("outbound_why_name", "its name could not be resolved")
TLS_FAILED = Cause("outbound_why_tls", "the TLS connection failed")
REFUSED = Cause("outbound_why_refused", "it refused the connection")
TIME_UP = Cause("outbound_why_time", "the time was up")
CLOSED = Cause("outbound_why_closed", "the connection was closed")
NOT_HTTP = Cause("outbound_why_not_http", "what it sent is not HTTP")
NOT_TRUSTED = Cause("outbound_why_not_trusted", "its certificate is not trusted ({words})")
NO_ROUTE = Cause("outbound_why_no_route", "there is no route to it")
FAILED = Cause("outbound_why_failed", "the connection failed")
