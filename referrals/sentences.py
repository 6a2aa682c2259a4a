"""Every sentence of Dovetail's own about an event, a referral, or its imports, written once.

What a row stores of one is its cause and values (`core.sentences`). A value may quote somebody:
`{why}` and `{words}` are as they came. Keys are stored: they are never changed or used again.
"""

from core.sentences import Cause

# -- May it go: the gates, in their order ----------------------------------------------------------

FOREIGN = Cause(
    "forbidden_source", "Source {source} may not send for the organization of this referral."
)
UNKNOWN_ORGANIZATION = Cause(
    "unknown_organization", "No organization with Caredove id {id} is set up here."
)
UNKNOWN_PLACE = Cause("unknown_place", "No listing with Caredove id {id} is set up here.")
NO_LISTING = Cause("place_unknown", "No message has said yet which listing it is for.")
SUSPENDED = Cause("suspended", "{organization} is suspended in Dovetail.")
PLAN_TOO_LOW = Cause(
    "plan_too_low",
    "{organization} is on the {plan} plan; importing needs Advanced CBO or higher.",
)
UNKNOWN_LISTING = Cause("unknown_listing", "Listing {id} is not set up here: it is not integrated.")
NO_SENDER = Cause("no_sender", "No source with valid credentials may send for {organization}.")
NOTHING_CAME = Cause(
    "nothing_came",
    "Nothing has come yet. Ask Caredove whether the integration is switched on for this listing "
    "(Caredove id {id}).",
)
NO_DESTINATION = Cause("no_destination", "{organization} has no destination yet.")
NOT_CONNECTED = Cause("not_connected", "Listing {listing} is not connected to a destination.")
SWITCHED_OFF = Cause("switched_off", "The trigger config of listing {listing} is off.")
ROUTED = Cause("routed", "It was routed here, and listing {listing} leaves those out.")
NO_TRIGGER = Cause(
    "no_trigger",
    "Listing {listing} is imported on: {chosen}. What happened so far: {happened}.",
)
NO_TRIGGER_OF_EVENT = Cause(
    "no_trigger_of_event",
    "The event means {happened}; listing {listing} is imported on {chosen}.",
)
NOTHING_OF_THAT = Cause("nothing_of_that", "nothing of that")
NO_TRIGGER_AT_ALL = Cause("no_trigger_at_all", "no trigger")
WITHDRAWN = Cause(
    "withdrawn",
    "Caredove marked the referral as {status}: a person decides about the import into "
    "{destination}.",
)
WAITS = Cause(
    "waits",
    "Only part of the referral has come so far: the import into {destination} waits until "
    "Caredove sends whom it is about.",
)
WAITS_FOR_REGISTRANT = Cause(
    "waits_for_registrant",
    "The message holds another person's details, not the registrant's: the import into "
    "{destination} waits for them.",
)
NOBODY_NAMED = Cause("nobody_named", "The referral does not say whom it is about.")
REVOKED = Cause("revoked", "Caredove revoked the referral.")
EXPIRED = Cause("expired", "The retention period was over: the person's data was deleted.")
MERGED = Cause(
    "merged",
    "It is the same referral as another one under another id, which is imported instead.",
)
MOVED = Cause("moved", "The referral has moved to {organization}; this import was for {other}.")
MOVED_ELSEWHERE = Cause("moved_elsewhere", "The referral has moved to another organization.")
UNTESTED = Cause("untested", "The connection to {destination} was never tested.")
TURN = Cause("turn", "It waits for its turn at {destination}: {limits}.")
NEW_HOST = Cause(
    "new_host", "A host without a mark has asked to deliver, and sends nothing until it may."
)
FAULT = Cause("fault", "{mapping}: {why}")
FAULTS = Cause(
    "faults",
    "{mapping}: {why} There is {count} more.",
    "{mapping}: {why} There are {count} more.",
)
EMPTY = Cause("empty", "These fields are required and stay empty: {fields}.")

# What a person reads who presses Retry while the connection is shut.
FIX_FIRST = Cause("fix_first", "Mend the connection, then press “Test connection”.")
GOES_WHEN_REACHED = Cause("goes_when_reached", "It goes by itself when it can be reached.")

# -- The gates are open ----------------------------------------------------------------------------

MAY_IMPORT = Cause("may_import", "{organization}: {plan}.")
MAY_SEND = Cause("may_send", "Caredove can sign in to send events for {organization}.")
CAME = Cause("came", "Caredove sends events for it.")
CONNECTED = Cause("connected", "{listing} is connected.")
SWITCHED_ON = Cause("switched_on", "On: {chosen}.")
ANSWERED = Cause("answered", "{destination} answered the last test.")
OPEN = Cause("open", "{destination} is open.")
MAPPED = Cause("mapped", "{mapping} fills every required field.")
