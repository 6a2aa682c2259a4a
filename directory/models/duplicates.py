"""Entries that are one thing: merged by staff, or kept apart by them."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from directory.models.entries import Entry


class Merge(models.Model):
    """One entry was merged into another. Undoing it puts back what nobody has changed since.

    `revisions` are the keys of the changes that it made, `kept` those of the fields that staff keep
    because of it, and `pointed` those of entries that were merged into the other one before.
    """

    survivor = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="merges")
    other = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="merges_into")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    revisions: Any = models.JSONField(default=list)
    kept: Any = models.JSONField(default=list)
    pointed: Any = models.JSONField(default=list)
    undone_by = models.CharField(max_length=150, blank=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"merge {self.pk}: entry {self.other_id} into {self.survivor_id}"


class Apart(models.Model):
    """Two entries look like one thing, and staff say that they are two. `one` has the lower key."""

    one = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="+")
    by = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["one", "other"], name="apart_once_a_pair"),
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="apart_in_order"),
        ]

    def __str__(self) -> str:
        return f"entries {self.one_id} and {self.other_id} are two"
