"""What the configuration file says of the directory as a whole, and of its suppliers."""

import zoneinfo
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

LOWEST_RANK = 1_000_000  # of a supplier that no one has ranked
LANGUAGE = RegexValidator(r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z", "An example of a language: fr.")


def check_languages(value: object) -> None:
    """Raise ValidationError unless `value` is a list of one or more languages, each once."""
    if not isinstance(value, list) or not value or len(set(map(str, value))) != len(value):
        raise ValidationError("A list of languages, each once, such as [en, fr].")
    for language in value:
        LANGUAGE(language)


def check_time_zone(value: str) -> None:
    """Raise ValidationError unless `value` is an IANA time zone such as America/Toronto."""
    if value not in zoneinfo.available_timezones():
        raise ValidationError(f"“{value}” is not a time zone. An example: America/Toronto.")


class Directory(models.Model):
    """The one directory of a portal. Without its row the portal has none, and answers 404."""

    class Public(models.TextChoices):
        NO = "false", "no one without a token"
        PAGES = "pages", "pages only: no API or files without a token"
        YES = "true", "pages, API and files"

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    name = models.CharField(max_length=200, default="Directory")
    record_owner = models.CharField(
        max_length=8, blank=True, validators=[RegexValidator(r"^[0-9A-Z]{4,8}\Z")]
    )
    languages = models.JSONField(default=list, validators=[check_languages])
    time_zone = models.CharField(
        max_length=64, default="America/Toronto", validators=[check_time_zone]
    )
    public = models.CharField(max_length=5, choices=Public.choices, default=Public.NO)
    license = models.JSONField(default=dict, blank=True)  # name, url
    airs_taxonomy = models.CharField(max_length=200, blank=True)
    share_all_terms = models.JSONField(default=list, blank=True)  # names of taxonomies
    database_id = models.PositiveIntegerField(default=1)
    mailbox = models.EmailField(blank=True)
    verify_every_days = models.PositiveIntegerField(default=365)
    embed_hosts = models.JSONField(default=list, blank=True)
    emergency = models.JSONField(default=dict, blank=True)  # a text by language
    quick_exit_codes = models.JSONField(default=list, blank=True)
    # What the directory remembers of itself.
    midnight_at = models.DateTimeField(null=True, editable=False)  # when time next changes a view

    class Meta:
        verbose_name_plural = "directories"
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="directory_is_one"),
        ]

    def __str__(self) -> str:
        return "the directory"

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    @property
    def airs_name(self) -> str:
        """Return the name of the taxonomy whose codes AIRS and iCarol files have."""
        return self.airs_taxonomy or "AIRS"


class Supplier(models.Model):
    """Where imported entries come from. An entry has one; without one, staff made it."""

    class Kind(models.TextChoices):
        FILE = "file", "file"
        HSDS_API = "hsds_api", "HSDS API, pulled on a schedule"

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.FILE)
    rank = models.PositiveIntegerField(default=LOWEST_RANK, help_text="1 wins.")
    license = models.JSONField(default=dict, blank=True)
    language = models.CharField(max_length=35, blank=True, validators=[LANGUAGE])
    reshare = models.BooleanField(
        default=True, help_text="Off: shown on our own pages and in our widget, and nowhere else."
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ["rank", "name"]

    def __str__(self) -> str:
        return self.name

    def outranks(self, other: "Supplier | None") -> bool:
        """Return whether an entry of the other supplier may be replaced by one of this supplier."""
        return other is not None and self.rank < other.rank


class SupplierImport(models.Model):
    """One file of a supplier that was brought in, and what became of what it holds."""

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        APPLIED = "applied", _("applied")
        REFUSED = "refused", _("nothing changed")
        UNDONE = "undone", _("undone")

    supplier = models.ForeignKey(Supplier, on_delete=models.PROTECT, related_name="imports")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    format = models.CharField(max_length=30)
    language = models.CharField(max_length=35, blank=True)
    partial = models.BooleanField(default=False)
    sha256 = models.CharField(max_length=64, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    by = models.CharField(max_length=150, blank=True)
    report: Any = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"import {self.pk} of {self.supplier_id}"


class Place(models.Model):
    """A postcode: its centroid, and the names of the areas that it is in (`import_places`)."""

    postcode = models.CharField(max_length=12, unique=True)  # capitals, no spaces: K1A0B1, K1A
    latitude = models.FloatField()
    longitude = models.FloatField()
    areas = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["postcode"]

    def __str__(self) -> str:
        return self.postcode


class Town(models.Model):
    """Where an area of places is, by its name: the middle of its postcodes (`import_places`).

    `key` is the name as people may type it: its words, without accents and in small letters.
    """

    key = models.CharField(max_length=200, unique=True)
    name = models.CharField(max_length=300)
    latitude = models.FloatField()
    longitude = models.FloatField()

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.name
