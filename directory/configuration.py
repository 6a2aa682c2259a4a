"""The key `directory` of the configuration file: the directory's settings and its suppliers."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import F
from rest_framework import serializers

from access import roles
from core.compare import Effect
from directory import linking
from directory.changes import everything_changed
from directory.data_partners import tokens
from directory.models import LOWEST_RANK, DataPartner, Directory, Service, Supplier, View
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
from integrations.models import ServiceListing


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


class LicenseSection(Section):
    name = Text()
    url = Text(required=False)


class SupplierSection(Section):
    name = Text()
    kind = Word(tuple(Supplier.Kind.values), required=False)
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


def apply(run: Run, given: Mapping[str, Any], path: Path) -> None:
    """Bring the directory and its suppliers to what the file says; what it leaves out stays."""
    fields = {name: given[name] for name in given if name not in ("sources", "partners")}
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
            _written(run, supplier or Supplier(name=one["name"]), dict(one))
    for index, one in enumerate(given.get("partners", [])):
        with run.part((*path, "partners", index), "data partner", one["name"]):
            _apply_data_partner(run, dict(one))


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


def _with_all_languages(directory: Directory, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with a text of all languages under each of them."""
    emergency = fields.get("emergency")
    if isinstance(emergency, str):
        languages = fields.get("languages", directory.languages)
        fields |= {"emergency": dict.fromkeys(languages, emergency)}
    return fields


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
