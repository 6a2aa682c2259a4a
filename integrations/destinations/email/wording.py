"""Subject and body: templates with a few variables, none of which can identify a person. Pure."""

import re
from collections.abc import Mapping

# Of the organization and its listing as they are set up here, never as a message names them.
VARIABLES = ("organization", "listing", "program", "sent_on", "sender_name")
SUBJECT = "A referral from {organization}"
BODY = """\
Hello,

{organization} has sent you a referral. It is in the attached PDF, which opens with the passphrase \
that you have from us, or that we give you by phone.

Please do not put personal information into a reply.

{sender_name}
"""
_VARIABLE = re.compile(r"\{\{\s*(\w*)\s*\}\}|\{\s*(\w*)\s*\}")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
LONGEST_VALUE = 200  # characters


def unknown_variables(template: str) -> list[str]:
    """Return the variables of a template that are none of ours, as it writes them."""
    found = _VARIABLE.finditer(template)
    return [one[0] for one in found if _name(one) not in VARIABLES]


def written(template: str, values: Mapping[str, str]) -> str:
    """Return a template with its variables filled in; what is not one of ours stays out."""
    return _VARIABLE.sub(lambda one: _value(values.get(_name(one), "")), template)


def in_one_line(text: str) -> str:
    """Return a text that can stand in a header: without line breaks and what is not seen."""
    return " ".join(_UNSEEN.sub(" ", text).split())


def _name(found: re.Match[str]) -> str:
    return found[1] or found[2] or ""


def _value(text: str) -> str:
    return in_one_line(text)[:LONGEST_VALUE]
