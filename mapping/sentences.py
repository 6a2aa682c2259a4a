"""Every sentence about a mapping that cannot run: a referral's import keeps it. Pure."""

from core.text.sentences import Cause

RULE = Cause("rule", "Rule {position} ({target})")
RULE_WITHOUT_TARGET = Cause("rule_without_target", "Rule {position} (no target)")
AT_RULE = Cause("at_rule", "{rule}: {fault}")

# What is wrong with a mapping as a whole.
NO_KIND = Cause("mapping_no_kind", "There is no destination kind “{kind}”.")
NOT_FILLED = Cause("mapping_not_filled", "No rule fills “{target}” ({label}), which is required.")

# What is wrong with a rule, after its name.
TOO_LONG = Cause(
    "rule_too_long", "“{transform}” gives {longest} characters; the field holds {limit}."
)
NO_FIELD = Cause("rule_no_field", "the destination has no field “{target}”.")
FILLED_ALREADY = Cause("rule_filled_already", "{rule} fills this field already.")
NO_SOURCE_FIELD = Cause("rule_no_source_field", "there is no source field “{source}”.")
READS_NOTHING = Cause("rule_reads_nothing", "it reads no source field and has no default.")
NO_TRANSFORM = Cause("rule_no_transform", "there is no transform “{name}”.")
MUST_BE_FIRST = Cause("rule_must_be_first", "“{transform}” must be the first transform.")
OF_TRANSFORM = Cause("rule_of_transform", "{transform}: {fault}")
NO_TABLE = Cause("rule_no_table", "the mapping has no value table “{table}”.")

# What staff should look at, in one referral.
WAS_CUT = Cause("value_was_cut", "It is longer than {limit} characters and was cut.")

# What is wrong with an option of a transform.
NO_OPTION = Cause("option_unknown", "it has no option “{option}”.")
OPTION_MISSING = Cause("option_missing", "“{option}” is missing.")
NOT_A_NUMBER = Cause("option_no_number", "“{option}” must be a whole number above 0.")
NOT_TEXT = Cause("option_no_text", "“{option}” must be text.")
NOT_A_CHOICE = Cause("option_no_choice", "“{option}” must be one of {choices}.")
NOT_A_TIME_ZONE = Cause(
    "option_no_time_zone", "“{option}” must be a time zone such as America/Toronto."
)
