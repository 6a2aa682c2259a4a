"""Agreements of data partners: what they may say, what they let in, and how they are saved."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from directory import models as rows
from directory.changes import in_parts
from directory.models import (
    HIDDEN,
    Attribute,
    DataPartner,
    ScheduledExport,
    Service,
    TaxonomyTerm,
    View,
)
from directory.views import excluding
from integrations.http.addresses import secure_parts

KEYS = (
    "organizations",
    "taxonomy_codes",
    "areas",
    "statuses",
    "sources",
    "verified_within_days",
    "not_public",
)
MOST_DAYS = 36_500
_OF_AGENCIES = {"organizations", "sources"}


class Unusable(ValueError):
    """Something that an agreement cannot say: at which key, and why."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


# -- what an agreement may say --------------------------------------------------------------------


def check(include: Mapping[str, Any], exclude_fields: Iterable[str]) -> None:
    """Raise Unusable for the first thing that an agreement cannot say."""
    for key, value in include.items():
        _check_key(key, value)
    for name in exclude_fields:
        if reason := excluding.why_not(name):
            raise Unusable("exclude_fields", reason)


def _check_key(key: str, value: Any) -> None:
    if key not in KEYS:
        raise Unusable(key, f"“{key}” is not known; use {', '.join(KEYS)}")
    if key == "not_public":
        if not isinstance(value, bool):
            raise Unusable(key, "true or false is expected here")
    elif key == "verified_within_days":
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_DAYS:
            raise Unusable(key, f"a whole number of days from 1 to {MOST_DAYS} is expected here")
    elif not isinstance(value, list) or not value or not all(_is_word(one) for one in value):
        raise Unusable(key, "a list of one or more texts is expected here")
    else:
        _check_words(key, value)


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _check_words(key: str, words: list[str]) -> None:
    if key == "organizations":
        for word in words:
            try:
                UUID(word)
            except ValueError:
                raise Unusable(key, "an organization is named by its id, a UUID") from None
    elif key == "statuses" and not set(words) <= set(Service.Status.values):
        raise Unusable(key, f"use {', '.join(Service.Status.values)}")


# -- what it lets in ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Include:
    """What an agreement lets in, as conditions. `None` of a part: the agreement does not say it."""

    organizations: tuple[UUID, ...] | None = None
    terms: frozenset[int] | None = None
    areas: tuple[str, ...] | None = None
    statuses: tuple[str, ...] | None = None
    sources: tuple[str, ...] | None = None
    verified_since: date | None = None
    not_public: bool = False
    is_of_agencies: bool = True  # it says no more than which agencies and suppliers

    def services(self) -> Q:
        """Return the condition on services, beside that on their status."""
        found = Q()
        if self.organizations is not None:
            found &= Q(organization__entry__hsds_id__in=self.organizations)
        if self.sources is not None:
            found &= Q(entry__supplier__name__in=self.sources)
        if self.verified_since is not None:
            found &= Q(assured_date__gte=self.verified_since)
        if self.areas is not None:
            areas = rows.ServiceArea.objects.filter(
                service=OuterRef("pk"), names__name__in=self.areas
            )
            found &= Q(Exists(areas))
        if self.terms is not None:
            terms = Attribute.objects.filter(
                link_entity="service", link=OuterRef("pk"), taxonomy_term__in=self.terms
            )
            found &= Q(Exists(terms))
        return found

    def agencies_alone(self) -> Q:
        """Return the condition on agencies that have no services at all."""
        if not self.is_of_agencies:
            return Q(pk__in=[])
        found = Q()
        if self.organizations is not None:
            found &= Q(entry__hsds_id__in=self.organizations)
        if self.sources is not None:
            found &= Q(entry__supplier__name__in=self.sources)
        return found


EVERYTHING = Include()


def include_of(terms: Mapping[str, Any], today: date) -> Include:
    """Return what the key `include` of an agreement lets in on a day."""
    terms = {key: value for key, value in terms.items() if value is not False}
    days = terms.get("verified_within_days")
    codes = terms.get("taxonomy_codes")
    return Include(
        organizations=_words(terms, "organizations", UUID),
        terms=None if codes is None else frozenset(_with_descendants(codes)),
        areas=_words(terms, "areas"),
        statuses=_words(terms, "statuses"),
        sources=_words(terms, "sources"),
        verified_since=None if days is None else today - timedelta(days=days),
        not_public=bool(terms.get("not_public")),
        is_of_agencies=set(terms) <= _OF_AGENCIES,
    )


def _words(terms: Mapping[str, Any], key: str, read: Any = str) -> tuple[Any, ...] | None:
    return tuple(read(word) for word in terms[key]) if key in terms else None


def _with_descendants(codes: Collection[str]) -> set[int]:
    """Return the terms with one of the codes, in any taxonomy, and all below them."""
    children: dict[int, list[int]] = defaultdict(list)
    terms = TaxonomyTerm.objects.filter(entry__withdrawn_by="").exclude(entry__secrecy__in=HIDDEN)
    for key, parent in terms.exclude(parent=None).values_list("pk", "parent"):
        children[parent or 0].append(key)
    found: set[int] = set()
    level = set(terms.filter(code__in=codes).values_list("pk", flat=True))
    while level:
        found |= level
        level = {child for key in level for child in children[key]} - found
    return found


def services_below(touched: Collection[int]) -> set[int]:
    """Return the services with a term that is, or is anywhere below, one of the entries."""
    found: set[int] = set()
    terms: set[int] = set()
    level = set(touched)
    while level:
        below: set[int] = set()
        for some in in_parts(level):
            children = TaxonomyTerm.objects.filter(parent__in=some)
            below |= set(children.values_list("pk", flat=True))
        terms |= level
        level = below - terms
    for some in in_parts(terms):
        attributes = Attribute.objects.filter(link_entity="service", taxonomy_term__in=some)
        found |= set(attributes.values_list("link", flat=True))
    return found


# -- saving ---------------------------------------------------------------------------------------


@transaction.atomic
def save(partner: DataPartner) -> None:
    """Save a data partner with its agreement, which holds from the next request on.

    The version of its view moves: until its memberships are checked against the agreement, no
    request is answered from them. Raises Unusable.
    """
    check(partner.include, partner.exclude_fields)
    _check_fields(partner)
    if partner._state.adding:
        partner.view = View.objects.create(name=f"data partner {uuid4()}")
    partner.notify_ended_at = None  # a receiver that was gone gets another chance
    _rename_in_exports(partner)
    partner.save()
    View.objects.filter(pk=partner.view_id).update(version=F("version") + 1)


def _rename_in_exports(partner: DataPartner) -> None:
    """Let files on a schedule, which name their data partner, go on under its new name."""
    before = DataPartner.objects.filter(pk=partner.pk).values_list("name", flat=True).first()
    if before and before != partner.name:
        ScheduledExport.objects.filter(partner=before).update(partner=partner.name)


def _check_fields(partner: DataPartner) -> None:
    try:
        if partner.notify_url:
            secure_parts(partner.notify_url, "https://receiver.example.org/notices")
        partner.full_clean(exclude=["view"])
    except ValidationError as error:
        if hasattr(error, "error_dict"):
            name, messages = next(iter(error.message_dict.items()))
            raise Unusable("valid_until" if name == "__all__" else name, messages[0]) from None
        raise Unusable("notify_url", error.messages[0]) from None
