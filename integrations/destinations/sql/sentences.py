"""Every sentence about a partner's database; `{reason}` quotes it."""

from core.text.sentences import Cause

ANSWERS = Cause(
    "sql_answers", "{where} answers, and the account may sign in. It has our tables already."
)
ANSWERS_EMPTY = Cause(
    "sql_answers_empty",
    "{where} answers, and the account may sign in. Our tables are made with the first referral.",
)
CREDENTIALS = Cause("sql_credentials", "The database does not accept the account: “{reason}”.")
NO_DATABASE = Cause("sql_no_database", "The server has no such database or schema: “{reason}”.")
NO_TLS = Cause(
    "sql_no_tls", "The server offers no encrypted connection, and none goes without: “{reason}”."
)
NOT_ALLOWED = Cause("sql_not_allowed", "The account may not do this in the database: “{reason}”.")
READ_ONLY = Cause("sql_read_only", "The database is read-only at present: “{reason}”.")
FULL = Cause("sql_full", "The database has no room or no free connection: “{reason}”.")
STOPPING = Cause("sql_stopping", "The database is stopping or starting: “{reason}”.")
BUSY = Cause("sql_busy", "Somebody else is using the tables at this moment: “{reason}”.")
SLOW = Cause("sql_slow", "The database did not finish in time: “{reason}”.")
LOST = Cause("sql_lost", "The connection to the database was lost: “{reason}”.")
FAILING = Cause("sql_failing", "The database has a problem of its own: “{reason}”.")
REFUSED = Cause("sql_refused", "The database did not accept the referral: “{reason}”.")
UNFIT = Cause(
    "sql_unfit",
    "What the mapping gives for the column {column} cannot be stored there: it is no {kind}.",
)
CHANGED = Cause(
    "sql_changed", "Somebody changed our tables, so nothing is written to them: {differences}."
)
OTHERS_TABLES = Cause(
    "sql_others_tables",
    "Tables with our names are there, and Dovetail has not made them: {names}. Choose another "
    "prefix or schema, or remove them.",
)
OTHER_WRITER = Cause(
    "sql_other_writer",
    "Another destination writes these tables ({writer}). Choose another prefix, or take them over "
    "with manage.py sql_resync.",
)
NEWER = Cause(
    "sql_newer",
    "A later version of Dovetail has made these tables (version {theirs}; this one knows {ours}).",
)
RESTORED = Cause(
    "sql_restored",
    "{reference} is there as version {there} with other content than our version {ours}. The "
    "portal may have been restored from a backup. Check, then run manage.py sql_resync.",
)
OTHER_KEY_THERE = Cause(
    "sql_other_key_there",
    "Values of the column {column} were not encrypted with this key. Enter the key that they were "
    "encrypted with, or write all of it anew with manage.py sql_resync.",
)
NO_FILE = Cause("sql_no_file", "The folder of the database file does not exist.")
NOT_BELOW_ROOT = Cause(
    "sql_not_below_root",
    "The database file must lie below EXPORT_ROOT, and must not be one of the portal's own.",
)
NO_DRIVER = Cause(
    "sql_no_driver", "The driver for this database is not installed on this machine: {driver}."
)
NO_REASON = Cause("sql_no_reason", "no reason given")

# Clauses, and what a column holds.
A_MOMENT = Cause("sql_a_moment", "time with its offset")
A_DATE = Cause("sql_a_date", "date such as 1991-06-29")
A_NUMBER = Cause("sql_a_number", "whole number")
CAUSE_TLS = Cause("sql_why_tls", "the TLS connection failed")
REMEDY_TLS = Cause(
    "sql_remedy_tls",
    "Check the certificate of the server. Where it is signed by an authority of your own, name "
    "that in CA_BUNDLE.",
)

# How a column differs from what we made.
MISSING_TABLE = Cause("sql_missing_table", "{table} is missing")
MISSING_COLUMN = Cause("sql_missing_column", "{column} is missing")
ADDED_COLUMN = Cause("sql_added_column", "{column} was added")
OTHER_TYPE = Cause("sql_other_type", "{column} is {there} and not {ours}")
OTHER_KEY = Cause("sql_other_key", "{table} has another primary key")
OTHER_NULL = Cause("sql_other_null", "{column} takes empty values differently")
