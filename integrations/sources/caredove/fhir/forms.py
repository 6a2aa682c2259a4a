"""Form answers: the items of questionnaire responses, nested as they may be, in form order."""

from collections.abc import Iterator

from integrations.sources.caredove.answers import Answers, yes_or_no
from integrations.sources.caredove.fhir.bundle import Bundle, Resource
from integrations.sources.caredove.fhir.concepts import is_internal, is_retracted, label
from integrations.sources.caredove.fields import Fields
from mapping.document import FormAnswer

RESPONSE = "QuestionnaireResponse"
_TEXTS = (
    "valueString",
    "valueDate",
    "valueDateTime",
    "valueTime",
    "valueUri",
    "valueUrl",
    "valueInteger",
    "valueDecimal",
)


def responses(bundle: Bundle, request: Resource) -> list[Resource]:
    """Return the questionnaire responses of a message, those of the referral first."""
    found = bundle.listed(request, "supportingInfo", RESPONSE)
    return [r for r in found if not (is_retracted(r) or is_internal(r))]


def form_answers(found: list[Resource]) -> list[FormAnswer]:
    """Return every answer in the responses."""
    answers = Answers()
    for response in found:
        _collect(response, "", answers)
    return answers.found


def attached(found: list[Resource]) -> Iterator[Fields]:
    """Yield the files that are answers."""
    for response in found:
        for item in _items(response):
            for answer in item.children("answer"):
                if attachment := answer.child("valueAttachment"):
                    yield attachment


def _collect(holder: Fields, heading: str, answers: Answers) -> None:
    for item in holder.children("item"):
        if is_internal(item):
            continue
        text = item.line("text")
        title = " – ".join(part for part in (heading, text) if part)
        given = item.children("answer")
        answers.add(item.line("linkId"), title, map(_value, given))
        for nested in (item, *given):
            _collect(nested, heading if given else title, answers)


def _items(holder: Fields) -> Iterator[Fields]:
    for item in holder.children("item"):
        if not is_internal(item):
            yield item
            for nested in (item, *item.children("answer")):
                yield from _items(nested)


def _value(answer: Fields) -> str:
    if isinstance(answer.raw("valueBoolean"), bool):
        return yes_or_no(answer.raw("valueBoolean"))
    plain = (answer.text(key) for key in _TEXTS)
    return next(filter(None, plain), "") or _composed(answer)


def _composed(answer: Fields) -> str:
    quantity = answer.child("valueQuantity")
    unit = quantity.line("unit") or quantity.line("code")
    attachment = answer.child("valueAttachment")
    reference = answer.child("valueReference", bare="reference")
    ways = (
        label(answer, "valueCoding"),
        label(answer, "valueCodeableConcept"),
        " ".join(p for p in (quantity.line("comparator"), quantity.line("value"), unit) if p),
        attachment.line("title") or ("attached file" if attachment else ""),
        reference.line("display") or reference.line("reference"),
    )
    return next(filter(None, ways), "")
