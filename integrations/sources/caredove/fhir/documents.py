"""Attachments: DocumentReference and Binary, and files in answers, messages, reports and media."""

from collections.abc import Iterable, Iterator
from typing import Any

from integrations.sources.account import CONTAINER, Rule, leaves, members_of
from integrations.sources.caredove import identity
from integrations.sources.caredove.events import FILENAME_EXTENSION
from integrations.sources.caredove.fhir.bundle import (
    DOCUMENT,
    URN,
    Bundle,
    Resource,
    is_urn,
    references_in,
    referred_key,
    without_version,
)
from integrations.sources.caredove.fhir.words.concepts import (
    extensions,
    is_internal,
    is_retracted,
)
from integrations.sources.caredove.reading.fields import PEEKING, Fields
from integrations.sources.caredove.reading.files import MAX_SIZE, Announced, Files
from integrations.sources.caredove.reading.signs import may_have_more
from integrations.sources.warnings import Warning
from mapping.source.document import Alias, Withdrawn

_BINARY = "Binary"
# Members of other resources that hold a file.
_HOLDERS = {"DiagnosticReport": "presentedForm", "Media": "content", "Consent": "sourceAttachment"}
# Kinds whose files are read otherwise, or are portraits of people at work.
_ELSEWHERE = (_BINARY, DOCUMENT, "Practitioner", "Organization")
_REPLACING = ("replaces", "transforms")


def files(
    bundle: Bundle,
    request: Resource,
    others: Iterable[Fields],
    messages: Iterable[Resource],
    body: bytes,
) -> Files:
    """Return the files of a message: the referral's own, then those of others, of messages."""
    found = Files(referral_ids={request.key})
    for resource in _documents(bundle, request):
        keys = {found.add(announced) for announced in _in_document(bundle, resource)} - {""}
        for id_ in _ids_of(bundle, resource) if keys else ():
            if keys != {id_}:
                found.aliases.append(Alias(part="attachments", id=id_, keys=sorted(keys)))
    for attachment in [*others, *_elsewhere(bundle)]:
        found.add(_announced(bundle, attachment))
    for announced in _in_messages(bundle, messages):
        found.add(announced)
    if may_have_more(body, "data", bundle.account.count_settled("data")):
        for attachment in _anywhere(bundle):
            found.add(_announced(bundle, attachment))
    for binary in _unmentioned(bundle):
        found.add(_announced(bundle, binary, owner=binary))
    return found


def _in_messages(bundle: Bundle, messages: Iterable[Resource]) -> Iterator[Announced]:
    for message in messages:
        for payload in message.children("payload"):
            for attachment in payload.children("contentAttachment"):
                yield _announced(bundle, attachment, owner=message, keyed=False)


def _anywhere(bundle: Bundle) -> Iterator[Fields]:
    """Yield the files with their bytes that stand anywhere else, as in an extension."""
    account = bundle.account
    for resource in bundle.everything():
        stack: list[Any] = [] if resource.kind in _ELSEWHERE else [resource.members]
        while stack:
            holder = stack.pop()
            if isinstance(holder, dict) and isinstance(holder.get("data"), str):
                if holder.get("contentType") and not account.is_settled((id(holder), "data")):
                    yield Fields(holder, resource.kind, account)
                continue
            stack += [
                part
                for key, part in members_of(holder)
                if isinstance(part, CONTAINER)
                and key != "contained"
                and not account.is_settled((id(holder), key))
            ][::-1]


def _unmentioned(bundle: Bundle) -> list[Resource]:
    """Return each Binary that nothing in the message refers to: nobody else brings it along."""
    binaries = bundle.of_kind(_BINARY)
    if not binaries:
        return []
    mentioned = {
        id(bundle.named(value).members)
        for entry in bundle.resources
        for _, (_, key), value, _ in leaves(entry.members)
        if key in ("url", "reference") and isinstance(value, str)
    }
    return [binary for binary in binaries if id(binary.members) not in mentioned]


def taken_back(bundle: Bundle, resource: Resource, where: str = DOCUMENT) -> Iterator[Withdrawn]:
    """Yield the withdrawal of a document's files; `where` is what staff are warned of.

    Nothing of it counts as used.
    """
    found = Files()
    document = Resource(resource.members, resource.full_url, PEEKING, resource.container)
    for announced in _in_document(bundle, document):
        found.add(announced)
    keys = [file.key for file in found.parsed]
    keys = list(dict.fromkeys(filter(None, [*keys, identity.key(_id(bundle, resource))])))
    # A local id may be another document's, where this one says by itself which it is.
    ids = [i for i in _ids_of(bundle, resource) if not (keys and identity.is_local(i))]
    yield from _withdrawn(bundle, keys, ids, where)


def replaced(bundle: Bundle, resource: Resource) -> Iterator[Withdrawn]:
    """Yield the documents that this one replaces or transforms."""
    own = identity.key(_id(bundle, resource))
    for relation in resource.children("relatesTo"):
        if relation.word("code") not in _REPLACING:
            continue
        relation.take("code")
        where = f"{DOCUMENT}.relatesTo"
        for reference in references_in(relation, "target"):
            target = bundle.resolve(reference, resource)
            if target and target is not resource:
                found = list(taken_back(bundle, target, where))
                bundle.leave_out(target, Rule.WITHDRAWN)
            else:
                found = list(_referred(bundle, reference, where))
            # Of its own key, only what came before it: it stands in its place.
            yield from (
                Withdrawn(part="attachments", id=own, key=own) if one.get("key") == own else one
                for one in found
            )


def _referred(bundle: Bundle, reference: Fields, where: str) -> Iterator[Withdrawn]:
    """Yield the withdrawal of what a reference names that is not in the message."""
    stated = reference.child("identifier").id("value")
    target = without_version(reference.url("reference"))
    named = referred_key(reference, DOCUMENT) or (target[len(URN) :] if is_urn(target) else "")
    is_own = bool(named) and not (is_urn(target) or identity.is_local(named))
    keys = [stated] if stated and not identity.is_local(stated) else []
    keys += [named] if is_own and not keys else []
    yield from _withdrawn(bundle, list(map(identity.key, keys)), [stated, named], where)


def _withdrawn(bundle: Bundle, keys: list[str], ids: list[str], where: str) -> Iterator[Withdrawn]:
    """Yield what is withdrawn: by its keys, and by ids that may be the message's own."""
    if not keys:  # perhaps another file's, in another message; perhaps nobody's
        bundle.account.warn(Warning(where, "withdrawn_unknown"))
        ids = [*filter(None, ids)] or [""]
    yield from (Withdrawn(part="attachments", key=key) for key in keys)
    for id_ in dict.fromkeys(map(identity.key, ids)):
        if id_ not in keys and (id_ or not keys):
            yield Withdrawn(part="attachments", id=id_, quiet=bool(keys))


def _documents(bundle: Bundle, request: Resource) -> list[Resource]:
    named = bundle.follow_all(request, "supportingInfo")
    binaries = [resource for resource in named if resource.kind == _BINARY]
    found = [*bundle.listed(request, "supportingInfo", DOCUMENT), *binaries]
    gone = _replaced_here(bundle)
    return [
        r for r in found if not (is_retracted(r) or is_internal(r)) and id(r.members) not in gone
    ]


def _replaced_here(bundle: Bundle) -> set[int]:
    """Return the documents that another one in the same message replaces."""
    return {
        id(target.members)
        for resource in bundle.of_kind(DOCUMENT)
        if not is_retracted(resource)
        for relation in resource.children("relatesTo")
        if relation.word("code") in _REPLACING
        for target in bundle.follow_all_from(relation, "target", resource)
        if target is not resource
    }


def _elsewhere(bundle: Bundle) -> Iterator[Fields]:
    for resource in bundle.everything():
        member = _HOLDERS.get(resource.kind)
        if member and not (is_retracted(resource) or is_internal(resource)):
            yield from resource.children(member)


def _in_document(bundle: Bundle, resource: Resource) -> Iterator[Announced]:
    if resource.kind == _BINARY:
        yield _announced(bundle, resource, owner=resource)
    for content in resource.children("content"):
        for attachment in content.children("attachment") or [content.child("attachment")]:
            yield _announced(bundle, attachment, content, owner=resource)


def _announced(
    bundle: Bundle,
    attachment: Fields,
    content: Fields | None = None,
    owner: Resource | None = None,
    *,
    keyed: bool = True,
) -> Announced:
    owner = owner or bundle.nothing
    binary = _binary(bundle, attachment, owner)
    own, inside = _data(attachment), _data(binary)
    for holder in (attachment, binary):
        holder.take("data", "url", "contentType", "size", "hash", "creation")
    return Announced(
        id=_id(bundle, owner) if keyed else "",
        filename=_filename([attachment, content or attachment, owner, binary]),
        content_type=attachment.line("contentType") or binary.line("contentType"),
        size=attachment.number("size", below=MAX_SIZE),
        description=owner.text("description") if keyed else "",
        data=own or inside,
        url="" if binary else attachment.url("url"),
        sha1=attachment.id("hash"),
        former_id=_former_id(owner) if keyed else "",
        place=attachment.path,
    )


def _binary(bundle: Bundle, attachment: Fields, owner: Resource) -> Resource:
    """Return the Binary, in the bundle or contained, that an attachment's address names."""
    url = attachment.url("url")
    named = bundle.resolve(Fields({"reference": url}, "", PEEKING), owner) if url else None
    return named if named and named.kind == _BINARY else bundle.nothing


def _data(holder: Fields) -> object:
    # Binary had `content` before R4.
    if isinstance(holder.raw("content"), str):
        holder.take("content")
        return holder.raw("data") or holder.raw("content")
    return holder.raw("data")


def _filename(holders: list[Fields]) -> str:
    if title := holders[0].line("title"):
        holders[0].take("title")
        return title
    named = (e for holder in holders for e in extensions(holder, FILENAME_EXTENSION))
    for extension in named:
        if name := extension.line("valueString"):
            extension.take("valueString")
            return name
    return ""


def _id(bundle: Bundle, owner: Resource) -> str:
    """Return an id of the document's own that is the same in every message, or nothing.

    An identifier that is the referral's, or that several documents share, is none (rule 17).
    """
    holders = (owner.child("masterIdentifier"), *owner.children("identifier"))
    stated = [holder.id("value") for holder in holders]
    own = [] if owner.has_random_key else [owner.key]
    shared = bundle.shared_identifiers
    usable = (key for key in [*stated, *own] if key not in shared and not identity.is_local(key))
    return next(usable, "")


def _ids_of(bundle: Bundle, owner: Resource) -> list[str]:
    """Return every id by which the sender may name a document, the message's own among them."""
    holders = (owner.child("masterIdentifier"), *owner.children("identifier"))
    found = dict.fromkeys([owner.key, *(holder.id("value") for holder in holders)])
    return [identity.key(id_) for id_ in found if id_ and id_ not in bundle.shared_identifiers]


def _former_id(owner: Resource) -> str:
    """Return the id by which version 1.0 knew the files of a document."""
    holders = (owner.child("masterIdentifier"), *owner.children("identifier"))
    own = [] if owner.has_random_key else [owner.key]
    stated = [*(holder.id("value") for holder in holders), *own]
    return next((key for key in stated if not identity.is_local(key)), "")
