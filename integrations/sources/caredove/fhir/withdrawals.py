"""What a message takes back (rule 16), and whose data is none of this referral's (rule 21)."""

from collections.abc import Iterator

from integrations.sources.account import Rule
from integrations.sources.caredove.fhir import appointments, communications, documents, forms
from integrations.sources.caredove.fhir.also_sent import is_withdrawn, withdrawn_in
from integrations.sources.caredove.fhir.bundle import DOCUMENT, Bundle, Resource
from integrations.sources.caredove.fhir.concepts import is_internal
from integrations.sources.warnings import Warning
from mapping.document import Withdrawn

# The referral and its state are no parts of it: their status is told, and acted on.
_NEVER = ("MessageHeader", "ServiceRequest", "Task", "Patient")
_PARTS = {
    forms.RESPONSE: ("form_answers", forms.form_key),
    "Appointment": ("appointment", appointments.appointment_id),
    communications.COMMUNICATION: ("messages", communications.message_id),
}


def withdrawn(bundle: Bundle) -> list[Withdrawn]:
    """Return everything that the message takes back; none of it is told."""
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
            found += [] if key.startswith(forms.PLACE) else [_form(key)]
    return found


def _form(key: str) -> Withdrawn:
    return Withdrawn(part="form_answers", key=key)


def _taken_back(bundle: Bundle, resource: Resource) -> Iterator[Withdrawn]:
    if resource.kind == DOCUMENT:
        keys = documents.keys_of(bundle, resource)
        if not keys:  # its id may be this message's own, and it says nothing else of itself
            bundle.account.warn(Warning("DocumentReference", "withdrawn_unknown"))
        for key in keys:
            yield Withdrawn(part="attachments", key=key)
    elif known := _PARTS.get(resource.kind):
        part, key_of = known
        if key := key_of(bundle, resource):
            yield Withdrawn(part=part, key=key)
    yield withdrawn_in(resource)
