"""What readers get: stored answers, what they hold, and which view has which entry."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db import models

from directory.models.entries import Entry

if TYPE_CHECKING:
    from directory.models.data_partners import DataPartner


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
    data_partner: "DataPartner"  # of a view that is a data partner's
    mark: int | None = None  # of its last numbering, where that was read with it

    def __str__(self) -> str:
        return self.name

    @property
    def is_public(self) -> bool:
        """Return whether it is no data partner's."""
        return self.name in View.Name.values

    @cached_property
    def excluded(self) -> frozenset[str]:
        """Return the tables and columns that its agreement excludes: `contact`, `phone.type`."""
        if self.is_public:
            return frozenset()
        found: list[str] = self.data_partner.exclude_fields
        return frozenset(found)

    def shows(self, *columns: str) -> bool:
        """Return whether none of the columns, such as `language.code`, is excluded."""
        excluded = self.excluded
        return not any(
            column in excluded or column.partition(".")[0] in excluded for column in columns
        )


class Membership(models.Model):
    """An entry in a view. A removed one stays for 90 days, so that readers hear of it."""

    view = models.ForeignKey(View, on_delete=models.CASCADE, related_name="memberships")
    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="memberships")
    # Those of the entry, which never change: a page of a list is read from one index.
    kind = models.CharField(max_length=20)
    hsds_id = models.UUIDField()
    present = models.BooleanField(default=True)
    hash = models.CharField(max_length=32)  # of what the view sees, in all languages
    cut = models.BooleanField(default=False)  # the stored answer holds more than the view sees
    number = models.BigIntegerField(null=True)  # in the order of changes; given after commit
    at = models.DateTimeField(null=True)  # when it got its last number; NULL: it never had one
    entered = models.BigIntegerField(null=True)  # its number when it last entered the view

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["view", "entry"], name="membership_once_a_view"),
            models.UniqueConstraint(fields=["view", "number"], name="membership_number_once"),
        ]
        indexes = [
            models.Index(
                fields=["view"], condition=models.Q(number=None), name="membership_not_numbered"
            ),
            models.Index(
                fields=["view", "kind", "hsds_id", "entry"],
                condition=models.Q(present=True),
                name="membership_by_id",
            ),
        ]

    def __str__(self) -> str:
        return f"entry {self.entry_id} in view {self.view_id}"


class Numbering(models.Model):
    """One giving of numbers to what changed in a view. The feed's cursors name one.

    A database that was restored from a copy has others: `mark` is random.
    """

    view = models.ForeignKey(View, on_delete=models.CASCADE, related_name="numberings")
    last = models.BigIntegerField()  # the highest number that was given
    mark = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["view", "last"], name="numbering_once_a_number"),
        ]
        indexes = [models.Index(fields=["at"], name="numbering_by_time")]

    def __str__(self) -> str:
        return f"numbering of view {self.view_id} to {self.last}"
