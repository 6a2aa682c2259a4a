"""What people are shown of a value that could not be read: its name, and what is wrong with it.

Pure: no Django.
"""

from core.text.sentences import Term as _
from mapping.source.document import Unreadable
from mapping.source.labels import in_words

# Cause -> what is wrong, and who can fix it. {field} is a name for people.
CAUSES = {
    "not_text": _("{field} is not text: compare it with Caredove"),
    "not_a_flag": _("{field} is neither yes nor no: correct it in Caredove"),
    "not_a_number": _("{field} is not a sensible number: correct it in Caredove"),
    "not_a_date": _("{field} is not a date: correct it in Caredove"),
    "ambiguous_date": _("{field} can be read as two dates: correct it in Caredove"),
    "future_date": _("{field} is in the future: correct it in Caredove"),
    "not_an_instant": _("{field} is not a date and time: correct it in Caredove"),
    "no_time_zone": _("{field} has no time zone; the organization's is assumed"),
    "not_objects": _(
        "{field} does not have the form that Caredove documents: compare it with Caredove"
    ),
    "unknown_side": _(
        "The message does not say whether the provider or the requester sent it; "
        "it fires no trigger"
    ),
    "unknown_extension": _(
        "{field} holds nothing that can be shown to people: compare it with Caredove"
    ),
    "subject_missing": _(
        "The message holds another person's details, not the registrant's; "
        "the import waits for them"
    ),
    "withdrawn_unknown": _(
        "The sender withdrew a file, a form or something else without saying "
        "which: look in Caredove, and remove it where it was sent"
    ),
    "somebody_else": _(
        "Something in the message is about another person than the registrant; it was left out"
    ),
    "request_withdrawn": _("Caredove marked the referral as entered in error or revoked"),
    "other_reference": _("The message names another Reference # too; it was not used"),
    "file_missing": _("A file is missing: the list of files says why"),
    "file_other_size": _("A file is whole, but of another size than was announced"),
    "file_other_kind": _("A file is of another kind than was announced: it is sent as what it is"),
    "too_many_files": _(
        "The referral has more files than are kept here: send the last ones by hand"
    ),
    # Of the body as a whole: `core.text.lenient_json.Repair`.
    "bad_characters": _(
        "Some characters of the message could not be read, and “�” stands for each: "
        "compare it with Caredove"
    ),
    "other_encoding": _(
        "The message was not UTF-8 and was read as windows-1252: check its accents"
    ),
    "repeated_key": _(
        "The message gives a field twice with different values; the last one was used"
    ),
    "more": _("More values than these could not be read"),
}
# With the text that came, for those who may read the person.
_QUOTED = {
    "ambiguous_date": _(
        "{field} came as “{text}”, which can be read two ways: correct it in Caredove"
    ),
    "not_a_date": _("{field} came as “{text}”, which is not a date: correct it in Caredove"),
    "not_an_instant": _(
        "{field} came as “{text}”, which is not a date and time: correct it in Caredove"
    ),
    "not_a_flag": _(
        "{field} came as “{text}”, which is neither yes nor no: correct it in Caredove"
    ),
    "not_a_number": _(
        "{field} came as “{text}”, which is not a sensible number: correct it in Caredove"
    ),
    "not_text": _("{field} came as “{text}”, which is not text: compare it with Caredove"),
}
_AS_IT_CAME = _("(it came as “{text}”)")
_UNKNOWN = _("{field} could not be read")  # of a later version
_LONGEST_TEXT = 200


def sentence(where: str, cause: str, text: str = "", *, name: str = "") -> str:
    """Return the sentence for a cause; with `text` it quotes what came.

    The value is called by `name`, or else by the last word of where it stood.
    """
    known = CAUSES.get(cause, _UNKNOWN)
    quoted = str(_QUOTED.get(cause) or f"{known} {_AS_IT_CAME}")
    name = name or field_name(where)
    if text:
        shown = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
        return quoted.format(field=name, text=shown) + "."
    return str(known).format(field=name) + "."


def field_name(where: str) -> str:
    """Return a name for people: `referral.registrant.date_of_birth` is "Date of birth"."""
    return in_words(where) or str(_("A value"))


def name_of(part: Unreadable) -> str:
    """Return the name of the value; with whose it is, where it is not the registrant's."""
    path, field = part.get("path", ""), part.get("field", "")
    whose = in_words(path.partition(".")[0]) if "." in path else ""
    name = in_words(path) or field_name(field)
    return name if whose in ("", "Registrant") else f"{whose}: {name}"


def remark_on(part: Unreadable) -> str:
    """Return what is wrong, for a place where the name and the text stand beside it."""
    return str(CAUSES.get(part.get("cause", ""), _UNKNOWN)).format(field=_("It")) + "."
