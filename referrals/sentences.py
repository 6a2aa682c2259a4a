"""Every sentence of Dovetail's own about an event, a referral, or its imports, written once.

What a row stores of one is its cause and values (`core.text.sentences`). A value may quote
somebody: `{why}` and `{words}` are as they came. Keys are stored: they are never changed or used
again.
"""

from core.text.sentences import Cause

# -- May it go: the gates, in their order ----------------------------------------------------------

FOREIGN = Cause(
    "forbidden_source", "Source {source} may not send for the organization of this referral."
)
UNKNOWN_ORGANIZATION = Cause(
    "unknown_organization", "No organization with Caredove id {id} is set up here."
)
UNKNOWN_PLACE = Cause("unknown_place", "No listing with Caredove id {id} is set up here.")
NO_LISTING = Cause("place_unknown", "No message has said yet which listing it is for.")
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
ROUTED = Cause(
    "routed",
    "Another organization routed this request here, and listing {listing} "
    "leaves out routed requests.",
)
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
    "Only part of the referral has arrived. The import into {destination} is waiting for the "
    "client's details from Caredove.",
)
WAITS_FOR_REGISTRANT = Cause(
    "waits_for_registrant",
    "The message holds another person's details, not the registrant's: the import into "
    "{destination} waits for them.",
)
NOBODY_NAMED = Cause("nobody_named", "The referral does not say whom it is about.")
REVOKED = Cause("revoked", "Caredove revoked the referral.")
ERASED = Cause("erased", "The person's data was erased, as the person asked.")
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
FIX_FIRST = Cause("fix_first", "Fix the connection, then press “Test connection”.")
GOES_WHEN_REACHED = Cause(
    "goes_when_reached", "It will be sent automatically when the destination can be reached."
)

# -- The gates are open ----------------------------------------------------------------------------

MAY_IMPORT = Cause("may_import", "{organization}: {plan}.")
MAY_SEND = Cause("may_send", "Caredove can sign in to send events for {organization}.")
CAME = Cause("came", "Caredove sends events for it.")
CONNECTED = Cause("connected", "{listing} is connected.")
SWITCHED_ON = Cause("switched_on", "On: {chosen}.")
ANSWERED = Cause("answered", "{destination} answered the last test.")
OPEN = Cause("open", "{destination} is open.")
MAPPED = Cause("mapped", "{mapping} fills every required field.")

# -- What became of an event -----------------------------------------------------------------------

UNREADABLE = Cause("unreadable", "Its body could not be read.")
OPENING_FAILED = Cause(
    "opening_failed", "Opening it failed {times} times. It is kept; tell the developers."
)
CONFLICT = Cause(
    "conflict",
    "Caredove sent this event id before, with another body. This body is kept, not used.",
)
IGNORED_CODE = Cause("ignored_code", "“{code}” needs nothing done here.")
UNKNOWN_CODE = Cause(
    "unknown_code", "“{code}” is not an event that Dovetail knows; it is kept as it came."
)
EVENT_REVOKED = Cause(
    "event_revoked", "Caredove revoked the referral: the person's data was deleted."
)
EVENT_ERASED = Cause(
    "event_erased", "The person's data was erased, as the person asked: this was deleted, too."
)
WITHDRAWN_NO_MORE = Cause("withdrawn_no_more", "Caredove no longer marks it as withdrawn.")
IMPORT_STOPPED = Cause(
    "import_stopped", "Caredove marked the referral as {status}: its import waits for a person."
)
DETAILS_CAME = Cause("details_came", "The details came that the import waited for.")
IMPORT_STARTED = Cause("import_started", "Import into {destination} started.")
GETS_UPDATE = Cause("gets_update", "{destination} gets an update.")
NOWHERE_ELSE = Cause(
    "nowhere_else",
    "It came from the partner of {destination}, and the listing goes to no other destination.",
)
IN_PART = Cause(
    "in_part",
    "The person's data was deleted after the retention period. {destination} gets an update when "
    "Caredove sends the whole referral again, or when staff send it from the referral's page.",
)
IS_IN_ALREADY = Cause("is_in_already", "It is in {destination} already.")
WAS_DISMISSED = Cause("was_dismissed", "A person dismissed the import into {destination}.")
GOES_AGAIN = Cause("goes_again", "The failed import into {destination} goes again.")
IS_UNDER_WAY = Cause("is_under_way", "The import into {destination} is under way.")

# -- The last problem of an import, and why it ended -----------------------------------------------

MARKED_WITHDRAWN = Cause("marked_withdrawn", "Caredove marked the referral as {status}.")
DISCONNECTED = Cause("disconnected", "The trigger config that started this import was deleted.")
MAPPING_FAILED = Cause("mapping_failed", "Mapping “{mapping}” does not work: {why}")
ADD_FILES = Cause("add_files", "The referral was imported; add the missing files yourself.")
FILES_TO_COME = Cause(
    "files_to_come", "A file of it could not be fetched yet: it goes with a later run."
)
LIES_THERE = Cause(
    "lies_there", "The referral was removed, but this still lies there; delete it by hand: {what}."
)
WITHDRAWN_LIES_THERE = Cause(
    "withdrawn_lies_there",
    "A file was withdrawn, but this still lies there; delete it by hand: {what}.",
)
BUG = Cause(
    "bug",
    "Dovetail made an error while importing this referral. Whoever maintains Dovetail needs to "
    "look into it.",
)
BUG_IN_RUN = Cause(
    "bug_in_run",
    "Dovetail made an error while sending this run. Whoever maintains Dovetail needs to look "
    "into it.",
)
BUG_IN_JOB = Cause(
    "bug_in_job",
    "Dovetail made an error while doing this. Whoever maintains Dovetail needs to look into it.",
)
STOPPED = Cause(
    "stopped",
    "Dovetail stopped in the middle of sending; what was under way may have arrived.",
)
LOST_WORKERS = Cause(
    "lost_workers", "This import crashed the worker {times} times in a row and was set aside."
)
EARLIER_TRY_SEARCHED = Cause(
    "earlier_try_searched",
    "An earlier try may have arrived: it is looked for before it is sent again.",
)
EARLIER_TRY_NOT_SEARCHABLE = Cause(
    "earlier_try_not_searchable",
    "An earlier try may have arrived, and this destination cannot be searched for it.",
)
RESTORED = Cause(
    "restored", "The database was restored from a backup, so this may have arrived already."
)
RESTORED_SEARCHED = Cause(
    "restored_searched",
    "The database was restored from a backup, so this may have arrived already: it is looked for "
    "before it is sent again.",
)
RESTORED_SEARCHED_AT = Cause(
    "restored_searched_at",
    "The database was restored from a backup, so this may have arrived already. It is looked for "
    "before it is sent, on {time}.",
)
RESTORED_NOT_SEARCHABLE = Cause(
    "restored_not_searchable",
    "The database was restored from a backup, so this may have arrived already, and this "
    "destination cannot be searched for it.",
)
MAY_BE_THERE = Cause(
    "revoked_may_be_there",
    "Caredove revoked this referral while it was being sent. Search the destination, and delete "
    "it if it is there.",
)
IS_THERE = Cause(
    "revoked_is_there",
    "Caredove revoked this referral after it was imported. Delete it in the destination.",
)
ERASED_IS_THERE = Cause(
    "erased_is_there",
    "The person asked for their data to be erased, and it was erased here. Delete it in the "
    "destination.",
)
STILL_THERE = Cause(
    "revoked_still_there",
    "Caredove revoked this referral. The destination is asked to remove it until it has done so: "
    "until then, it may still be there.",
)
REMOVED = Cause(
    "revoked_removed", "Caredove revoked the referral, and it was removed from the destination."
)
# They name nobody, and stay when the person's data is deleted.
STAY = (
    REVOKED,
    EXPIRED,
    MAY_BE_THERE,
    IS_THERE,
    ERASED,
    ERASED_IS_THERE,
    STILL_THERE,
    REMOVED,
    LIES_THERE,
    WITHDRAWN_LIES_THERE,
)

# -- What a person corrects in a destination -------------------------------------------------------

REQUEST_REMAINS = Cause(
    "request_remains",
    "Caredove marked the referral as {status}: remove it there, or ask the referral's staff.",
)
WITHDREW_ANSWERS = Cause(
    "withdrew_answers", "Caredove withdrew answers of a form ({labels}). Remove it there."
)
WITHDREW_MESSAGES = Cause(
    "withdrew_messages",
    "Caredove withdrew a message. Remove it there.",
    "Caredove withdrew {count} messages. Remove it there.",
)
WITHDREW_APPOINTMENT = Cause(
    "withdrew_appointment", "Caredove withdrew an appointment. Remove it there."
)
WITHDREW_OTHERS = Cause("withdrew_others", "Caredove withdrew {labels}. Remove it there.")
AND_MORE = Cause("and_more", "{labels} and {count} more", "{labels} and {count} more")
FILE_CAME_LATE = Cause(
    "file_came_late",
    "The file “{file}” came after the import and was not sent: add it to {destination} by hand.",
)
FILE_TAKEN_BACK = Cause(
    "file_taken_back",
    "Caredove withdrew the file “{file}”: if it was added to {destination} by hand, remove it "
    "there.",
)
SENT_FILE_WITHDRAWN = Cause(
    "sent_file_withdrawn",
    "Caredove withdrew the file “{file}”. It was sent before: remove it there.",
)
FILE_WITHDRAWN = Cause(
    "file_withdrawn",
    "Caredove withdrew the file “{file}”. It may have been sent: look there.",
)
TWO_NUMBERS = Cause(
    "two_numbers",
    "Messages with the Reference # {numbers} were taken for this same referral. Check in Caredove "
    "that they are about the same person.",
)
SENT_UNDER_ANOTHER = Cause(
    "sent_under_another",
    "It was sent to {destination} with the reference {sent}; its Reference # is {reference}. "
    "Correct it there.",
)
THERE_TWICE = Cause(
    "there_twice",
    "{destination} has this referral a second time, as {id}, with the reference {reference}. Keep "
    "one of the two there.",
)
PERHAPS_THERE_TWICE = Cause(
    "perhaps_there_twice",
    "{destination} has this referral a second time, perhaps, with the reference {reference}. Keep "
    "one of the two there.",
)

# -- Why a file is missing -------------------------------------------------------------------------

NEITHER_FILE_NOR_URL = Cause("neither_file_nor_url", "the message holds neither it nor a URL")
BYTES_GONE = Cause("bytes_gone", "its bytes are no longer here")
SENDER_WITHDREW = Cause("sender_withdrew", "The sender withdrew it.")
NOT_FETCHED = Cause("not_fetched", "it has not been fetched yet")

# -- The chain of why: what was found --------------------------------------------------------------

ABSENT = Cause(
    "why_absent",
    "No event with this reference has arrived. Check the number. If it is right: the referral may "
    "be so new that it is still on its way, or not say yet which organization it is for; the "
    "listing may not be integrated in Caredove; the referral may be older than the integration; "
    "or Caredove could not reach Dovetail, or was refused, and tells so in its own list of "
    "failures.",
)
NOT_OPENABLE = Cause("why_not_openable", "Its event arrived, but Dovetail could not open it.")
NOT_OPENED = Cause("why_not_opened", "Its newest event has arrived and has not been opened yet.")
RECEIVED = Cause(
    "why_received",
    "{count} event received for {reference}.",
    "{count} events received for {reference}.",
)
OTHER_ID = Cause("why_other_id", "{id} is another id of it.")
OTHER_NUMBERS = Cause("why_other_numbers", "Messages also name it by the number {numbers}.")
THERE_AS = Cause("why_there_as", "{destination} as {id}")  # a clause
IS_IN = Cause("why_is_in", "It is in {where}.")
NOT_IMPORTED = Cause("why_not_imported", "It was not imported.")
DATA_EXPIRED = Cause(
    "why_data_expired", "Its retention period was over, so its data was deleted here."
)
REVOKED_STILL_IN = Cause(
    "why_revoked_still_in",
    "Caredove revoked it; its data was deleted here. It is still in {where}.",
)
REVOKED_NOT_IN = Cause(
    "why_revoked_not_in", "Caredove revoked it; its data was deleted, and it is not imported."
)
ERASED_STILL_IN = Cause(
    "why_erased_still_in",
    "The person's data was erased here, as the person asked. It is still in {where}.",
)
ERASED_NOT_IN = Cause(
    "why_erased_not_in",
    "The person's data was erased, as the person asked, and it is not imported.",
)
DISMISSED = Cause("why_dismissed", "{by} dismissed the import.")
DISMISSED_BECAUSE = Cause("why_dismissed_because", "{by} dismissed the import: {why}")
TAKEN = Cause("why_taken", "{destination} took it as {id}.")
BEING_SENT = Cause("why_being_sent", "It is being sent right now.")
OVERDUE = Cause("why_overdue", "It has been due since {time}, and no worker has picked it up.")
TRIED_AGAIN = Cause("why_tried_again", "It will be tried again on {time}.")
QUEUED = Cause("why_queued", "It is queued for {time}.")
NO_TIME = Cause("why_no_time", "no time")
OUTCOME = Cause("why_outcome", "{outcome}.")
OUTCOME_WITH_CODE = Cause("why_outcome_with_code", "{outcome} ({code}).")
TRIES_USED_UP = Cause("why_tries_used_up", "All automatic retries failed.")
CLEARED = Cause(
    "why_cleared", "{by} cleared the error, but the referral is still not in the destination."
)
SEEN_TO = Cause("why_seen_to", "Someone has dealt with it.")
CORRECTIONS = Cause("why_corrections", "It is in {where}, but: {corrections}")
CORRECTIONS_UNQUOTED = Cause(
    "why_corrections_unquoted", "It is in {where}, but something is to be corrected there."
)
FILES_MISSING = Cause("why_files_missing", "It is in {where}, but files are missing: {files}.")
WITHHELD = Cause("why_withheld", "Your role may not see the destination's message.")

# -- Why something is not sent (again) -------------------------------------------------------------

WAITS_FOR_DETAILS = Cause(
    "not_failed_waiting",
    "It is waiting for details from Caredove and will be sent automatically when they arrive.",
)
IS_QUEUED = Cause("not_failed_queued", "It is already queued and will be sent automatically.")
IS_RUNNING = Cause("not_failed_running", "It is running at this moment.")
IS_CURRENT = Cause("is_current", "It is in the destination already.")
IS_IMPORTED = Cause(
    "not_failed_imported", "It is in the destination already; CRMS takes no updates."
)
IS_DISMISSED = Cause("not_failed_dismissed", "A person dismissed it.")
EDIT_FIRST = Cause(
    "edit_first",
    "The destination refused the referral's data. Correct the referral in Caredove and save it; "
    "it will be sent again automatically. Retry won't help: the same data would be refused again.",
)
LOOK_FIRST = Cause(
    "look_first",
    "We don't know whether the destination received it. Search there first, then answer whether "
    "it is there.",
)
ACTED = Cause("acted", "Somebody else has just acted on it.")
COOLING_OFF = Cause(
    "cooling_off",
    "It was sent again by hand once, without success. Call the support of {destination}. You can "
    "send it again from {time}.",
    "It was sent again by hand {count} times, without success. Call the support of {destination}. "
    "You can send it again from {time}.",
)
SENT_AGAIN_MEANWHILE = Cause("sent_again_meanwhile", "Somebody has sent it again meanwhile.")
BUG_AT_ITS_TURN = Cause(
    "bug_at_its_turn",
    "Dovetail made an error when its turn came. Whoever maintains Dovetail needs to look into it.",
)
