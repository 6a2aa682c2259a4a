"""Form answers: the items of questionnaire responses, nested as they may be, in form order."""

from collections.abc import Iterable, Iterator
from operator import itemgetter

from integrations.sources.account import Rule, is_empty, leaves
from integrations.sources.caredove import identity
from integrations.sources.caredove.answers import Answers, yes_or_no
from integrations.sources.caredove.fhir.bundle import Bundle, Resource
from integrations.sources.caredove.fhir.people import full_name
from integrations.sources.caredove.fhir.words.concepts import (
    is_internal,
    is_retracted,
    label,
)
from integrations.sources.caredove.reading.fields import Fields
from mapping.source.document import Alias, FormAnswer

RESPONSE = "QuestionnaireResponse"
PLACE = "place-"  # begins the key of a form that only its place in the message tells
_ASKED = ("linkId", "definition", "text", "prefix", "id")  # what an item has beside its answers
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


def form_answers(bundle: Bundle, found: list[Resource]) -> list[FormAnswer]:
    """Return every answer in the responses, form by form."""
    answers: list[FormAnswer] = []
    for response in found:
        in_form = Answers(form_key(bundle, response), form_name(bundle, response))
        _collect(bundle, response, response, "", in_form)
        answers += in_form.found
    return answers


def form_key(bundle: Bundle, response: Resource) -> str:
    """Return by what the form is known in every message (rule 17): its id, else what it asks.

    An id that may be this message's own is none of the form's.
    """
    own = identity.shown_key(response.key)
    if own and not response.has_random_key and not identity.is_local(response.key):
        return own
    if asked := identity.shown_key(response.url("questionnaire").partition("|")[0]):
        return asked
    return f"{PLACE}{bundle.places.get(id(response.members), 0)}"


def aliases(bundle: Bundle, found: Iterable[Resource]) -> Iterator[Alias]:
    """Yield the ids of the responses that may be this message's own, each with the form's key."""
    for response in found:
        id_, key = identity.key(response.key), form_key(bundle, response)
        if id_ and id_ != key:
            yield Alias(part="form_answers", id=id_, keys=[key])


def has_answers(response: Resource) -> bool:
    """Return whether a form says anything."""
    return any(
        not is_empty(value)
        for item in _items(response)
        for answer in item.children("answer")
        for key, value in answer.members.items()
        if key.startswith("value")
    )


def form_name(bundle: Bundle, response: Resource) -> str:
    """Return what the form is called, where the message says it."""
    asked = bundle.follow(response, "questionnaire")
    return asked.line("title") or asked.line("name")


def attached(bundle: Bundle, found: list[Resource]) -> Iterator[Fields]:
    """Yield the files that are answers, or that answers refer to."""
    for response in found:
        for item in _items(response):
            for answer in item.children("answer"):
                yield from answer.children("valueAttachment")
                named = bundle.follow_all_from(answer, "valueReference", response)
                yield from (resource for resource in named if resource.kind == "Binary")


def _collect(
    bundle: Bundle, response: Resource, holder: Fields, heading: str, answers: Answers
) -> None:
    for item in holder.children("item"):
        if is_internal(item):
            item.leave_out(Rule.INTERNAL)
            continue
        text = item.line("text")
        title = " – ".join(part for part in (heading, text) if part)
        given = item.children("answer")
        values = [_value(bundle, response, answer) for answer in given]
        key = item.line("linkId")
        if answers.add(key, title, values):
            bundle.account.use(item.members, {*values, key, text})
        elif all(is_empty(leaf) or path[0] in _ASKED for path, _, leaf, _ in leaves(item.members)):
            item.leave_out(Rule.EMPTY)  # a question without an answer
        for nested in (item, *given):
            _collect(bundle, response, nested, heading if given else title, answers)


def _items(holder: Fields) -> Iterator[Fields]:
    for item in holder.children("item"):
        if not is_internal(item):
            yield item
            for nested in (item, *item.children("answer")):
                yield from _items(nested)


def _value(bundle: Bundle, response: Resource, answer: Fields) -> str:
    if isinstance(answer.raw("valueBoolean"), bool):
        answer.take("valueBoolean")
        return yes_or_no(answer.raw("valueBoolean"))
    plain = (answer.text(key) for key in _TEXTS)
    return next(filter(None, plain), "") or _composed(bundle, response, answer)


def _composed(bundle: Bundle, response: Resource, answer: Fields) -> str:
    quantity = answer.child("valueQuantity")
    unit = quantity.line("unit") or quantity.line("code")
    attachment = answer.child("valueAttachment")
    reference = answer.child("valueReference", bare="reference")
    candidates = (
        ("valueCoding", label(answer, "valueCoding")),
        ("valueCodeableConcept", label(answer, "valueCodeableConcept")),
        (
            "valueQuantity",
            " ".join(p for p in (quantity.line("comparator"), quantity.line("value"), unit) if p),
        ),
        ("valueAttachment", attachment.line("title") or ("attached file" if attachment else "")),
        (
            "valueReference",
            reference.line("display") or _named(bundle, bundle.resolve(reference, response)),
        ),
    )
    key, text = next(filter(itemgetter(1), candidates), ("", ""))
    if key == "valueQuantity":
        answer.take(key)
    return text


def _named(bundle: Bundle, target: Resource) -> str:
    """Return what a reference in an answer points to, in words."""
    return full_name(bundle, target) or label(target, "code") or target.line("description")
