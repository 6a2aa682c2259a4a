"""*Erase*: takes a person's name, phones, and e-mail out of everything that is kept."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from core import audit
from directory import changes
from directory.documents import Document
from directory.editing.confidential import Target
from directory.editing.recording import edit
from directory.models import Contact, Entry, Phone, Revision, StaffChange, SupplierImport

REASON = "contact erased"
_SHORTEST_NAME, _SHORTEST_NUMBER = 3, 7  # what is shorter stands in too much else
_LONGEST_NUMBER = 10  # digits without a country code
_Rows = frozenset[tuple[str, int]]  # the model and key of each


@dataclass(frozen=True)
class _Texts:
    """What is to be found elsewhere: a name or an e-mail as whole words, a number by its digits."""

    words: re.Pattern[str] | None
    numbers: frozenset[str]

    def are_in(self, text: str) -> bool:
        if self.words and self.words.search(text):
            return True
        digits = re.sub(r"\D", "", text)
        return any(number in digits for number in self.numbers)


@transaction.atomic
def erase(contact: Contact, actor: audit.Actor, user: Any) -> None:
    """Delete a contact, and take its name, phones, and e-mail out of history, kept cells, reports.

    What stays is who erased it and when: in the history of its entries and in the audit trail.
    `actor` is the request, for the trail. An import does not bring the contact back.
    """
    owners = Target(contact).owners
    own_phones = list(contact.phones.all())
    texts = _texts(contact, own_phones)
    gone = frozenset(
        [
            ("directory.contact", contact.pk),
            *(("directory.phone", phone.pk) for phone in own_phones),
        ]
    )
    with edit(owners, user, REASON):
        # A phone that also belongs to a service goes with the person whose number it is.
        changes.delete_rows("phone", [phone.pk for phone in own_phones])
        changes.delete_rows("contact", [contact.pk])
    for revision in Revision.objects.filter(entry__in=owners, before__isnull=False).iterator():
        revision.before = _without(revision.before, gone, texts)
        revision.save(update_fields=["before"])
    entries = list(Entry.objects.filter(pk__in=owners))
    _clean(entries, texts)
    for entry in entries:
        audit.record(actor, "erase", entry)


def _texts(contact: Contact, own_phones: Iterable[Phone]) -> _Texts:
    names = {text.strip() for text in (*contact.name.values(), contact.email)}
    words = [re.escape(text) for text in names if len(text) >= _SHORTEST_NAME]
    pattern = rf"(?<!\w)(?:{'|'.join(words)})(?!\w)"
    digits = {re.sub(r"\D", "", phone.number)[-_LONGEST_NUMBER:] for phone in own_phones}
    return _Texts(
        re.compile(pattern, re.IGNORECASE) if words else None,
        frozenset(number for number in digits if len(number) >= _SHORTEST_NUMBER),
    )


def _without(document: Document, gone: _Rows, texts: _Texts) -> Document:
    """Return a document without the rows that were erased, and without what hangs on them."""
    kept = []
    for item in document:
        fields = item["fields"]
        parents = {
            ("directory.contact", fields.get("contact")),
            ("directory.phone", fields.get("phone")),
            (f"directory.{fields.get('link_entity')}", fields.get("link")),
        }
        if (item["model"], item["pk"]) in gone or parents & gone:
            continue
        is_entry = item["model"] == "directory.entry"
        cells = {"kept": _scrubbed(fields["kept"], texts)} if is_entry else {}
        kept.append({**item, "fields": {**fields, **cells}})
    return kept


def _clean(entries: Collection[Entry], texts: _Texts) -> None:
    """Take texts out of kept cells, out of what suppliers sent, and out of reports of imports."""
    for entry in entries:
        _scrub(entry, "kept", texts)
    for change in StaffChange.objects.filter(entry__in=entries, sent__isnull=False):
        _scrub(change, "sent", texts)
    suppliers = {entry.supplier_id for entry in entries if entry.supplier_id}
    for row in SupplierImport.objects.filter(supplier__in=suppliers).iterator():
        _scrub(row, "report", texts)


def _scrub(row: Any, field: str, texts: _Texts) -> None:
    value = getattr(row, field)
    if (cleaned := _scrubbed(value, texts)) != value:
        setattr(row, field, cleaned)
        row.save(update_fields=[field])


def _scrubbed(value: Any, texts: _Texts) -> Any:
    """Return JSON in which each text that holds one of the texts is empty."""
    if isinstance(value, dict):
        return {name: _scrubbed(one, texts) for name, one in value.items()}
    if isinstance(value, list):
        return [_scrubbed(one, texts) for one in value]
    return "" if isinstance(value, str) and texts.are_in(value) else value
