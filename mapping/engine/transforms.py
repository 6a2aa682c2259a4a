"""The named transforms of a rule: each turns a value into the form that a record wants.

What a transform cannot read passes as it was sent, with a problem; nothing is dropped. A result
is `lossy` when nobody can read the original value from it: then the original goes to the
note as well. Pure: no Django.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, ValidationResult

from core.text.sentences import Term as _
from mapping import sentences
from mapping.engine.targets import Own, TargetField
from mapping.source import languages, provinces
from mapping.source.allowing import EVERYTHING, AllowList
from mapping.source.parts import Value, is_empty
from mapping.source.times import has_offset, parse_date, parse_instant

Options = Mapping[str, Any]
ValueTable = Mapping[str, str]

ANYTHING_ELSE = "*"  # the entry of a value table for what no other entry names


@dataclass(frozen=True, slots=True)
class Context:
    """What a mapping runs in: the organization's time zone, value tables by name, the targets.

    With `is_open`, rules may fill targets of their own, too. Only what is `allowed` is read.
    """

    time_zone: ZoneInfo
    value_tables: Mapping[str, ValueTable] = field(default_factory=dict)
    targets: Sequence[TargetField] = ()
    is_open: Own | bool = False
    allowed: AllowList = EVERYTHING


@dataclass(frozen=True, slots=True)
class Result:
    """What a transform makes of a value. `problem` is a sentence without personal data."""

    value: Value | None = field(repr=False)
    lossy: bool = False
    problem: str = ""


class OptionKind(StrEnum):
    """What an option holds, so that an editor can offer the right input."""

    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"
    TIME_ZONE = "time zone"
    VALUE_TABLE = "value table"


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a transform. A rule that leaves it out gets the `default`.

    `shown` makes of a choice what people read.
    """

    name: str
    label: str
    kind: OptionKind = OptionKind.TEXT
    default: Any = None
    required: bool = False
    choices: tuple[str, ...] = ()
    shown: Callable[[str], str] = str

    def fault(self, value: Any) -> str:
        """Return a sentence that says what is wrong with a value; empty when nothing is."""
        if self.kind is OptionKind.NUMBER:
            fits = isinstance(value, int) and not isinstance(value, bool) and value > 0
            return "" if fits else sentences.NOT_A_NUMBER(option=self.name)
        if not isinstance(value, str):
            return sentences.NOT_TEXT(option=self.name)
        if self.choices and value not in self.choices:
            return sentences.NOT_A_CHOICE(option=self.name, choices=self.choices)
        if self.kind is OptionKind.TIME_ZONE and value not in _time_zones():
            return sentences.NOT_A_TIME_ZONE(option=self.name)
        return ""


@dataclass(frozen=True, slots=True)
class Transform:
    """A named transform, described for people who write rules.

    `change` takes one value; where the transform `joins`, every value that the rule reads; where
    it `fills`, also None.
    """

    name: str
    label: str
    help: str
    change: Callable[[Any, Options, Context], Result]
    options: tuple[Option, ...] = ()
    joins: bool = False
    fills: bool = False
    do_not_call_in_templates: ClassVar[bool] = True  # pages show it; they have nothing to call

    def faults(self, options: Options) -> list[str]:
        """Return a sentence for each thing wrong with the options of a rule."""
        known = {option.name: option for option in self.options}
        unknown = [sentences.NO_OPTION(option=name) for name in options if name not in known]
        missing = [
            sentences.OPTION_MISSING(option=option.name)
            for option in self.options
            if option.required and option.name not in options
        ]
        wrong = [known[name].fault(value) for name, value in options.items() if name in known]
        return unknown + missing + [fault for fault in wrong if fault]

    def __call__(self, value: Any, options: Options, context: Context) -> Result:
        """Return what becomes of a value. The options have no faults."""
        defaults = {option.name: option.default for option in self.options}
        return self.change(value, defaults | dict(options), context)


# -- Times -------------------------------------------------------------------------------------

_DATE_FORMATS = {
    "YYYY-MM-DD": "{0.year:04}-{0.month:02}-{0.day:02}",
    "YYYY/MM/DD": "{0.year:04}/{0.month:02}/{0.day:02}",
    "DD/MM/YYYY": "{0.day:02}/{0.month:02}/{0.year:04}",
    "MM/DD/YYYY": "{0.month:02}/{0.day:02}/{0.year:04}",
}


def _date(value: Value, options: Options, context: Context) -> Result:
    text = str(value)
    instant = parse_instant(text, context.time_zone)
    day = instant.date() if instant else parse_date(text)
    if day is None:
        return Result(value, problem=_("This is not a date; it was passed on as sent."))
    return Result(_DATE_FORMATS[options["format"]].format(day), lossy=instant is not None)


def _datetime(value: Value, options: Options, context: Context) -> Result:
    text = str(value)
    zone = ZoneInfo(options["time_zone"]) if options["time_zone"] else context.time_zone
    instant = parse_instant(text, zone)
    if instant is None:
        return Result(value, problem=_("This is not a date with a time; it was passed on as sent."))
    if not has_offset(text):
        problem = _("This time has no offset; it was taken to be local time.")
        return Result(instant.isoformat(), lossy=True, problem=problem)
    return Result(instant.isoformat())


# -- Phones and places -------------------------------------------------------------------------

_EXTENSION = re.compile(
    r"(?:\bposte|\bp\.|\bextension|\bext\.?|(?<=[\d\s])x\.?|#)\s*(?=\d+\s*$)", re.IGNORECASE
)
_NORTH_AMERICA = 1


def _phone(value: Value, options: Options, context: Context) -> Result:
    text = _EXTENSION.sub(" ext. ", str(value))
    number = _parse_phone(text, options["region"])
    if number is None:
        return Result(value, problem=_("This is not a phone number; it was passed on as sent."))
    written = _write_phone(number, options["format"])
    cut = options["format"] == "e164" and bool(number.extension)
    return Result(written, lossy=cut or not _same_number(text, number))


def _parse_phone(text: str, region: str) -> PhoneNumber | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    possible = phonenumbers.is_possible_number_with_reason(number)
    return number if possible == ValidationResult.IS_POSSIBLE else None


# By style, how it writes a number: an example needs no translation.
_PHONE_STYLES = {
    "national": "705-555-0142",
    "international": "+1 705-555-0142",
    "e164": "+17055550142",
}


def _with_calling_code(region: str) -> str:
    return f"{region} (+{phonenumbers.country_code_for_region(region)})"


def _write_phone(number: PhoneNumber, style: str) -> str:
    if style == "e164":
        return phonenumbers.format_number(number, PhoneNumberFormat.E164)
    written = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    if style == "national" and number.country_code == _NORTH_AMERICA:
        return written.removeprefix("+1 ")
    return written


def _same_number(text: str, number: PhoneNumber) -> bool:
    """Return whether the text says no more than the number: no letters, no other digits."""
    digits = re.sub(r"\W|ext", "", text.casefold())
    national = phonenumbers.national_significant_number(number) + (number.extension or "")
    abroad = f"{number.country_code}{national}"
    return digits in {national, abroad, f"011{abroad}"}


def _postal_code(value: Value, options: Options, context: Context) -> Result:
    """Write a Canadian postal code as Canada Post does; what is none stays as it is."""
    bare = re.sub(r"[\s-]", "", str(value)).upper()
    if re.fullmatch(r"[A-Z]\d[A-Z]\d[A-Z]\d", bare, re.ASCII):
        return Result(f"{bare[:3]} {bare[3:]}")
    return Result(value)


def _province(value: Value, options: Options, context: Context) -> Result:
    code = provinces.province_code(str(value))
    return Result(code or value, lossy=code is not None and provinces.has_more(str(value)))


_COUNTRIES = {
    "CA": ("CA", "CAN", "Canada"),
    "US": ("US", "USA", "U.S.", "U.S.A.", "United States", "United States of America"),
}
_COUNTRY_CODES = {
    spelling.casefold(): code for code, spellings in _COUNTRIES.items() for spelling in spellings
}


def _country(value: Value, options: Options, context: Context) -> Result:
    return Result(_COUNTRY_CODES.get(str(value).strip().casefold(), value))


# In one case only: “Ga” and “Twi” are names.
_LANGUAGE_CODE = re.compile(r"([a-z]{2,3}|[A-Z]{2,3})([-_][a-zA-Z0-9]{1,8})*")


REFUSAL = "no"  # Norwegian, or the answer to a question: a rule may have read either


def _language_name(value: Value, options: Options, context: Context) -> Result:
    text = str(value).strip()
    if not _LANGUAGE_CODE.fullmatch(text):
        return Result(value)
    if name := languages.language_name(text):
        return Result(name, lossy=not languages.is_bare(text) or text.casefold() == REFUSAL)
    return Result(value, problem=_("This language code is not known; it was passed on as sent."))


# -- Text --------------------------------------------------------------------------------------


def as_text(value: Value) -> str:
    """Return a value as people write it: yes and no for booleans."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _join(values: Sequence[Value], options: Options, context: Context) -> Result:
    return Result(options["separator"].join(as_text(value).strip() for value in values) or None)


def _value_table(value: Value, options: Options, context: Context) -> Result:
    table = context.value_tables[options["table"]]
    sent = as_text(value).strip().casefold()
    entries = {key.strip().casefold(): entry for key, entry in table.items()}
    if sent in entries and sent != ANYTHING_ELSE:
        return Result(entries[sent], lossy=entries[sent].casefold() != sent)
    problem = str(_("The value table “{}” has no entry for this value.")).format(options["table"])
    if ANYTHING_ELSE in entries:
        return Result(entries[ANYTHING_ELSE], lossy=True, problem=problem)
    return Result(value, problem=" ".join((problem, str(_("It was passed on as sent.")))))


def _default(value: Value | None, options: Options, context: Context) -> Result:
    return Result(options["value"] if is_empty(value) else value)


def _truncate(value: Value, options: Options, context: Context) -> Result:
    text, length = as_text(value), options["length"]
    return Result(text[:length].rstrip(), lossy=True) if len(text) > length else Result(value)


# -- The list ----------------------------------------------------------------------------------

TRANSFORMS: Mapping[str, Transform] = {
    transform.name: transform
    for transform in (
        Transform(
            "date",
            _("Date"),
            _("Writes a date in the chosen format; of a date with a time, the local date."),
            _date,
            (
                Option(
                    "format",
                    _("Format"),
                    OptionKind.CHOICE,
                    default="YYYY-MM-DD",
                    choices=tuple(_DATE_FORMATS),
                ),
            ),
        ),
        Transform(
            "datetime",
            _("Date and time"),
            _(
                "Writes a date with its time in the organization's time zone, or another, "
                "with offset."
            ),
            _datetime,
            (Option("time_zone", _("Time zone"), OptionKind.TIME_ZONE),),
        ),
        Transform(
            "phone",
            _("Phone number"),
            _("Writes a phone number in one style, 705-555-0142, and keeps its extension."),
            _phone,
            (
                Option(
                    "format",
                    _("Style"),
                    OptionKind.CHOICE,
                    default="national",
                    choices=tuple(_PHONE_STYLES),
                    shown=_PHONE_STYLES.__getitem__,
                ),
                Option(
                    "region",
                    _("Country of numbers without a country code"),
                    OptionKind.CHOICE,
                    default="CA",
                    choices=tuple(sorted(phonenumbers.SUPPORTED_REGIONS)),
                    shown=_with_calling_code,
                ),
            ),
        ),
        Transform(
            "postal_code",
            _("Postal code"),
            _("Writes a Canadian postal code as A1A 1A1; other codes stay as they are."),
            _postal_code,
        ),
        Transform(
            "province",
            _("Province"),
            _("Writes a Canadian province or territory as its two-letter code."),
            _province,
        ),
        Transform(
            "country",
            _("Country"),
            _("Writes Canada and the United States as two-letter codes; others stay as they are."),
            _country,
        ),
        Transform(
            "language_name",
            _("Language name"),
            _("Writes a language code as the language's English name."),
            _language_name,
        ),
        Transform(
            "join",
            _("Join"),
            _("Joins all the fields that the rule reads, leaving out empty ones. It comes first."),
            _join,
            (Option("separator", _("Between them"), default=", "),),
            joins=True,
        ),
        Transform(
            "value_table",
            _("Value table"),
            _("Looks the value up in one of the mapping's value tables."),
            _value_table,
            (Option("table", _("Table"), OptionKind.VALUE_TABLE, required=True),),
        ),
        Transform(
            "default",
            _("Default"),
            _("Gives a value where there is none."),
            _default,
            (Option("value", _("Value"), required=True),),
            fills=True,
        ),
        Transform(
            "truncate",
            _("Truncate"),
            _("Cuts text to a length; the whole text goes to the note."),
            _truncate,
            (Option("length", _("Characters"), OptionKind.NUMBER, required=True),),
        ),
    )
}
