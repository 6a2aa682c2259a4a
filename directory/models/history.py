"""What was changed in entries, by whom, and which fields staff keep."""

from typing import Any

from django.conf import settings
from django.db import models

from directory.models.entries import Entry
from directory.models.settings import SupplierImport


class Revision(models.Model):
    """One change of an entry with its rows: what it was before. The latest state is the entry.

    `before` is the entry's own document (`directory.documents`), None where the change made it.
    Putting a revision back is a change of its own, except for *confidential*.
    """

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="revisions")
    at = models.DateTimeField()
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    by = models.CharField(max_length=150)  # stays when the account is gone; a program's own name
    reason = models.CharField(max_length=100)
    brought_by = models.ForeignKey(
        SupplierImport, null=True, on_delete=models.CASCADE, related_name="revisions"
    )
    before: Any = models.JSONField(null=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"revision {self.pk} of entry {self.entry_id}"


class StaffChange(models.Model):
    """A field that staff changed: it stays until they release it, whatever the supplier sends.

    `path` names it within the entry: `email`, `phones/<hsds id>/number`; `phones/<hsds id>` is a
    row that staff added or removed. A text has a language, another field none.
    """

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="staff_changes")
    path = models.CharField(max_length=200)
    language = models.CharField(max_length=35, blank=True)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    sent: Any = models.JSONField(null=True)  # what the supplier sends for it

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["entry", "path", "language"], name="staff_change_once_a_field"
            )
        ]

    def __str__(self) -> str:
        return f"staff change of entry {self.entry_id}"
