"""The six kinds of entries, with the columns of their HSDS 3.1 tables.

What all kinds have stands in `Entry`: where it comes from, its ids, who may see it, and whether
its stored answers are current. A kind's own columns stand in a table beside it, whose key is the
entry's. Columns are named as in HSDS; a text is a `TranslatedField`; a reference, such as
`organization_id`, is a foreign key to a row, whose id in HSDS is its `hsds_id`. An entry is never
deleted, only withdrawn: its number is never given again, and a merged id stays merged.
"""

import uuid
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from directory.fields import LinkField, TranslatedField
from directory.models.settings import Supplier, SupplierImport


class Kind(models.TextChoices):
    """The kinds of entries, by the names of their HSDS tables."""

    ORGANIZATION = "organization", _("agency")
    SERVICE = "service", _("service")
    LOCATION = "location", _("location")
    SERVICE_AT_LOCATION = "service_at_location", _("service at location")
    TAXONOMY = "taxonomy", _("taxonomy")
    TAXONOMY_TERM = "taxonomy_term", _("term")


NUMBERED = (Kind.ORGANIZATION, Kind.SERVICE, Kind.LOCATION, Kind.SERVICE_AT_LOCATION)


class Secrecy(models.TextChoices):
    """Whether something is confidential. Only a person goes from YES or MATCHES to CLEARED."""

    NO = "", "no"
    YES = "yes", "confidential"
    MATCHES = "matches", "held back: it matches a confidential one, and staff have not decided"
    CLEARED = "cleared", "not confidential, as staff decided"


HIDDEN = (Secrecy.YES, Secrecy.MATCHES)


class Entry(models.Model):
    """What entries of all kinds have."""

    class WithdrawnBy(models.TextChoices):
        NOBODY = "", "not withdrawn"
        SUPPLIER = "supplier", "its supplier, which no longer lists it"
        STAFF = "staff", "staff"
        UNDO = "undo", "the undoing of the import that brought it"
        MERGE = "merge", "a merge into another entry"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    hsds_id = models.UUIDField(default=uuid.uuid4)
    number = models.BigIntegerField(null=True, blank=True, unique=True)
    supplier = models.ForeignKey(
        Supplier, null=True, blank=True, on_delete=models.PROTECT, related_name="entries"
    )
    supplier_key = models.CharField("id at the supplier", max_length=300, blank=True)
    supplier_modified = models.DateTimeField(null=True, blank=True)
    last_import = models.ForeignKey(
        SupplierImport, null=True, blank=True, on_delete=models.SET_NULL, related_name="entries"
    )
    kept = models.JSONField(default=dict, blank=True)  # what came and has no column; in no view
    # Of all that its supplier sent of it: what is the same in the next import is not compared.
    sent_digest = models.CharField(max_length=32, blank=True, editable=False)
    secrecy = models.CharField(
        "confidential", max_length=10, blank=True, choices=Secrecy.choices, default=Secrecy.NO
    )
    not_public = models.BooleanField(default=False)
    withdrawn_by = models.CharField(
        max_length=10, blank=True, choices=WithdrawnBy.choices, default=WithdrawnBy.NOBODY
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged"
    )
    internal_notes = models.TextField(blank=True)
    # Given when a change is taken in, after its commit: `directory.taking_in`.
    last_modified = models.DateTimeField(null=True, editable=False)
    content_hash = models.CharField(max_length=32, blank=True, editable=False)
    # A change adds a mark. The stored answers are current while they were built at the last one.
    marks = models.PositiveBigIntegerField(default=1, editable=False)
    built = models.PositiveBigIntegerField(default=0, editable=False)

    class Meta:
        verbose_name_plural = "entries"
        constraints = [
            models.UniqueConstraint(fields=["kind", "hsds_id"], name="entry_id_once_a_kind"),
            models.CheckConstraint(
                condition=Q(number__gt=0) | Q(number=None), name="entry_number_is_positive"
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_by="", withdrawn_at=None)
                | (~Q(withdrawn_by="") & Q(withdrawn_at__isnull=False)),
                name="entry_withdrawn_by_and_when",
            ),
        ]
        indexes = [
            models.Index(fields=["supplier", "kind", "supplier_key"], name="entry_by_supplier"),
            models.Index(fields=["supplier_key"], name="entry_by_supplier_key"),
            models.Index(fields=["id"], condition=Q(marks__gt=F("built")), name="entry_stale"),
            models.Index(
                fields=["id"],
                condition=Q(last_modified=None) & ~Q(content_hash=""),
                name="entry_without_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.hsds_id}"


class EntryRow(models.Model):
    """A kind's own columns, under the key of its entry."""

    KIND: Kind

    entry = models.OneToOneField(
        Entry, on_delete=models.PROTECT, primary_key=True, related_name="%(class)s"
    )
    stale_texts: Any = models.JSONField(default=list, blank=True)  # "description:fr"

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.KIND} {self.pk}"


class Agency(EntryRow):
    """An organization that provides services. HSDS keys say `organization`."""

    KIND = Kind.ORGANIZATION

    name = TranslatedField()
    alternate_name = TranslatedField()
    description = TranslatedField()
    email = models.TextField(blank=True)
    website = LinkField()
    tax_status = TranslatedField()
    tax_id = models.TextField(blank=True)
    year_incorporated = models.IntegerField(null=True, blank=True)
    legal_status = TranslatedField()
    logo = LinkField()
    uri = LinkField()
    parent_organization = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children"
    )
    # Beside HSDS.
    email_secrecy = models.CharField(
        max_length=10, blank=True, choices=Secrecy.choices, default=Secrecy.NO
    )
    assured_date = models.DateField(null=True, blank=True)
    verification_email = models.TextField(blank=True)  # set by staff; in no view

    class Meta:
        verbose_name_plural = "agencies"


class Service(EntryRow):
    """What an agency does for people."""

    KIND = Kind.SERVICE

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")
        INACTIVE = "inactive", _("inactive")
        DEFUNCT = "defunct", _("defunct")
        TEMPORARILY_CLOSED = "temporarily closed", _("temporarily closed")

    organization = models.ForeignKey(
        Agency, null=True, blank=True, on_delete=models.PROTECT, related_name="services"
    )
    program = models.ForeignKey(
        "directory.Program",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="services",
    )
    name = TranslatedField()
    alternate_name = TranslatedField()
    description = TranslatedField()
    url = LinkField()
    email = models.TextField(blank=True)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.ACTIVE)
    interpretation_services = TranslatedField()
    application_process = TranslatedField()
    fees_description = TranslatedField()
    wait_time = TranslatedField()
    fees = TranslatedField()
    accreditations = TranslatedField()
    eligibility_description = TranslatedField()
    minimum_age = models.FloatField(null=True, blank=True)
    maximum_age = models.FloatField(null=True, blank=True)
    assured_date = models.DateField(null=True, blank=True)
    assurer_email = models.TextField(blank=True)
    licenses = TranslatedField()
    alert = TranslatedField()
    # Beside HSDS. The alert is shown from the first day to the last, both included.
    alert_from = models.DateField(null=True, blank=True)
    alert_until = models.DateField(null=True, blank=True)
    email_secrecy = models.CharField(
        max_length=10, blank=True, choices=Secrecy.choices, default=Secrecy.NO
    )

    class Meta:
        indexes = [
            models.Index(fields=["alert_from"], name="service_by_alert_from"),
            models.Index(fields=["alert_until"], name="service_by_alert_until"),
        ]


class Location(EntryRow):
    """A place, or a virtual one."""

    KIND = Kind.LOCATION

    class Type(models.TextChoices):
        PHYSICAL = "physical", _("physical")
        POSTAL = "postal", _("postal")
        VIRTUAL = "virtual", _("virtual")

    location_type = models.CharField(max_length=10, choices=Type.choices, default=Type.PHYSICAL)
    url = LinkField()
    organization = models.ForeignKey(
        Agency, null=True, blank=True, on_delete=models.SET_NULL, related_name="locations"
    )
    name = TranslatedField()
    alternate_name = TranslatedField()
    description = TranslatedField()
    transportation = TranslatedField()
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    external_identifier = models.TextField(blank=True)
    external_identifier_type = models.TextField(blank=True)
    # Beside HSDS.
    assured_date = models.DateField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["latitude", "longitude"], name="location_by_coordinates")]


class ServiceAtLocation(EntryRow):
    """A service at a location, with hours and phones of its own."""

    KIND = Kind.SERVICE_AT_LOCATION

    service = models.ForeignKey(
        Service, on_delete=models.PROTECT, related_name="service_at_locations"
    )
    location = models.ForeignKey(
        Location, on_delete=models.PROTECT, related_name="service_at_locations"
    )
    description = TranslatedField()
    # Beside HSDS.
    assured_date = models.DateField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "services at locations"


class Taxonomy(EntryRow):
    """A list of terms, perhaps in levels. Terms and taxonomies are shared by suppliers."""

    KIND = Kind.TAXONOMY

    name = TranslatedField()
    description = TranslatedField()
    uri = models.TextField(blank=True)
    version = models.TextField(blank=True)
    # Beside HSDS: what configuration and commands call it, and when it was last brought in.
    short_name = models.CharField(max_length=200, blank=True, db_index=True)
    loaded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "taxonomies"

    @classmethod
    def named(cls, name: str) -> "Taxonomy | None":
        """Return the taxonomy with this name in configuration, or in a language."""
        for one in cls.objects.select_related("entry").order_by("pk"):
            if name in {one.short_name, *one.name.values()}:
                return one
        return None


class TaxonomyTerm(EntryRow):
    """A term of a taxonomy."""

    KIND = Kind.TAXONOMY_TERM

    code = models.TextField(blank=True, db_index=True)
    name = TranslatedField()
    description = TranslatedField()
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children"
    )
    taxonomy = models.ForeignKey(
        Taxonomy, null=True, blank=True, on_delete=models.PROTECT, related_name="terms"
    )
    taxonomy_name = models.TextField(blank=True)  # HSDS column `taxonomy`: a name, not an id
    language = models.TextField(blank=True)
    term_uri = models.TextField(blank=True)
    # Beside HSDS: lists by language, as {"fr": ["nourriture", "épicerie"]}.
    synonyms = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = "term"


ROWS: dict[str, type[EntryRow]] = {
    row.KIND.value: row
    for row in (Agency, Service, Location, ServiceAtLocation, Taxonomy, TaxonomyTerm)
}
