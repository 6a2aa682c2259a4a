"""What readers get: stored answers, what they hold, and which view has which entry."""

from typing import Any

from django.db import models

from directory.models.entries import Entry


class Answer(models.Model):
    """An entry as HSDS 3.1 JSON in one language: everything that is not confidential.

    Where a service's `last_modified` belongs stands `directory.answers.LAST_MODIFIED`.
    """

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="answers")
    language = models.CharField(max_length=35)
    full = models.TextField()
    flat = models.TextField()  # as in lists; empty where it equals `full`
    extras: Any = models.JSONField(default=dict)  # our own properties (x_…) by the id that has them

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["entry", "language"], name="answer_once_a_language")
        ]

    def __str__(self) -> str:
        return f"answer of entry {self.entry_id}"


class Holding(models.Model):
    """The answers of one entry contain, or name, another entry: when that one changes, they do."""

    holder = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="holdings")
    held = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="held_by")
    direct = models.BooleanField()  # not only by way of a third entry

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["holder", "held"], name="holding_once_a_pair")
        ]

    def __str__(self) -> str:
        return f"{self.holder_id} holds {self.held_id}"


class View(models.Model):
    """The entries and fields that one kind of reader sees; `version` counts changes of rules."""

    class Name(models.TextChoices):
        PAGES = "pages", "public pages"
        API = "api", "public API and files"

    name = models.CharField(max_length=100, unique=True)
    version = models.PositiveIntegerField(default=1)
    last_number = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """An entry in a view. A removed one stays for 90 days, so that readers hear of it."""

    view = models.ForeignKey(View, on_delete=models.CASCADE, related_name="memberships")
    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="memberships")
    present = models.BooleanField(default=True)
    hash = models.CharField(max_length=32)  # of what the view sees, in all languages
    cut = models.BooleanField(default=False)  # the stored answer holds more than the view sees
    number = models.BigIntegerField(null=True)  # in the order of changes; given after commit
    at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["view", "entry"], name="membership_once_a_view"),
            models.UniqueConstraint(fields=["view", "number"], name="membership_number_once"),
        ]
        indexes = [
            models.Index(
                fields=["view"], condition=models.Q(number=None), name="membership_not_numbered"
            ),
        ]

    def __str__(self) -> str:
        return f"entry {self.entry_id} in view {self.view_id}"
