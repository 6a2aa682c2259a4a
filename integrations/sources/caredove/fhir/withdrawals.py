"""What a message takes back (rule 16), and whose data is none of this referral's (rule 21)."""

from collections.abc import Iterator

from integrations.sources.account import Rule
from integrations.sources.caredove import identity
from integrations.sources.caredove.fhir import appointments, communications, documents, forms
from integrations.sources.caredove.fhir.also_sent import is_withdrawn, withdrawn_in
from integrations.sources.caredove.fhir.bundle import DOCUMENT, Bundle, Resource
from integrations.sources.caredove.fhir.words.concepts import is_internal
from integrations.sources.warnings import Warning
from mapping.source.document import Withdrawn

# The referral and its state are no parts of it: their status is told, and acted on.
_NEVER = ("MessageHeader", "ServiceRequest", "Task", "Patient")


def withdrawn(bundle: Bundle) -> list[Withdrawn]:
    """Return everything that the message takes back; none of it is kept as also sent."""
    found: list[Withdrawn] = []
    for resource in list(bundle.everything()):
        if resource.kind in _NEVER:
            continue
        if is_internal(resource):
            bundle.leave_out(resource, Rule.INTERNAL)
        elif is_withdrawn(resource):
            bundle.leave_out(resource, Rule.WITHDRAWN)
            found += _taken_back(bundle, resource)
        elif resource.kind == DOCUMENT:
            found += documents.replaced(bundle, resource)
        elif resource.kind == forms.RESPONSE and not forms.has_answers(resource):
            # Sent again without a single answer, it replaces itself whole all the same (rule 17);
            # one that is known by its place alone may be another form.
            key = forms.form_key(bundle, resource)
            found += _form(resource, key, quiet=True) if resource.key or not _is_place(key) else []
    return found


def _is_place(key: str) -> bool:
    return key.startswith(forms.PLACE)


def _form(resource: Resource, key: str, *, quiet: bool = False) -> list[Withdrawn]:
    """Return the withdrawal of a form: by its key; where that is a place, by its id first.

    An empty form of which only the place is known (`quiet`) is not withdrawn by its place.
    """
    if not (_is_place(key) and resource.key):
        return [Withdrawn(part="form_answers", key=key)]
    id_ = identity.key(resource.key)
    if quiet:
        return [Withdrawn(part="form_answers", id=id_, quiet=True)]
    return [Withdrawn(part="form_answers", id=id_, key=key)]


def _taken_back(bundle: Bundle, resource: Resource) -> Iterator[Withdrawn]:
    match resource.kind:
        case "DocumentReference":
            yield from documents.taken_back(bundle, resource)
        case forms.RESPONSE:
            found = _form(resource, forms.form_key(bundle, resource))
            if "id" in found[0]:  # it may mean several
                bundle.account.warn(Warning(forms.RESPONSE, "withdrawn_unknown"))
            yield from found
        case communications.COMMUNICATION:
            yield communications.taken_back(bundle, resource)
        case "Appointment":
            if key := appointments.appointment_id(bundle, resource):
                yield Withdrawn(part="appointment", key=key)
        case _:
            yield from withdrawn_in(resource)
            return
    yield from withdrawn_in(resource, alone=False)
