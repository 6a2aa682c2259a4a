"""Each part of a configuration file, from organizations to triggers.

The file is the whole truth about the lists of credentials that it holds. What it does not name,
and what is left out of a part, stays as it is.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from core.compare import Effect
from integrations import destinations, sources
from integrations.configuration import keys
from integrations.configuration.applying import Run
from integrations.configuration.partners import link_partners
from integrations.configuration.problems import Path, did_you_mean
from integrations.configuration.rows import Refused, write
from integrations.configuration.secrets import apply_basic, apply_signing_secrets
from integrations.configuration.sections import Content, resolved
from integrations.hooks import listing_connected
from integrations.models import (
    Destination,
    Organization,
    ServiceListing,
    Source,
    TriggerConfig,
    all_fields,
)
from integrations.transport import SecretField
from integrations.triggers import TRIGGER_KEYS
from mapping.editing import exchange
from mapping.models import Mapping as FieldMapping

LIMITS = ("at_once", "per_minute")  # among the options of every kind
ALLOWED = {"fields": "allowed_fields", "files": "allowed_files"}  # so too, by column
PARTNER = "partner"  # so too: the source that answers, of the kinds that are answered
DEFAULT = "default"  # the mapping that ships with a destination's kind
Entry = Mapping[str, Any]


def apply_content(run: Run, content: Content) -> None:
    """Apply every part of a checked file, each after those it may speak of."""
    apply_each(run, _organization, content.get("organizations", []), "organizations")
    apply_each(run, _mapping, content.get("mappings", []), "mappings")
    apply_each(run, _source, content.get("sources", []), "sources")
    apply_each(run, _destination, content.get("destinations", []), "destinations")
    link_partners(run, content)
    apply_each(run, _trigger, content.get("triggers", []), "triggers")
    for name, key in keys.added.items():
        if name in content:
            key.apply(run, content[name], (name,))  # type: ignore[literal-required]


def apply_each(
    run: Run, one: Callable[[Run, Entry, Path], None], entries: Sequence[Entry], *path: str | int
) -> None:
    for index, entry in enumerate(entries):
        one(run, entry, (*path, index))


def _check_kind(
    sort: str, kind: str, known: Collection[str], found: Source | Destination | None
) -> None:
    """Raise Refused unless the kind is known, and the kind of what is here already."""
    if kind not in known:
        text = _("“{kind}” is not a kind").format(kind=kind)
        raise Refused((("kind",), f"{text}{did_you_mean(kind, known)}"))
    if found and found.kind != kind:
        text = _("this {sort} is of kind “{kind}”; use a new name")
        raise Refused((("kind",), text.format(sort=_(sort), kind=found.kind)))


def _given(entry: Entry, *names: str) -> dict[str, Any]:
    return {name: entry[name] for name in names if name in entry}


# -- organizations and listings ------------------------------------------------------------------


def _organization(run: Run, entry: Entry, path: Path) -> None:
    with run.part(path, "organization", entry["id"]):
        found = Organization.objects.filter(caredove_id=entry["id"]).first()
        organization = found or Organization(caredove_id=entry["id"])
        fields = _given(entry, "name", "plan", "time_zone", "language", "active")
        run.count(organization, write(organization, fields, {"caredove_id": "id"}))
    for index, listing in enumerate(entry.get("listings", [])):
        _listing(run, entry["id"], listing, (*path, "listings", index))


def _listing(run: Run, organization_id: str, entry: Entry, path: Path) -> None:
    with run.part(path, "listing", entry["id"]):
        organization = _organization_of(run, organization_id)
        found = ServiceListing.objects.filter(caredove_id=entry["id"]).first()
        listing = found or ServiceListing(caredove_id=entry["id"], organization=organization)
        if listing.organization != organization:
            owner = listing.organization.caredove_id
            text = _("this listing belongs to organization “{owner}”")
            raise Refused((("id",), text.format(owner=owner)))
        fields = _given(entry, "name", "category", "active")
        run.count(listing, write(listing, fields, {"caredove_id": "id"}))
        for name, key in keys.of_listings.items():
            if name in entry:
                key.apply(listing, entry[name])


def _organization_of(run: Run, caredove_id: str, *key: str | int) -> Organization:
    found = Organization.objects.filter(caredove_id=caredove_id).first()
    return found or run.refuse_missing(key, "organization", caredove_id)


# -- mappings ------------------------------------------------------------------------------------


def _mapping(run: Run, entry: Entry, path: Path) -> None:
    owner, kind, name = entry.get("organization", ""), entry["destination_kind"], entry["name"]
    with run.part(path, "mapping", owner, kind, name):
        if name == DEFAULT:
            raise Refused((("name",), "“default” is the mapping that ships with Dovetail"))
        organization = _organization_of(run, owner, "organization") if owner else None
        same = {"name": name, "destination_kind": kind, "organization": organization}
        before = FieldMapping.objects.filter(**same).first()
        data = {key: value for key, value in entry.items() if key != "organization"}
        mapping = _imported(data, organization)
        run.count(mapping, _effect(before, mapping))


def _imported(data: dict[str, Any], organization: Organization | None) -> FieldMapping:
    try:
        return exchange.import_mapping(data, organization)
    except exchange.ExchangeError as error:
        raise Refused(*((_keys(key), message) for key, message in error.errors)) from None


def _keys(dotted: str) -> Path:
    """Return `rules[2].from` as ("rules", 2, "from")."""
    words = dotted.replace("[", ".").replace("]", "").split(".")
    return tuple(int(word) if word.isdecimal() else word for word in words if word != "mapping")


def _effect(before: FieldMapping | None, after: FieldMapping) -> Effect:
    if before is None:
        return Effect.CREATED
    return Effect.CHANGED if after.changed_at != before.changed_at else Effect.UNCHANGED


# -- sources -------------------------------------------------------------------------------------


def _source(run: Run, entry: Entry, path: Path) -> None:
    with run.part(path, "source", entry["name"]):
        found = Source.objects.filter(name=entry["name"]).first()
        source = found or Source(name=entry["name"])
        if "kind" in entry:
            _check_kind("source", entry["kind"], sources.kinds(), found)
        theirs, listings = _fetch(entry), _listing_api(entry)
        fields = (
            _given(entry, "kind", "active", "attachment_hosts", "referral_url", "updates")
            | theirs
            | listings
        )
        keys = {field: field.replace("_", ".", 1) for field in theirs}
        keys |= {field: field.replace("listings_", "listing_api.") for field in listings}
        effect = write(source, fields, keys)
        if _limit(run, source, entry) and effect is Effect.UNCHANGED:
            effect = Effect.CHANGED
        run.count(source, effect)
        if "basic" in entry:
            apply_basic(run, source, entry["basic"], (*path, "basic"))
        if "signing_secrets" in entry:
            apply_signing_secrets(run, source, entry["signing_secrets"], (*path, "signing_secrets"))


def _fetch(entry: Entry) -> dict[str, Any]:
    """Return the fields for fetching files: one way replaces the other."""
    if "fetch" not in entry:
        return {}
    given = entry["fetch"]
    return {
        "fetch_username": given.get("username", ""),
        "fetch_password": given.get("password"),
        "fetch_token": given.get("token"),
    }


def _listing_api(entry: Entry) -> dict[str, Any]:
    given = entry.get("listing_api", {})
    return {f"listings_{name}": given[name] for name in given}


def _limit(run: Run, source: Source, entry: Entry) -> bool:
    """Limit the source to its organizations; True when that was a change."""
    if "organizations" not in entry:
        return False
    named = enumerate(entry["organizations"])
    wanted = {_organization_of(run, name, "organizations", index) for index, name in named}
    if set(source.organizations.all()) == wanted:
        return False
    source.organizations.set(wanted)
    return True


# -- destinations --------------------------------------------------------------------------------


def _destination(run: Run, entry: Entry, path: Path) -> None:
    with run.part(path, "destination", entry["organization"], entry["name"]):
        organization = _organization_of(run, entry["organization"], "organization")
        found = Destination.objects.filter(organization=organization, name=entry["name"]).first()
        destination = found or Destination(organization=organization, name=entry["name"])
        kind = entry["kind"]
        _check_kind("destination", kind, destinations.kinds(), found)
        fields: dict[str, Any] = {"kind": kind}
        values: dict[str, bool | None] = {}
        if not found or "options" in entry:
            given = dict(entry.get("options", {}))
            fields |= {name: given.pop(name, None) for name in LIMITS}
            if destinations.transport_class(kind).answered:
                given.pop(PARTNER, None)  # `link_partners` reads it
            fields |= _allowed(given)
            fields["options"], values = _options(run, kind, given, destination.options)
        keys = {name: f"options.{name}" for name in LIMITS}
        keys |= {column: f"options.{name}" for name, column in ALLOWED.items()}
        effect = write(destination, fields, keys)
        if destination.declare(values, by=run.by) and effect is Effect.UNCHANGED:
            effect = Effect.CHANGED
        run.count(destination, effect)


def _allowed(given: dict[str, Any]) -> dict[str, Any]:
    """Take out of the options which fields and files may leave; left out, the usual ones may."""
    names = given.pop("fields", None)
    return {
        ALLOWED["fields"]: all_fields() if names is None else names,
        ALLOWED["files"]: given.pop("files", None),
    }


def _options(
    run: Run, kind: str, given: Entry, stored: Entry
) -> tuple[dict[str, Any], dict[str, bool | None]]:
    """Return the cleaned options, and which of them declare what the destination can do.

    Those that are left out take their default; a secret and what is declared stay as they are.
    """
    form_class = destinations.transport_class(kind).OptionsForm
    known = form_class.base_fields
    unknown = [name for name in given if name not in known]
    if unknown:
        text = _("not an option")
        raise Refused(
            *(
                (("options", n), f"{text}{did_you_mean(n, (*known, *LIMITS, *ALLOWED))}")
                for n in unknown
            )
        )
    secrets = {name for name, option in known.items() if isinstance(option, SecretField)}
    form = form_class(data=_resolved(run, given, secrets), initial=dict(stored))
    if not form.is_valid():
        raise Refused(
            *((_option(name), str(text)) for name, errors in form.errors.items() for text in errors)
        )
    return dict(form.cleaned_data), form.declared


def _resolved(run: Run, given: Entry, secrets: set[str]) -> dict[str, Any]:
    options = dict(given)
    for name in secrets & set(options):
        try:
            options[name] = _resolved_in(options[name] or "", run.environment)
        except LookupError as error:
            raise Refused((("options", name), error.args[0])) from None
    return options


def _resolved_in(given: Any, environment: Mapping[str, str]) -> Any:
    """Return a secret, or a list or an object of secrets; raises LookupError."""
    if isinstance(given, list):
        return [_resolved_in(one, environment) for one in given]
    if isinstance(given, dict):
        return {name: _resolved_in(one, environment) for name, one in given.items()}
    return resolved(str(given), environment)


def _option(name: str) -> Path:
    return ("options",) if name == "__all__" else ("options", name)


# -- triggers ------------------------------------------------------------------------------------


def _trigger(run: Run, entry: Entry, path: Path) -> None:
    with run.part(path, "trigger", f"{entry['listing']} to {entry['destination']}"):
        listing = ServiceListing.objects.filter(caredove_id=entry["listing"]).first()
        listing = listing or run.refuse_missing(("listing",), "listing", entry["listing"])
        destination = _destination_of(run, listing.organization, entry["destination"])
        pair = {"listing": listing, "destination": destination}
        found = TriggerConfig.objects.filter(**pair).first()
        fields = _given(entry, "include_routed", "enabled")
        fields["on"] = [key for key in TRIGGER_KEYS if key in entry["on"]]
        if not found or "mapping" in entry:
            fields["mapping"] = _mapping_of(run, destination, entry.get("mapping", DEFAULT))
        config = found or TriggerConfig(**pair)
        outcome = write(config, fields)
        if outcome is not Effect.UNCHANGED:
            listing_connected(config)
        run.count(config, outcome)


def _destination_of(run: Run, organization: Organization, name: str) -> Destination:
    found = Destination.objects.filter(organization=organization, name=name).first()
    if found:
        return found
    elsewhere = Destination.objects.filter(name=name).select_related("organization").first()
    if elsewhere is None:
        run.refuse_missing(("destination",), "destination", organization.caredove_id, name)
    owner = elsewhere.organization.caredove_id
    text = _("“{name}” belongs to organization “{owner}”, the listing to “{other}”").format(
        name=name, owner=owner, other=organization.caredove_id
    )
    raise Refused((("destination",), text))


def _mapping_of(run: Run, destination: Destination, name: str) -> FieldMapping:
    """Return the mapping of this name: the organization's own, else that of all."""
    mappings = FieldMapping.objects.filter(destination_kind=destination.kind)
    if name == DEFAULT:
        found = mappings.filter(shipped=True).first()
    else:
        found = mappings.filter(name=name, organization=destination.organization).first()
        found = found or mappings.filter(name=name, organization=None).first()
    if found:
        return found
    text = _("no mapping for {kind} destinations named “{name}” in this file or in Dovetail")
    raise Refused((("mapping",), text.format(kind=destination.kind, name=name)))
