"""The key `directory` of the configuration file: the directory's settings and its suppliers."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import timezone
from rest_framework import serializers

from access import roles
from core.compare import Effect
from core.timing.schedule import BadSchedule
from directory import linking
from directory.changes import everything_changed
from directory.data_partners import tokens
from directory.exporting.formats import FORMATS
from directory.exporting.places import KIND as SFTP
from directory.exporting.scheduled import next_time
from directory.models import (
    LOWEST_RANK,
    DataPartner,
    Directory,
    Pull,
    ScheduledExport,
    Service,
    Supplier,
    View,
)
from directory.views import agreements
from integrations.configuration.applying import Run
from integrations.configuration.keys import Key, ListingKey
from integrations.configuration.problems import Path
from integrations.configuration.rows import Refused, write
from integrations.configuration.sections import (
    Group,
    Secret,
    Section,
    Switch,
    Text,
    Word,
    Words,
    several,
)
from integrations.models import Destination, ServiceListing


class Number(serializers.IntegerField):
    default_error_messages = {"invalid": "a whole number is expected here"}


class Public(Word):
    """`true`, `false` or `pages`: YAML gives the first two as switches."""

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(str(data).lower() if isinstance(data, bool) else data)


class TextsByLanguage(Group):
    """One text for all languages, or a text for each: `{en: …, fr: …}`."""

    def to_internal_value(self, data: Any) -> Any:
        return data if isinstance(data, str) else super().to_internal_value(data)


_OF_PULLS = ("url", "token", "every")


class LicenseSection(Section):
    name = Text()
    url = Text(required=False)


class SupplierSection(Section):
    name = Text()
    kind = Word(tuple(Supplier.Kind.values), required=False)
    url = Text(required=False)
    token = Secret(required=False, allow_blank=True)
    every = Number(required=False, min_value=1, max_value=525_600)
    rank = Number(required=False, min_value=1, max_value=LOWEST_RANK)
    license = LicenseSection(required=False)
    language = Text(required=False)
    reshare = Switch(required=False)


class IncludeSection(Section):
    organizations = Words(child=Text(), required=False, allow_empty=False)
    taxonomy_codes = Words(child=Text(), required=False, allow_empty=False)
    areas = Words(child=Text(), required=False, allow_empty=False)
    statuses = Words(child=Word(tuple(Service.Status.values)), required=False, allow_empty=False)
    sources = Words(child=Text(), required=False, allow_empty=False)
    verified_within_days = Number(required=False, min_value=1, max_value=agreements.MOST_DAYS)
    not_public = Switch(required=False)


class NotifySection(Section):
    url = Text()
    secrets = Words(child=Secret(), allow_empty=False)


class Day(serializers.DateField):
    default_error_messages = {"invalid": "a day is expected here, such as 2026-11-30"}


class DataPartnerSection(Section):
    name = Text(max_length=100)
    tokens = Words(child=Secret(), required=False)
    valid_from = Day(required=False)
    valid_until = Day(required=False)
    license = LicenseSection(required=False)
    rate = Number(required=False, min_value=1, max_value=100_000)
    include = IncludeSection(required=False)
    exclude_fields = Words(child=Text(), required=False)
    notify = NotifySection(required=False)


class ExportSection(Section):
    name = Text()
    partner = Text(required=False, allow_blank=True)
    format = Word(tuple(FORMATS))
    language = Text(required=False)
    schedule = Text()
    destination = Text(required=False)
    folder = Text(required=False)
    keep = Number(required=False, min_value=1, max_value=10_000)


class DirectorySection(Section):
    name = Text(required=False)
    record_owner = Text(required=False)
    languages = Words(child=Text(), required=False, allow_empty=False)
    time_zone = Text(required=False)
    public = Public(tuple(Directory.Public.values), required=False)
    license = LicenseSection(required=False)
    airs_taxonomy = Text(required=False)
    share_all_terms = Words(child=Text(), required=False)
    database_id = Number(required=False, min_value=1, max_value=2**31 - 1)
    mailbox = Text(required=False)
    verify_every_days = Number(required=False, min_value=1, max_value=36_500)
    embed_hosts = Words(child=Text(), required=False)
    emergency = TextsByLanguage(required=False)
    quick_exit_codes = Words(child=Text(), required=False)
    sources = several(SupplierSection)
    partners = several(DataPartnerSection)
    exports = several(ExportSection)


def apply(run: Run, given: Mapping[str, Any], path: Path) -> None:
    """Bring the directory and its suppliers to what the file says; what it leaves out stays."""
    own = ("sources", "partners", "exports")
    fields = {name: value for name, value in given.items() if name not in own}
    with run.part(path, "directory", "directory"):
        directory = Directory.objects.first() or Directory(languages=["en"])
        for name in View.Name.values:
            View.objects.get_or_create(name=name)
        roles.install_role(roles.DIRECTORY_EDITOR)
        directory.midnight_at = None  # it may be another one then
        _written(run, directory, _with_all_languages(directory, fields))
    for index, one in enumerate(given.get("sources", [])):
        with run.part((*path, "sources", index), "supplier", one["name"]):
            supplier = Supplier.objects.filter(name=one["name"]).first()
            supplier = supplier or Supplier(name=one["name"])
            pulled = {name: one[name] for name in _OF_PULLS if name in one}
            fields = {name: value for name, value in one.items() if name not in _OF_PULLS}
            _written(run, supplier, fields)
            _pull(run, supplier, pulled)
    for index, one in enumerate(given.get("partners", [])):
        with run.part((*path, "partners", index), "data partner", one["name"]):
            _apply_data_partner(run, dict(one))
    for index, one in enumerate(given.get("exports", [])):
        with run.part((*path, "exports", index), "export", one["name"]):
            _export(run, dict(one))


def _apply_data_partner(run: Run, given: dict[str, Any]) -> None:
    """Bring a data partner to what the file says. Its tokens are those of the file, no others."""
    secrets = given.pop("tokens", None)
    if notify := given.pop("notify", None):
        given |= {"notify_url": notify["url"], "notify_secrets": " ".join(notify["secrets"])}
    found = DataPartner.objects.filter(name=given["name"]).first()
    partner = found or DataPartner(name=given["name"])
    changed = [name for name in given if not found or getattr(partner, name) != given[name]]
    for name in changed:
        setattr(partner, name, given[name])
    try:
        if changed:
            agreements.save(partner)
        new_tokens = secrets is not None and tokens.put(partner, secrets)
    except agreements.Unusable as unusable:
        raise Refused(((unusable.key,), str(unusable))) from None
    except ValueError as error:
        raise Refused((("tokens",), str(error))) from None
    effect = Effect.CHANGED if changed or new_tokens else Effect.UNCHANGED
    run.count(partner, effect if found else Effect.CREATED)


def _export(run: Run, given: dict[str, Any]) -> None:
    """Set what is written on a schedule. A new schedule counts from now."""
    row = ScheduledExport.objects.filter(name=given["name"]).first()
    row = row or ScheduledExport(name=given["name"], due_at=timezone.now())
    language = given.get("language") or str(Directory.objects.get().languages[0])
    fields = {**given, "language": language}
    if bool(given.get("destination")) == bool(given.get("folder")):
        raise Refused((("destination",), "an export needs a destination or a folder, and not both"))
    if name := given.get("destination"):
        fields["destination"] = Destination.objects.filter(name=name, kind=SFTP).first()
        fields["folder"] = ""
        if fields["destination"] is None:
            raise Refused((("destination",), "no sftp destination has this name"))
    else:
        fields["destination"] = None
    if fields["language"] not in Directory.objects.get().languages:
        raise Refused((("language",), "this is not a language of the directory"))
    _check_place(row, fields)
    before = row.schedule
    row.schedule = fields["schedule"]
    try:
        due_at = next_time(row, timezone.now())
    except BadSchedule as bad:
        raise Refused((("schedule",), str(bad))) from None
    row.schedule = before
    if before != fields["schedule"]:
        fields["due_at"] = due_at
    run.count(row, write(row, fields))


def _check_place(row: ScheduledExport, fields: Mapping[str, Any]) -> None:
    """Refuse two exports whose files would have the same names in one folder."""
    same = {name: fields.get(name) for name in ("format", "language", "folder", "destination")}
    if ScheduledExport.objects.filter(**same).exclude(pk=row.pk).exists():
        message = "another export has files of this format and language there"
        raise Refused((("folder" if fields.get("folder") else "destination",), message))


def _with_all_languages(directory: Directory, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with a text of all languages under each of them."""
    emergency = fields.get("emergency")
    if isinstance(emergency, str):
        languages = fields.get("languages", directory.languages)
        fields |= {"emergency": dict.fromkeys(languages, emergency)}
    return fields


def _pull(run: Run, supplier: Supplier, given: dict[str, Any]) -> None:
    """Set how a supplier is pulled. One that is no API any longer is pulled no more."""
    if supplier.kind != Supplier.Kind.HSDS_API:
        if given:
            raise Refused((("kind",), "url, token and every are for the kind hsds_api"))
        Pull.objects.filter(supplier=supplier).delete()
        return
    pull = Pull.objects.filter(supplier=supplier).first()
    pull = pull or Pull(supplier=supplier, due_at=timezone.now())
    if not (given.get("url") or pull.url):
        raise Refused((("url",), "an hsds_api needs the address of its API"))
    run.count(pull, write(pull, given))


def _written(run: Run, row: Directory | Supplier, fields: dict[str, Any]) -> None:
    effect = write(row, fields)
    if effect is not Effect.UNCHANGED:
        # Languages are in every answer, the rest is in what decides who sees which.
        everything_changed()
        View.objects.update(version=F("version") + 1)
    run.count(row, effect)


def apply_to_listing(listing: ServiceListing, text: str) -> None:
    """Tie a listing to the service whose id the file says; an empty id takes the link away."""
    if not text:
        linking.unlink(listing)
        return
    try:
        linking.link(listing, UUID(text))
    except (ValueError, LookupError):
        message = "no service of the directory has this id"
        raise Refused((("directory_service",), message)) from None


LISTING_KEY = ListingKey(partial(Text, required=False, allow_blank=True), apply_to_listing)
KEY = Key(partial(DirectorySection, required=False), apply)
