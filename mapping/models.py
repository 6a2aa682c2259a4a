"""Mappings as rows: what people change in the admin and the engine runs on."""

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from core.text.spoken import ENGLISH
from mapping.engine.engine import Rule
from mapping.engine.targets import kind_label
from mapping.engine.transforms import ANYTHING_ELSE
from mapping.source.allowing import EVERYTHING, AllowList


class Mapping(models.Model):
    """How a referral becomes the record of one destination kind.

    It belongs to an organization, or, without one, to all of them. A shipped mapping comes with
    the destination kind and is renewed with it: people copy it to change it.
    """

    name = models.CharField(max_length=100)
    destination_kind = models.CharField(max_length=50)
    organization = models.ForeignKey(
        "integrations.Organization",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="mappings",
        help_text=_("None: every organization may use it."),
    )
    shipped = models.BooleanField(default=False, editable=False)
    changed_at = models.DateTimeField(auto_now=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "destination_kind", "name"],
                name="mapping_name_once_in_organization",
                violation_error_message=_("This organization has a mapping of this name already."),
            ),
            models.UniqueConstraint(
                fields=["destination_kind", "name"],
                condition=Q(organization__isnull=True),
                name="mapping_name_once_for_all_organizations",
                violation_error_message=_("There is a mapping of this name already."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} · {kind_label(self.destination_kind)}"

    @property
    def language(self) -> str:
        """The language of what it sends; of one for every organization, English."""
        return self.organization.language if self.organization else ENGLISH

    def engine_rules(self) -> tuple[Rule, ...]:
        """Return the rules as the engine takes them, in their order."""
        return tuple(row.as_rule() for row in self.rules.all())

    def engine_tables(self) -> dict[str, dict[str, str]]:
        """Return the value tables by name, as the engine takes them."""
        tables = self.value_tables.prefetch_related("entries")
        return {table.name: table.as_dict() for table in tables}

    def allow_lists(self) -> list[AllowList]:
        """Return what each destination that uses the mapping may have; all, where none uses it."""
        configs: Any = self.triggerconfig_set
        users = configs.select_related("destination")
        return [config.destination.allow_list() for config in users] or [EVERYTHING]

    def changed_since(self, at: datetime) -> bool:
        """Return whether the mapping, its rules or its value tables were saved after `at`."""
        return self.changed_at > at


class FieldRule(models.Model):
    """One rule: which source fields fill a target, through which transforms."""

    mapping = models.ForeignKey(Mapping, on_delete=models.CASCADE, related_name="rules")
    position = models.PositiveIntegerField(default=1)
    target = models.CharField(max_length=100)
    sources = models.JSONField(default=list, blank=True)  # keys of mapping.source.catalogue
    transforms = models.JSONField(default=list, blank=True)  # [{"name": …, option: value, …}]
    history = HistoricalRecords()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["mapping", "target"],
                name="target_filled_by_one_rule",
                violation_error_message=_("Another rule fills this field already."),
            )
        ]

    def __str__(self) -> str:
        return f"Rule {self.position} ({self.target})"

    def as_rule(self) -> Rule:
        """Return the rule as the engine takes it."""
        return rule_from(self.position, self.target, self.sources, self.transforms)


class ValueTable(models.Model):
    """What a destination calls the values that are sent."""

    mapping = models.ForeignKey(Mapping, on_delete=models.CASCADE, related_name="value_tables")
    name = models.SlugField(max_length=50)
    fallback = models.CharField(
        _("anything else"),
        max_length=255,
        blank=True,
        help_text=_("Stands for every value without an entry. Empty: such a value passes as sent."),
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["mapping", "name"], name="value_table_name_once_in_mapping"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def as_dict(self) -> dict[str, str]:
        """Return the entries, the one for anything else included."""
        entries = {entry.sent: entry.value for entry in self.entries.all()}
        return entries | ({ANYTHING_ELSE: self.fallback} if self.fallback else {})


class ValueTableEntry(models.Model):
    """One value as sent, and what the destination calls it."""

    table = models.ForeignKey(ValueTable, on_delete=models.CASCADE, related_name="entries")
    sent = models.CharField(max_length=255)
    value = models.CharField(max_length=255, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = _("value table entries")
        constraints = [
            models.UniqueConstraint(fields=["table", "sent"], name="value_sent_once_in_table")
        ]

    def __str__(self) -> str:
        return f"{self.sent} = {self.value}"


class MappingVersion(models.Model):
    """A mapping as it was saved once, whole, in the format of `exchange`; never changed."""

    mapping = models.ForeignKey(Mapping, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    content = models.JSONField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    author_name = models.CharField(max_length=150, blank=True)  # outlives the account
    saved_at = models.DateTimeField()
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["mapping", "number"], name="version_number_once_in_mapping"
            )
        ]

    def __str__(self) -> str:
        return f"Version {self.number}"


class MappingTest(models.Model):
    """A test case: this input gives that output. The input is invented or masked, never real.

    `expected` is the record by target key; the note is held to it where it is in there.
    """

    mapping = models.ForeignKey(Mapping, on_delete=models.CASCADE, related_name="tests")
    name = models.CharField(max_length=100)
    document = models.JSONField()
    time_zone = models.CharField(max_length=64)
    expected = models.JSONField()
    origin = models.CharField(max_length=200)
    author_name = models.CharField(max_length=150, blank=True)
    kept_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        verbose_name = _("test case")
        constraints = [
            models.UniqueConstraint(
                fields=["mapping", "name"], name="test_case_name_once_in_mapping"
            )
        ]

    def __str__(self) -> str:
        return self.name


def rule_from(
    position: int, target: str, sources: Sequence[str], transforms: Sequence[Dict[str, object]]
) -> Rule:
    """Return an engine rule from its parts as they are stored and exported."""
    uses = tuple((str(use.get("name", "")), _options(use)) for use in transforms)
    return Rule(target, tuple(sources), uses, position)


def _options(use: Dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in use.items() if key != "name"}
