"""What people are shown of a value that could not be read: its name, and what is wrong with it.

Pure: no Django.
"""

from mapping.source.document import Unreadable
from mapping.source.labels import in_words

# Cause -> what is wrong, and who can fix it. {field} is a name for people.
CAUSES = {
    "not_text": "{field} is not text: compare it with Caredove",
    "not_a_flag": "{field} is neither yes nor no: correct it in Caredove",
    "not_a_number": "{field} is not a sensible number: correct it in Caredove",
    "not_a_date": "{field} is not a date: correct it in Caredove",
    "ambiguous_date": "{field} can be read as two dates: correct it in Caredove",
    "future_date": "{field} is in the future: correct it in Caredove",
    "not_an_instant": "{field} is not a date and time: correct it in Caredove",
    "no_time_zone": "{field} has no time zone; the organization's is assumed",
    "not_objects": "{field} does not have the form that Caredove documents: compare it with "
    "Caredove",
    "unknown_side": "The message does not say whether the provider or the requester sent it; "
    "it fires no trigger",
    "unknown_extension": "{field} holds nothing that can be shown to people: compare it with "
    "Caredove",
    "subject_missing": "The message holds another person's details, not the registrant's; "
    "the import waits for them",
    "withdrawn_unknown": "The sender withdrew a file, a form or something else without saying "
    "which: look in Caredove, and remove it where it was sent",
    "somebody_else": "Something in the message is about another person than the registrant; "
    "it was left out",
    "request_withdrawn": "Caredove marked the referral as entered in error or revoked",
    "other_reference": "The message names another Reference # too; it was not used",
    "file_missing": "A file is missing: the list of files says why",
    "file_other_size": "A file is whole, but of another size than was announced",
    "file_other_kind": "A file is of another kind than was announced: it is sent as what it is",
    "too_many_files": "The referral has more files than are kept here: send the last ones by hand",
    # Of the body as a whole: `core.text.lenient_json.Repair`.
    "bad_characters": "Some characters of the message could not be read, and “�” stands for each: "
    "compare it with Caredove",
    "other_encoding": "The message was not UTF-8 and was read as windows-1252: check its accents",
    "repeated_key": "The message gives a field twice with different values; the last one was used",
    "more": "More values than these could not be read",
}
# With the text that came, for those who may read the person.
_QUOTED = {
    "ambiguous_date": "{field} came as “{text}”, which can be read two ways: correct it in "
    "Caredove",
    "not_a_date": "{field} came as “{text}”, which is not a date: correct it in Caredove",
    "not_an_instant": "{field} came as “{text}”, which is not a date and time: correct it in "
    "Caredove",
    "not_a_flag": "{field} came as “{text}”, which is neither yes nor no: correct it in Caredove",
    "not_a_number": "{field} came as “{text}”, which is not a sensible number: correct it in "
    "Caredove",
    "not_text": "{field} came as “{text}”, which is not text: compare it with Caredove",
}
_UNKNOWN = "{field} could not be read"  # of a later version
_LONGEST_TEXT = 200


def sentence(where: str, cause: str, text: str = "", *, name: str = "") -> str:
    """Return the sentence for a cause; with `text` it quotes what came.

    The value is called by `name`, or else by the last word of where it stood.
    """
    known = CAUSES.get(cause, _UNKNOWN)
    quoted = _QUOTED.get(cause, f"{known} (it came as “{{text}}”)")
    name = name or field_name(where)
    if text:
        shown = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
        return quoted.format(field=name, text=shown) + "."
    return known.format(field=name) + "."


def field_name(where: str) -> str:
    """Return a name for people: `referral.registrant.date_of_birth` is "Date of birth"."""
    return in_words(where) or "A value"


def name_of(part: Unreadable) -> str:
    """Return the name of the value; with whose it is, where it is not the registrant's."""
    path, field = part.get("path", ""), part.get("field", "")
    whose = in_words(path.partition(".")[0]) if "." in path else ""
    name = in_words(path) or field_name(field)
    return name if whose in ("", "Registrant") else f"{whose}: {name}"


def remark_on(part: Unreadable) -> str:
    """Return what is wrong, for a place where the name and the text stand beside it."""
    return CAUSES.get(part.get("cause", ""), _UNKNOWN).format(field="It") + "."
