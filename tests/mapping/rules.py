"""Arbitrary mappings that have no faults, for any document."""

from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from mapping.engine.engine import Context, Rule
from mapping.engine.targets import TargetField
from mapping.source import catalogue
from mapping.source.document import Document

TORONTO = ZoneInfo("America/Toronto")

TARGETS = (
    *(TargetField(f"plain.{number}", f"Plain {number}") for number in range(6)),
    *(TargetField(f"short.{number}", f"Short {number}", max_length=12) for number in range(3)),
    TargetField("note", "Note", takes_rest=True),
)
VALUE_TABLES = {
    "gender": {"female": "F", "Male": "male", "other": ""},
    "fallback": {"booked": "Booked", "*": "something else"},
}
CONTEXT = Context(TORONTO, VALUE_TABLES, TARGETS)

_transforms = st.sampled_from(
    [
        ("date", {}),
        ("date", {"format": "DD/MM/YYYY"}),
        ("datetime", {}),
        ("datetime", {"time_zone": "America/Vancouver"}),
        ("phone", {}),
        ("phone", {"format": "e164", "region": "US"}),
        ("postal_code", {}),
        ("province", {}),
        ("country", {}),
        ("language_name", {}),
        ("value_table", {"table": "gender"}),
        ("value_table", {"table": "fallback"}),
        ("default", {"value": "none given"}),
        ("truncate", {"length": 5}),
    ]
)
_joins = st.sampled_from([(), (("join", {}),), (("join", {"separator": " / "}),)])


@st.composite
def rules_for(draw: st.DrawFn, document: Document) -> list[Rule]:
    """Any rules without faults, reading any fields, the document's form answers among them."""
    fields = [*catalogue.fields(), *catalogue.answers_in(document)]
    keys = st.lists(st.sampled_from([field.key for field in fields]), min_size=1, max_size=3)
    targets = draw(st.lists(st.sampled_from([target.key for target in TARGETS]), unique=True))
    return [
        Rule(
            target,
            tuple(draw(keys)),
            (*draw(_joins), *draw(st.lists(_transforms, max_size=3))),
            position,
        )
        for position, target in enumerate(targets, start=1)
    ]
