"""Rows that belong to entries: phones, schedules, addresses and the other tables of HSDS 3.1.

A row may have several parents, as in HSDS: a phone of a service *and* of a contact. Its columns
are named as there; `hsds_id` is the id in HSDS, which is unique among the rows of a parent and not
beyond: two suppliers may send the same one.
"""

import uuid
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from directory.fields import LinkField, TranslatedField
from directory.models.entries import (
    Agency,
    Entry,
    Location,
    Secrecy,
    Service,
    ServiceAtLocation,
    TaxonomyTerm,
)


class Row(models.Model):
    """What all of them have."""

    hsds_id = models.UUIDField(default=uuid.uuid4, db_index=True)
    position = models.PositiveIntegerField(default=0)  # among the rows of its parents
    stale_texts: Any = models.JSONField(default=list, blank=True)  # "description:fr"

    class Meta:
        abstract = True
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return f"{self._meta.model_name} {self.pk}"


def parent(to: Any, name: str) -> Any:
    """Return the column of one of several possible parents."""
    return models.ForeignKey(to, null=True, blank=True, on_delete=models.CASCADE, related_name=name)


class Program(Row):
    """A collection of services of an agency."""

    organization = models.ForeignKey(Agency, on_delete=models.CASCADE, related_name="programs")
    name = TranslatedField()
    alternate_name = TranslatedField()
    description = TranslatedField()


class Contact(Row):
    organization = parent(Agency, "contacts")
    service = parent(Service, "contacts")
    service_at_location = parent(ServiceAtLocation, "contacts")
    location = parent(Location, "contacts")
    name = TranslatedField()
    title = TranslatedField()
    department = TranslatedField()
    email = models.TextField(blank=True)
    # Beside HSDS. `secrecy` hides the contact with its phones, unless these have other parents.
    secrecy = models.CharField(
        max_length=10, blank=True, choices=Secrecy.choices, default=Secrecy.NO
    )
    email_secrecy = models.CharField(
        max_length=10, blank=True, choices=Secrecy.choices, default=Secrecy.NO
    )


class Phone(Row):
    location = parent(Location, "phones")
    service = parent(Service, "phones")
    organization = parent(Agency, "phones")
    contact = parent(Contact, "phones")
    service_at_location = parent(ServiceAtLocation, "phones")
    number = models.TextField()
    extension = models.TextField(blank=True)  # a number in HSDS; as it came, such as 007
    type = models.TextField(blank=True)
    description = TranslatedField()
    # Beside HSDS.
    secrecy = models.CharField(
        max_length=10, blank=True, choices=Secrecy.choices, default=Secrecy.NO
    )


class Address(Row):
    class Type(models.TextChoices):
        PHYSICAL = "physical", _("physical")
        POSTAL = "postal", _("postal")
        VIRTUAL = "virtual", _("virtual")

    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="addresses")
    attention = TranslatedField()
    address_1 = TranslatedField()
    address_2 = TranslatedField()
    city = TranslatedField()
    region = TranslatedField()
    state_province = TranslatedField()
    postal_code = models.TextField(blank=True)
    country = models.TextField(blank=True)
    address_type = models.CharField(max_length=10, choices=Type.choices, default=Type.PHYSICAL)
    # Beside HSDS: a private mailing address is in no view. A private physical one makes its
    # location confidential.
    private = models.BooleanField(default=False)

    class Meta(Row.Meta):
        verbose_name_plural = "addresses"


class Schedule(Row):
    """Hours, as a rule of RFC 5545. `directory.hours` says what it means."""

    service = parent(Service, "schedules")
    location = parent(Location, "schedules")
    service_at_location = parent(ServiceAtLocation, "schedules")
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    dtstart = models.DateField(null=True, blank=True)
    timezone = models.FloatField(null=True, blank=True)  # hours; only carried
    until = models.DateField(null=True, blank=True)
    count = models.IntegerField(null=True, blank=True)
    wkst = models.CharField(max_length=2, blank=True)
    freq = models.CharField(max_length=10, blank=True)
    interval = models.IntegerField(null=True, blank=True)
    byday = models.TextField(blank=True)
    byweekno = models.TextField(blank=True)
    bymonthday = models.TextField(blank=True)
    byyearday = models.TextField(blank=True)
    description = TranslatedField()
    opens_at = models.TimeField(null=True, blank=True)  # the clock part, as it came
    closes_at = models.TimeField(null=True, blank=True)
    schedule_link = LinkField()
    attending_type = TranslatedField()
    notes = TranslatedField()  # without the sentences of closings, which are rows
    # Beside HSDS: the offsets that came with the times, in minutes; none: the winter offset.
    opens_at_offset = models.SmallIntegerField(null=True, blank=True)
    closes_at_offset = models.SmallIntegerField(null=True, blank=True)


class Closing(models.Model):
    """Days, both included, on which a schedule does not hold, or a service without schedules.

    HSDS has no table for it: in words it stands at the head of the schedule's `notes`, or of the
    service's `alert`.
    """

    schedule = models.ForeignKey(
        Schedule, null=True, blank=True, on_delete=models.CASCADE, related_name="closings"
    )
    service = models.ForeignKey(
        Service, null=True, blank=True, on_delete=models.CASCADE, related_name="closings"
    )
    first_day = models.DateField()
    last_day = models.DateField()

    class Meta:
        ordering = ["first_day", "last_day", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(schedule=None) ^ models.Q(service=None),
                name="closing_of_one_parent",
            ),
            models.CheckConstraint(
                condition=models.Q(last_day__gte=models.F("first_day")),
                name="closing_days_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"closing {self.pk}"


class Language(Row):
    service = parent(Service, "languages")
    location = parent(Location, "languages")
    phone = parent(Phone, "languages")
    name = TranslatedField()
    code = models.TextField(blank=True, db_index=True)
    note = TranslatedField()


class Accessibility(Row):
    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="accessibility")
    description = TranslatedField()
    details = TranslatedField()
    url = LinkField()

    class Meta(Row.Meta):
        verbose_name_plural = "accessibility"


class Funding(Row):
    organization = parent(Agency, "funding")
    service = parent(Service, "funding")
    source = TranslatedField()

    class Meta(Row.Meta):
        verbose_name_plural = "funding"


class OrganizationIdentifier(Row):
    organization = models.ForeignKey(
        Agency, on_delete=models.CASCADE, related_name="organization_identifiers"
    )
    identifier_scheme = models.TextField(blank=True)
    identifier_type = models.TextField(blank=True)
    identifier = models.TextField(blank=True)


class CostOption(Row):
    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="cost_options")
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    option = TranslatedField()
    currency = models.TextField(blank=True)
    amount = models.FloatField(null=True, blank=True)
    amount_description = TranslatedField()


class RequiredDocument(Row):
    service = models.ForeignKey(
        Service, on_delete=models.CASCADE, related_name="required_documents"
    )
    document = TranslatedField()
    uri = LinkField()


class ServiceArea(Row):
    service = parent(Service, "service_areas")
    service_at_location = parent(ServiceAtLocation, "service_areas")
    name = TranslatedField()
    description = TranslatedField()
    extent = models.TextField(blank=True)
    extent_type = models.TextField(blank=True)
    uri = models.TextField(blank=True)


class Unit(models.Model):
    """What capacities are counted in, such as beds. Units are shared by suppliers."""

    hsds_id = models.UUIDField(default=uuid.uuid4, unique=True)
    name = TranslatedField()
    scheme = models.TextField(blank=True)
    identifier = models.TextField(blank=True)
    uri = models.TextField(blank=True)
    stale_texts: Any = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"unit {self.pk}"


class ServiceCapacity(Row):
    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="capacities")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="capacities")
    available = models.FloatField(null=True, blank=True)
    maximum = models.FloatField(null=True, blank=True)
    description = TranslatedField()
    updated = models.DateTimeField(null=True, blank=True)

    class Meta(Row.Meta):
        verbose_name_plural = "service capacities"


class Url(Row):
    organization = parent(Agency, "additional_websites")
    service = parent(Service, "additional_urls")
    label = TranslatedField()
    url = LinkField()


class Attribute(Row):
    """A term that is said of a row of any table: of the entry itself, or of one of its rows.

    `link_entity` is the HSDS name of the table and `link` the key of the row there (for an entry
    its own). Code that deletes rows deletes their attributes, too: `directory.changes.delete_rows`.
    """

    link_entity = models.CharField(max_length=30)
    link = models.BigIntegerField()
    taxonomy_term = models.ForeignKey(
        TaxonomyTerm, null=True, blank=True, on_delete=models.PROTECT, related_name="attributes"
    )
    link_type = models.TextField(blank=True)
    value = TranslatedField()
    label = TranslatedField()

    class Meta(Row.Meta):
        indexes = [
            models.Index(fields=["link_entity", "link"], name="attribute_by_link"),
            models.Index(fields=["taxonomy_term", "link_entity", "link"], name="attribute_by_term"),
        ]


class Fingerprint(models.Model):
    """What a location, phone or e-mail matches by, so that matches of a confidential one are held
    back: `address:12|K1A0B1`, `phone:+16135550100`, `email:info@shelter.example.org`.
    """

    key = models.CharField(max_length=200)
    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="fingerprints")
    table = models.CharField(max_length=30)
    row = models.BigIntegerField()
    secret = models.BooleanField(default=False)  # the row is confidential by itself

    class Meta:
        indexes = [
            models.Index(fields=["key"], name="fingerprint_by_key"),
            models.Index(
                fields=["key"], condition=models.Q(secret=True), name="fingerprint_secret"
            ),
            models.Index(fields=["table", "row"], name="fingerprint_by_row"),
        ]

    def __str__(self) -> str:
        return f"fingerprint of {self.table} {self.row}"


ROWS_OF_ENTRIES: tuple[type[Row], ...] = (
    Program,
    Contact,
    Phone,
    Address,
    Schedule,
    Language,
    Accessibility,
    Funding,
    OrganizationIdentifier,
    CostOption,
    RequiredDocument,
    ServiceArea,
    ServiceCapacity,
    Url,
    Attribute,
)
