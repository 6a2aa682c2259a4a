"""Attachments: DocumentReference and Binary, and files in answers and messages (rule 9)."""

from collections.abc import Iterable, Iterator

from integrations.sources.caredove import identity
from integrations.sources.caredove.events import FILENAME_EXTENSION
from integrations.sources.caredove.fhir.bundle import Bundle, Resource
from integrations.sources.caredove.fhir.concepts import extensions, is_internal, is_retracted
from integrations.sources.caredove.fields import Fields
from integrations.sources.caredove.files import MAX_SIZE, Announced, Files

_DOCUMENT, _BINARY = "DocumentReference", "Binary"


def files(
    bundle: Bundle, request: Resource, others: Iterable[Fields], messages: Iterable[Resource]
) -> Files:
    """Return the files of a message: the referral's own first, then answers', then messages'."""
    found = Files()
    for resource in _documents(bundle, request):
        for announced in _in_document(bundle, resource):
            found.add(announced)
    for attachment in others:
        found.add(_announced(bundle, attachment))
    for message in messages:
        for payload in message.children("payload"):
            if attachment := payload.child("contentAttachment"):
                found.add(_announced(bundle, attachment))
    return found


def _documents(bundle: Bundle, request: Resource) -> list[Resource]:
    named = bundle.follow_all(request, "supportingInfo")
    binaries = [resource for resource in named if resource.kind == _BINARY]
    found = [*bundle.listed(request, "supportingInfo", _DOCUMENT), *binaries]
    return [r for r in found if not (is_retracted(r) or is_internal(r))]


def _in_document(bundle: Bundle, resource: Resource) -> Iterator[Announced]:
    if resource.kind == _BINARY:
        yield _announced(bundle, resource, owner=resource)
    for content in resource.children("content"):
        attachment = content.child("attachment")
        yield _announced(bundle, attachment, content, owner=resource)


def _announced(
    bundle: Bundle, attachment: Fields, content: Fields | None = None, owner: Resource | None = None
) -> Announced:
    owner = owner or bundle.nothing
    named = bundle.named(attachment.url("url"))
    binary = named if named.kind == _BINARY else bundle.nothing
    own, held = _data(attachment), _data(binary)
    return Announced(
        id=_id(owner),
        filename=_filename([attachment, content or attachment, owner, binary]),
        content_type=attachment.line("contentType") or binary.line("contentType"),
        size=attachment.number("size", below=MAX_SIZE),
        description=owner.text("description"),
        data=own or held,
        url="" if binary else attachment.url("url"),
    )


def _data(holder: Fields) -> object:
    # Binary had `content` before R4.
    return holder.raw("data") or (
        holder.raw("content") if isinstance(holder.raw("content"), str) else None
    )


def _filename(holders: list[Fields]) -> str:
    if title := holders[0].line("title"):
        return title
    named = (e for holder in holders for e in extensions(holder, FILENAME_EXTENSION))
    return next(filter(None, (extension.line("valueString") for extension in named)), "")


def _id(owner: Resource) -> str:
    """Return an id that stays the same for the file in every message, or nothing."""
    holders = (owner.child("masterIdentifier"), *owner.children("identifier"))
    stated = [holder.id("value") for holder in holders]
    own = [] if owner.has_random_key else [owner.key]
    return next((key for key in [*stated, *own] if not identity.is_local(key)), "")
