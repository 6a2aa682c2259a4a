"""Every sentence about how an organization or a destination stands, or what came of a call."""

from core.text.sentences import Cause

SUSPENDED = Cause("suspended", "{organization} is suspended in Dovetail.")
PLAN_TOO_LOW = Cause(
    "plan_too_low",
    "{organization} is on the {plan} plan; importing needs Advanced CBO or higher.",
)
PAUSED = Cause("destination_paused", "{destination} is paused: {why}")
# Without the destination's own words, for those who may not read them.
PAUSED_UNQUOTED = Cause("destination_paused_unquoted", "{destination} is paused.")
UNREACHABLE = Cause(
    "destination_unreachable", "{destination} has been unreachable since {since}: {why}"
)
RECOVERING = Cause(
    "destination_recovering",
    "{destination} failed {failures} referrals in a row. It is paused until {until}; then one "
    "referral is sent to see whether it works again.",
)
RECOVERING_AFTER = Cause(
    "destination_recovering_after",
    "{destination} failed {failures} referrals in a row, the last one with {code}. It is paused "
    "until {until}; then one referral is sent to see whether it works again.",
)
DOWN_BECAUSE = Cause("down_because", "{cause}. {remedy}")
AT_MOST = Cause("limit_at_once", "at most {at_once} at the same time")
AT_MOST_A_MINUTE = Cause("limit_per_minute", "at most {per_minute} a minute")
AT_MOST_BOTH = Cause("limit_both", "at most {at_once} at the same time and {per_minute} a minute")

# -- Why nothing could be sent, as a clause, and the remedy ----------------------------------------

DOWN_NAME = Cause("down_name", "its name could not be resolved")
CHECK_NAME = Cause(
    "check_name", "Check the address, and whether this machine's name server knows it."
)
DOWN_REFUSED = Cause("down_refused", "it refused the connection")
CHECK_PORT = Cause("check_port", "Check whether it is running, and the port in its address.")
DOWN_ROUTE = Cause("down_route", "there is no route to it")
CHECK_ROUTE = Cause(
    "check_route", "Check the network and the firewall between this machine and it."
)
DOWN_SLOW = Cause("down_slow", "it did not answer in time")
CHECK_FIREWALL = Cause(
    "check_firewall",
    "Check whether it is running, and the firewall between this machine and it.",
)
DOWN_CERTIFICATE = Cause("down_certificate", "its certificate is not trusted")
CHECK_CERTIFICATE = Cause(
    "check_certificate",
    "Have the certificate renewed or corrected there. Where it is signed by an authority of your "
    "own, name that in CA_BUNDLE.",
)
DOWN_TLS = Cause("down_tls", "the TLS connection failed")
CHECK_TLS = Cause(
    "check_tls",
    "Check whether its address and port really speak https, with TLS 1.2 or newer.",
)
DOWN_CLOSED = Cause("down_closed", "it closed the connection before anything was sent")
CHECK_ADMITTANCE = Cause(
    "check_admittance", "Check whether it is running, and whether it admits this machine."
)
DOWN_OTHER = Cause("down_other", "the connection failed")
CHECK_ADDRESS = Cause("check_address", "Check its address, and whether it is running.")

# -- What an answer said ---------------------------------------------------------------------------

NO_REASON = Cause("no_reason", "{who} gave no reason (HTTP {status}).")

# -- Why a file of a message is missing ------------------------------------------------------------

FILE_EMPTY = Cause("file_empty", "It came empty.")
FILE_OTHER_HASH = Cause(
    "file_other_hash", "It is another file than the one announced: its hash differs."
)
FILE_CUT_PICTURE = Cause(
    "file_cut_picture", "It is cut off or damaged: the picture cannot be opened."
)
FILE_CUT_ARCHIVE = Cause(
    "file_cut_archive", "It is cut off or damaged: its list of contents is missing."
)
FILE_CUT = Cause("file_cut", "It is cut off or damaged: its end is missing.")
FILE_SIZES = Cause("file_sizes", "{came} bytes came, {announced} were announced.")
FILE_SHORT = Cause("file_short", "It is shorter than announced: {came} of {announced} bytes came.")
FETCHED_PAGE = Cause("fetched_page", "The address answered with a web page.")
FETCHED_JSON = Cause("fetched_json", "The address answered with JSON data.")
FETCHED_XML = Cause("fetched_xml", "The address answered with XML data.")
FETCHED_ERROR = Cause("fetched_error", "The address answered with an error text.")
CONTAINS_PAGE = Cause("held_page", "The message holds a web page in its place.")
CONTAINS_JSON = Cause("held_json", "The message holds JSON data in its place.")
CONTAINS_XML = Cause("held_xml", "The message holds XML data in its place.")
CONTAINS_ERROR = Cause("held_error", "The message holds an error text in its place.")

# -- What a channel answered -----------------------------------------------------------------------

RECIPIENT_REFUSED = Cause(
    "alert_recipient_refused", "The mail server refused the recipient ({codes})."
)
MAIL_REFUSED = Cause("alert_mail_refused", "The mail server refused it ({code}).")
MAIL_NOT_TAKEN = Cause("alert_mail_not_taken", "The mail server did not take it ({error}).")
WEBHOOK_ANSWERED = Cause("alert_webhook_answered", "The webhook answered HTTP {status}.")

# -- What a mail server answered to a message with personal data; `{reason}` quotes it -------------

MAIL_DOWN = Cause("mail_down", "The mail server {host} could not be reached: {why}.")
CHECK_MAIL_TLS = Cause(
    "check_mail_tls",
    "Check the port, and whether it speaks TLS from the start (usually 465) or after STARTTLS "
    "(usually 587), with TLS 1.2 or newer.",
)
MAIL_NO_TLS = Cause(
    "mail_no_tls",
    "The mail server {host} does not offer STARTTLS, so nothing is sent. Choose TLS, or another "
    "port.",
)
MAIL_NO_SIGN_IN = Cause(
    "mail_no_sign_in", "The mail server {host} offers no sign-in that Dovetail can use."
)
MAIL_CREDENTIALS = Cause(
    "mail_credentials", "The mail server {host} rejected our credentials: “{reason}”."
)
MAIL_NOT_FROM_US = Cause(
    "mail_not_from_us",
    "The mail server {host} does not accept mail from this sender: “{reason}”.",
)
MAIL_LATER = Cause("mail_later", "The mail server {host} asks to try again later: “{reason}”.")
MAIL_RECIPIENT = Cause(
    "mail_recipient",
    "The mail server {host} refused the recipient {recipient}, so nobody got it: “{reason}”.",
)
MAIL_TOO_LARGE = Cause(
    "mail_too_large",
    "The message is too large for the mail server {host}: {size} bytes, and it takes {most}.",
)
MAIL_NOT_ACCEPTED = Cause(
    "mail_not_accepted", "The mail server {host} refused the message: “{reason}”."
)
MAIL_CUT = Cause(
    "mail_cut",
    "The mail server {host} closed the connection, or fell silent, before the message was "
    "complete: it was not sent.",
)
MAIL_NO_ANSWER = Cause(
    "mail_no_answer",
    "The mail server {host} got the whole message and did not say whether it accepts it.",
)
MAIL_UNCLEAR = Cause(
    "mail_unclear",
    "The mail server {host} got the whole message and gave an unclear answer: “{reason}”.",
)
MAIL_UNCLEAR_BEFORE = Cause(
    "mail_unclear_before", "The mail server {host} gave an unclear answer: “{reason}”."
)
