"""One organization's configuration as a configuration file, without its secrets.

What belongs to several organizations is not in it: sources that send for others, too, and the
mappings that ship with Dovetail. Credentials that senders use stay where they are: only their
hashes are kept, and the other portal makes its own.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from integrations import destinations
from integrations.configuration.parts import DEFAULT, LIMITS
from integrations.configuration.sections import ENVIRONMENT
from integrations.models import (
    Destination,
    Organization,
    ServiceListing,
    Source,
    TriggerConfig,
    all_fields,
)
from integrations.transport import SecretField
from mapping.editing import exchange
from mapping.models import Mapping as FieldMapping


class NotExported(Exception):
    """Something that a configuration file cannot say. `message` is a sentence for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def export(organization: Organization) -> str:
    """Return the file as YAML; raises NotExported.

    Every secret is a placeholder `env:NAME`. Applied to an empty portal and exported again, the
    file is the same.
    """
    names = _Names()
    content = {
        "organizations": [_organization(organization)],
        "sources": [_source(source, organization, names) for source in _own(organization)],
        "destinations": [_destination(row, names) for row in organization.destinations.all()],
        "triggers": [_trigger(config) for config in _configs(organization)],
        "mappings": [_mapping(mapping) for mapping in _mappings(organization)],
    }
    text = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return _heading(organization, names) + text


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True  # the reader takes no anchors


class _Names:
    """The names of placeholders: each once, and the same each time."""

    def __init__(self) -> None:
        self.given: dict[str, str] = {}  # name: what it stands for

    def placeholder(self, *words: str) -> str:
        """Return `env:NAME` for a secret that these words describe."""
        plain = unicodedata.normalize("NFKD", "_".join(words)).encode("ascii", "ignore").decode()
        base = name = re.sub(r"\W+", "_", plain).strip("_").upper()
        number = 1
        while name in self.given:
            number += 1
            name = f"{base}_{number}"
        self.given[name] = ": ".join(words)
        return ENVIRONMENT + name


def _heading(organization: Organization, names: _Names) -> str:
    lines = [
        f"# The configuration of {' '.join(organization.name.split())} in Dovetail.",
        "# Not in here: secrets; the credentials that senders use; sources that send for several",
        "# organizations; the mappings that ship with Dovetail.",
    ]
    if names.given:
        lines += ["#", "# Secrets to fill in: set these in the environment, or write them here."]
        lines += [f"#   {name} ({' '.join(what.split())})" for name, what in names.given.items()]
    return "\n".join(lines) + "\n\n"


# -- The parts -----------------------------------------------------------------------------------


def _organization(organization: Organization) -> dict[str, Any]:
    return {
        "id": organization.caredove_id,
        "name": organization.name,
        "plan": str(organization.plan),
        "time_zone": organization.time_zone,
        "language": str(organization.language),
        "active": organization.active,
        "listings": [_listing(row) for row in organization.listings.order_by("caredove_id")],
    }


def _listing(listing: ServiceListing) -> dict[str, Any]:
    values: dict[str, Any] = {"id": listing.caredove_id, "name": listing.name}
    if listing.category:
        values["category"] = listing.category
    if not listing.active:
        values["active"] = False
    return values


def _own(organization: Organization) -> Any:
    """Return the sources that send for this organization alone."""
    counted = Source.objects.annotate(limits=Count("organizations"))
    return counted.filter(limits=1, pk__in=organization.source_set.values("pk")).order_by("name")


def _source(source: Source, organization: Organization, names: _Names) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": source.name,
        "kind": str(source.kind),
        "organizations": [organization.caredove_id],
        "active": source.active,
        "attachment_hosts": source.attachment_hosts,
    }
    if source.destination:
        values |= {"destination": source.destination.name, "updates": str(source.updates)}
    if source.referral_url:
        values["referral_url"] = source.referral_url
    if source.fetch_token:
        values["fetch"] = {"token": names.placeholder(source.name, "fetch token")}
    elif source.fetch_username:
        password = names.placeholder(source.name, "fetch password")
        values["fetch"] = {"username": source.fetch_username, "password": password}
    if source.listings_url:
        values["listing_api"] = {
            "url": source.listings_url,
            "username": source.listings_username,
            "password": names.placeholder(source.name, "listing API password"),
        }
    return values


def _destination(destination: Destination, names: _Names) -> dict[str, Any]:
    fields = destinations.transport_class(destination.kind).OptionsForm.base_fields
    return {
        "name": destination.name,
        "organization": destination.organization.caredove_id,
        "kind": destination.kind,
        "options": dict(_options(destination, fields, names)),
    }


def _options(
    destination: Destination, fields: Mapping[str, Any], names: _Names
) -> Iterator[tuple[str, Any]]:
    for name in LIMITS:
        if limit := getattr(destination, name):
            yield name, limit
    if destination.allowed_fields != all_fields():
        yield "fields", destination.allowed_fields
    if destination.allowed_files is not None:
        yield "files", destination.allowed_files
    # A word of nobody: no other portal may take it for a person's.
    undeclared = destination.declared_at_upgrade()
    for name, field in fields.items():
        value = None if name in undeclared else destination.options.get(name)
        if isinstance(field, SecretField):
            if value:
                yield name, names.placeholder(destination.name, name)
        elif value is not None:
            yield name, value


def _configs(organization: Organization) -> Any:
    configs = TriggerConfig.objects.filter(listing__organization=organization)
    related = configs.select_related("listing", "destination", "mapping")
    return related.order_by("listing__caredove_id", "destination__name")


def _trigger(config: TriggerConfig) -> dict[str, Any]:
    return {
        "listing": config.listing.caredove_id,
        "destination": config.destination.name,
        "on": config.on,
        "include_routed": config.include_routed,
        "mapping": _mapping_name(config),
        "enabled": config.enabled,
    }


def _mapping_name(config: TriggerConfig) -> str:
    mapping = config.mapping
    if mapping.shipped:
        return DEFAULT
    same = FieldMapping.objects.filter(name=mapping.name, destination_kind=mapping.destination_kind)
    organization = config.listing.organization_id
    hidden = mapping.organization_id is None and same.filter(organization=organization).exists()
    if hidden:
        raise NotExported(
            _(
                "“{config}” uses a mapping that a file cannot tell from another one of the same "
                "name, “{mapping}”. Rename one of them."
            ).format(config=config, mapping=mapping.name)
        )
    return mapping.name


def _mappings(organization: Organization) -> Any:
    """Return the organization's own mappings, and those of all that it uses."""
    used = TriggerConfig.objects.filter(listing__organization=organization).values("mapping")
    wanted = Q(organization=organization) | Q(organization=None, pk__in=used)
    found = FieldMapping.objects.filter(wanted, shipped=False).select_related("organization")
    return found.order_by("destination_kind", "name", "organization")


def _mapping(mapping: FieldMapping) -> dict[str, Any]:
    if mapping.name == DEFAULT:
        raise NotExported(
            _(
                "The mapping “{mapping}” has the name of the one that ships with Dovetail. "
                "Rename it."
            ).format(mapping=mapping)
        )
    owner = {"organization": mapping.organization.caredove_id} if mapping.organization else {}
    return owner | exchange.export_mapping(mapping)
