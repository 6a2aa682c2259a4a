"""Every sentence about a server that takes files; `{reason}` quotes it."""

from core.text.sentences import Cause

CONFIRM_KEY = Cause(
    "sftp_confirm_key",
    "{host} shows a host key that nobody has confirmed yet: {type} {fingerprint}. Compare it with "
    "what the partner says, then confirm it, or enter it as “Host key”. Nothing is sent before.",
)
OTHER_KEY = Cause(
    "sftp_other_key",
    "{host} shows another host key than the one that was confirmed: {type} {fingerprint}. Nothing "
    "was sent. Ask the partner whether they have changed it before you enter the new one.",
)
NO_SUCH_KEY = Cause(
    "sftp_no_such_key",
    "{host} has no host key of the kind that was confirmed. Nothing was sent. Ask the partner "
    "whether they have changed it.",
)
NOT_SSH = Cause("sftp_not_ssh", "What answers at {host} does not speak SFTP: {reason}.")
NOT_FTP = Cause("sftp_not_ftp", "What answers at {host} does not speak {protocol}: {reason}.")
NO_CREDENTIALS = Cause(
    "sftp_credentials", "{host} does not accept the user name with this password or key."
)
NO_FOLDER = Cause("sftp_no_folder", "The folder “{folder}” is not there.")
NOT_ALLOWED = Cause("sftp_not_allowed", "{host} does not allow it to write there: {reason}.")
NOT_WRITTEN = Cause("sftp_not_written", "{host} did not take the file: {reason}.")
NOT_RENAMED = Cause(
    "sftp_not_renamed", "{host} took the file, but did not let it have its name: {reason}."
)
CUT = Cause("sftp_cut", "The connection to {host} ended before the file was there: {reason}.")
TOO_LARGE = Cause(
    "sftp_too_large",
    "The list would be larger than {megabytes} MB, which is the limit that is set here.",
)
NO_WORDS = Cause("sftp_no_words", "it gave no reason")

ANSWERS = Cause("sftp_answers", "{host} accepts the user name, and the folder “{folder}” is there.")
FOLDER_IS_THERE = Cause(
    "sftp_folder_is_there", "The folder “{folder}” of the exports can be written to."
)
NO_AUTHORITIES = Cause(
    "sftp_no_authorities", "The file of certificate authorities that is named here cannot be read."
)
OF_BYTES = Cause("sftp_of_bytes", "it has {written} of {size} bytes")
NOT_THE_SAME = Cause(
    "sftp_not_the_same",
    "The list would not be the same again: its options were changed since.",
)
