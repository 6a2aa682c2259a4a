"""Every sentence about what CRMS answered, or what came of searching it; `{reason}` quotes CRMS."""

from core.text.sentences import Cause

# What an answer means: the table in `answers`.
TAKES_NOTHING_HERE = Cause(
    "crms_takes_nothing_here", "CRMS takes no referrals at this address: {reason}"
)
HAS_IT = Cause("crms_has_it", "CRMS says that it has this already: {reason}")
HAS_IT_AS = Cause("crms_has_it_as", "What it has is {id}.")
LISTS_IT_AS = Cause("crms_lists_it_as", "It lists {id} as this referral.")
REFERRAL_GONE = Cause("crms_referral_gone", "CRMS no longer has referral {referral}: {reason}")
HAS_FILE = Cause("crms_has_file", "CRMS says that it has this file already: {reason}")
NO_CREDENTIALS = Cause("crms_credentials", "CRMS does not accept the credentials: {reason}")
SEARCH_FORBIDDEN = Cause(
    "crms_search_forbidden", "CRMS does not let itself be searched (HTTP {status}): {reason}"
)
UNSUITABLE = Cause("crms_not_in_this_way", "CRMS does not take requests in this way: {reason}")
ELSEWHERE = Cause(
    "crms_elsewhere", "CRMS answers at another address than the one set here: {reason}"
)
ELSEWHERE_AT = Cause(
    "crms_elsewhere_at",
    "CRMS answers at another address than the one set here ({place}): {reason}",
)
ASKS_TO_WAIT = Cause("crms_asks_to_wait", "CRMS asks to wait: {reason}")
CANNOT_BE_SEARCHED = Cause(
    "crms_cannot_be_searched", "CRMS cannot be searched (HTTP {status}): {reason}"
)
OWN_PROBLEM = Cause("crms_own_problem", "CRMS has a problem of its own: {reason}")
NOT_UNDERSTOOD = Cause(
    "crms_not_understood", "CRMS does not understand what it was asked: {reason}"
)
REFUSED = Cause("crms_refused", "CRMS did not accept the referral: {reason}")
FILE_REFUSED = Cause("crms_file_refused", "CRMS refused this file: {reason}")
NO_MEANING = Cause(
    "crms_no_meaning", "CRMS gave an answer that has no meaning (HTTP {status}): {reason}"
)
PAGE_INSTEAD = Cause("crms_page_instead", "A web page answered instead of the CRMS API: {reason}")
SUCCESS_THAT_FAILED = Cause("crms_success_that_failed", "CRMS answered HTTP {status} with {reason}")
NO_ID = Cause("crms_no_id", "CRMS answered HTTP {status} with no id that can be read.")

# What was seen when it was searched, and what that proves.
LISTED_NOTHING = Cause("crms_listed_nothing", "CRMS was searched for it and listed nothing.")
UNREADABLE_LIST = Cause(
    "crms_unreadable_list", "CRMS was searched for it, and the answer cannot be read."
)
LISTED_OTHERS = Cause(
    "crms_listed_others", "CRMS was searched for it, and the search listed other referrals."
)
LISTED_SEVERAL = Cause(
    "crms_listed_several", "CRMS was searched for it and listed more than one referral: {ids}."
)
LISTED_A_PART = Cause(
    "crms_listed_a_part",
    "CRMS was searched for it, and the search listed only a part of what it found.",
)
LISTED_WITHOUT_ID = Cause(
    "crms_listed_without_id",
    "CRMS was searched for it and listed a referral without an id that can be read.",
)
LISTED_WITHOUT_REFERENCE = Cause(
    "crms_listed_without_reference",
    "CRMS was searched for it and listed referral {ids}, which does not name its reference: it may "
    "be another one.",
)
SEARCH_UNPROVEN = Cause(
    "crms_search_unproven",
    "That proves nothing: whether the search of CRMS finds what is there is not proved yet.",
)
FILE_UNKNOWN = Cause(
    "crms_file_unknown", "Nobody knows whether {file} reached referral {referral}."
)
FILES_UNPROVEN = Cause(
    "crms_files_unproven",
    "It is proved neither that CRMS lists its files, nor that it keeps one copy of a file that is "
    "sent twice.",
)
FILE_TOO_LARGE = Cause(
    "crms_file_too_large", "The file is larger than the {limit} MB that CRMS takes."
)

# What disproves that it can do something: shown on the page of the destination.
LISTED_ANOTHER = Cause(
    "crms_listed_another", "It listed another referral than the one that was asked for."
)
NOT_THAT_ONE = Cause(
    "crms_not_that_one", "For a referral that is there it did not list exactly that one."
)
LISTED_NO_FILES = Cause(
    "crms_listed_no_files", "The look-up of a referral with files listed none of them."
)
ANSWERED_SEARCH_WITH = Cause("crms_answered_search_with", "It answered a search with {code}.")
KEPT_TWICE = Cause("crms_kept_twice", "A file sent twice under one key was there twice.")
ANSWERS = Cause("crms_answers", "CRMS answered at {address} and accepted the credentials.")
