"""May a referral go to a destination, and if not, why not: every gate, written once, in order.

Opening an event stops at the first gate that is shut; *why* shows each question; readiness shows
the gates of configuration; a dry run tries them on a choice that nobody has saved; test events and
the home page ask those of the connection; claiming uses their SQL. A test judges `Facts`, which
its user has read, and asks the database nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import reduce
from operator import and_
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext_noop as _

from core.database.clock import Time
from integrations import pacing
from integrations import sentences as of_configuration
from integrations.models import (
    Destination,
    Organization,
    ServiceListing,
    Source,
    TriggerConfig,
)
from integrations.triggers import TRIGGER_LABELS
from referrals import advice, matching, sentences
from referrals.advice import Actor, Advice
from referrals.models import Delivery, InboundEvent, Referral

Outcome = InboundEvent.Outcome
State, Reason = Delivery.State, Delivery.Reason

# What *why* asks, in the order of its chain; translated when it is shown.
EVENT = _("Do we have it from Caredove?")
ORGANIZATION = _("Is the organization active, on a sufficient plan?")
LISTING = _("Is the listing connected?")
TRIGGER = _("Did a trigger match?")
WANTED = _("Is it still to be imported?")
DETAILS = _("Are its details here?")
CONNECTION = _("Is the connection open?")
MAPPED = _("Can it be mapped?")
ANSWER = _("Did the destination take it?")
FILES = _("Are all files there?")
QUESTIONS = (
    EVENT,
    ORGANIZATION,
    LISTING,
    TRIGGER,
    WANTED,
    DETAILS,
    CONNECTION,
    MAPPED,
    ANSWER,
    FILES,
)


class About(StrEnum):
    """Which part of the configuration a gate is about: where it is fixed."""

    ORGANIZATION = "organization"
    SOURCE = "source"
    EVENTS = "events"
    DESTINATION = "destination"
    MAPPING = "mapping"
    CONNECTION = "connection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a referral on its way to a destination, or of that way alone.

    Each user gives what it has read; what it does not give shuts no gate that it does not ask.
    """

    now: datetime | None = None
    # The sender
    source: Source | None = None
    may_send: bool = True
    # The place: what is set up here, and the Caredove ids that messages name
    organization: Organization | None = None
    organization_id: str = ""
    listing: ServiceListing | None = None
    listing_id: str = ""
    has_sender: bool = True
    has_come: bool = True
    has_destination: bool = True
    # The listing's trigger configs, and the one that is asked about, saved or not
    configs: Sequence[TriggerConfig] = ()
    config: TriggerConfig | None = None
    # The referral: which triggers fired, by one event or all of them, and what it shows
    referral: Referral | None = None
    fired: Sequence[str] = field(default=(), repr=False)
    by_one_event: bool = False
    is_routed: bool = False
    withdrawn: str = ""  # the status by which the request was withdrawn
    names_somebody: bool = True
    names_somebody_else: bool = False  # the last message did
    # The import
    delivery: Delivery | None = None
    destination: Destination | None = None
    has_moved: bool = False
    waits_for_turn: bool = False
    host_asks: bool = False
    # The mapping: what keeps it from running, or leaves a required field empty
    faults: Sequence[str] = ()
    empty: Sequence[str] = ()

    @property
    def goes_to(self) -> Destination | None:
        """The destination that the referral would go to."""
        return self.destination or (self.config.destination if self.config else None)


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """One condition that must hold before a referral goes.

    `test` returns the sentence that says why the gate is shut, or None while it is open. `place`
    returns the row where somebody acts. `is_open` is the same condition in SQL, on a destination.
    """

    key: str
    question: str  # of *why*
    advice: Advice
    test: Callable[[Facts], str | None]
    place: Callable[[Facts], Model | None] = lambda facts: None
    outcome: Outcome | None = None  # of an event that stops here
    about: About | None = None  # of a gate of configuration
    cause: str = ""  # as `explain` calls it, where that is not the key
    unquoted: Callable[[Facts], str] | None = None  # the sentence for those who may not read all
    is_open: Q | Callable[[Time], Q] | None = None

    def shut(self, facts: Facts) -> "Shut | None":
        """Return why the gate is shut, or None while it is open."""
        sentence = self.test(facts)
        if not sentence:
            return None
        unquoted = self.unquoted(facts) if self.unquoted else sentence
        return Shut(self, sentence, unquoted, self.place(facts))

    def was_shut(self, sentence: str, place: Model | None = None) -> "Shut":
        """Return why the gate was shut then, whatever holds now."""
        return Shut(self, sentence, sentence, place)


@dataclass(frozen=True, slots=True)
class Shut:
    """A gate that is shut, and why. `unquoted` leaves out what not everybody may read."""

    gate: Gate
    sentence: str = field(repr=False)
    unquoted: str
    place: Model | None = None

    @property
    def actor(self) -> Actor:
        return self.gate.advice.actor

    @property
    def outcome(self) -> Outcome:
        """What becomes of an event that stops here; raises LookupError where none does."""
        if self.gate.outcome is None:
            raise LookupError(f"No event stops at gate {self.gate.key}.")
        return self.gate.outcome


# -- Tests: each returns why its gate is shut, or None ---------------------------------------------


def _forbidden(facts: Facts) -> str | None:
    return None if facts.may_send else sentences.FOREIGN(source=facts.source)


def _unknown_organization(facts: Facts) -> str | None:
    if facts.organization or not (facts.organization_id or facts.listing_id):
        return None
    if facts.organization_id:
        return sentences.UNKNOWN_ORGANIZATION(id=facts.organization_id)
    return sentences.UNKNOWN_PLACE(id=facts.listing_id)


def _place_unknown(facts: Facts) -> str | None:
    named = facts.organization or facts.organization_id or facts.listing_id
    return None if named else sentences.NO_LISTING()


def _no_listing_named(facts: Facts) -> str | None:
    return None if facts.listing or facts.listing_id else sentences.NO_LISTING()


def _suspended(facts: Facts) -> str | None:
    organization = facts.organization
    if organization is None or organization.active:
        return None
    return of_configuration.SUSPENDED(organization=organization)


def _plan_too_low(facts: Facts) -> str | None:
    organization = facts.organization
    if organization is None or organization.plan in Organization.IMPORTING_PLANS:
        return None
    plan = organization.get_plan_display()
    return of_configuration.PLAN_TOO_LOW(organization=organization, plan=plan)


def _unknown_listing(facts: Facts) -> str | None:
    return None if facts.listing else sentences.UNKNOWN_LISTING(id=facts.listing_id)


def _no_sender(facts: Facts) -> str | None:
    return None if facts.has_sender else sentences.NO_SENDER(organization=facts.organization)


def _nothing_came(facts: Facts) -> str | None:
    if facts.has_come or facts.listing is None:
        return None
    return sentences.NOTHING_CAME(id=facts.listing.caredove_id)


def _no_destination(facts: Facts) -> str | None:
    if facts.has_destination:
        return None
    return sentences.NO_DESTINATION(organization=facts.organization)


def _not_connected(facts: Facts) -> str | None:
    return None if facts.configs else sentences.NOT_CONNECTED(listing=facts.listing)


def _switched_off(facts: Facts) -> str | None:
    if any(config.enabled for config in facts.configs):
        return None
    return sentences.SWITCHED_OFF(listing=facts.listing)


def chosen(facts: Facts, config: TriggerConfig) -> list[str]:
    """Return the triggers that fired and that the trigger config asks for."""
    return matching.chosen(
        facts.fired, config.on, include_routed=config.include_routed, routed=facts.is_routed
    )


def _asked(facts: Facts) -> Sequence[TriggerConfig]:
    return [facts.config] if facts.config else facts.configs


def _routed(facts: Facts) -> str | None:
    asked = _asked(facts)
    matched = any(chosen(facts, config) for config in asked)
    wanted = "received" in facts.fired and any("received" in config.on for config in asked)
    return sentences.ROUTED(listing=facts.listing) if wanted and not matched else None


def _no_trigger(facts: Facts) -> str | None:
    matched = any(chosen(facts, config) for config in _asked(facts))
    return None if matched else what_happened(facts)


def what_happened(facts: Facts) -> str:
    """Return on which triggers the listing is imported, and which fired."""
    wanted = dict.fromkeys(key for config in _asked(facts) for key in config.on)
    labels = [TRIGGER_LABELS.get(key, key) for key in wanted]
    happened = [TRIGGER_LABELS.get(key, key) for key in dict.fromkeys(facts.fired)]
    cause, nothing = sentences.NO_TRIGGER, sentences.NOTHING_OF_THAT()
    if facts.by_one_event:
        cause, nothing = sentences.NO_TRIGGER_OF_EVENT, sentences.NO_TRIGGER_AT_ALL()
    return cause(listing=facts.listing, chosen=labels, happened=happened or nothing)


def _withdrawn(facts: Facts) -> str | None:
    if not facts.withdrawn:
        return None
    return sentences.WITHDRAWN(status=facts.withdrawn, destination=facts.goes_to)


def _revoked(facts: Facts) -> str | None:
    referral = facts.referral
    if not (referral and referral.is_revoked):
        return None
    was_erased = referral.purged_why == referral.PurgedWhy.ERASED
    return sentences.ERASED() if was_erased else sentences.REVOKED()


def _expired(facts: Facts) -> str | None:
    referral = facts.referral
    return sentences.EXPIRED() if referral and referral.purged_at else None


def _merged(facts: Facts) -> str | None:
    referral, delivery = facts.referral, facts.delivery
    is_part = referral is not None and referral.merged_into_id is not None
    ended = delivery is not None and delivery.state == State.DISMISSED
    if is_part or (ended and delivery and sentences.MERGED.made(delivery.closed_why)):
        return sentences.MERGED()
    return None


def _moved(facts: Facts) -> str | None:
    if not facts.has_moved or facts.referral is None or facts.destination is None:
        return None
    return sentences.MOVED(
        organization=facts.referral.organization, other=facts.destination.organization
    )


def _waits(facts: Facts) -> str | None:
    delivery = facts.delivery
    if delivery.state != State.WAITING if delivery else facts.names_somebody:
        return None
    if facts.names_somebody_else:
        return sentences.WAITS_FOR_REGISTRANT(destination=facts.goes_to)
    return sentences.WAITS(destination=facts.goes_to)


def _nobody_named(facts: Facts) -> str | None:
    delivery = facts.delivery
    there = delivery is not None and delivery.external_id is not None
    return None if facts.names_somebody or there else sentences.NOBODY_NAMED()


def _is_down(facts: Facts) -> str | None:
    destination = facts.goes_to
    return destination.paused if destination and destination.is_down else None


def _is_paused(facts: Facts) -> str | None:
    destination = facts.goes_to
    return destination.paused if destination and destination.paused_at else None


def _untested(facts: Facts) -> str | None:
    destination = facts.goes_to
    if destination is None or destination.checked_at:
        return None
    return sentences.UNTESTED(destination=destination)


def _may_not_import(facts: Facts) -> str | None:
    destination = facts.goes_to
    if destination is None:
        return None
    its = Facts(organization=destination.organization)
    return _suspended(its) or _plan_too_low(its)


def _recovers(facts: Facts) -> str | None:
    destination, now = facts.goes_to, facts.now
    until = destination.paused_until if destination else None
    waits = destination and until and now and until > now
    return destination.recovering if destination and waits else None


def _waits_for_turn(facts: Facts) -> str | None:
    destination = facts.goes_to
    if destination is None or not facts.waits_for_turn:
        return None
    return sentences.TURN(destination=destination, limits=destination.limits)


def _asks_to_deliver(facts: Facts) -> str | None:
    return sentences.NEW_HOST() if facts.host_asks else None


def _cannot_map(facts: Facts) -> str | None:
    delivery, config = facts.delivery, facts.config
    if delivery is not None:
        return delivery.message if delivery.reason == Reason.MAPPING else None
    if not facts.faults or config is None:
        return None
    values = {"mapping": config.mapping, "why": facts.faults[0]}
    more = len(facts.faults) - 1
    return sentences.FAULTS(**values, count=more) if more else sentences.FAULT(**values)


def _is_disconnected(facts: Facts) -> str | None:
    delivery = facts.delivery
    apart = delivery is not None and delivery.reason == Reason.DISCONNECTED
    return delivery.message if delivery and apart else None


def _leaves_empty(facts: Facts) -> str | None:
    return sentences.EMPTY(fields=list(facts.empty)) if facts.empty else None


# -- Where somebody acts ---------------------------------------------------------------------------


def _organization(facts: Facts) -> Model | None:
    return facts.organization


def _listing(facts: Facts) -> Model | None:
    return facts.listing


def _first_config(facts: Facts) -> Model | None:
    return next(iter(_asked(facts)), None)


def _delivery(facts: Facts) -> Model | None:
    return facts.delivery


def _destination(facts: Facts) -> Model | None:
    return facts.goes_to


def _its_organization(facts: Facts) -> Model | None:
    return facts.goes_to.organization if facts.goes_to else None


def _mapping(facts: Facts) -> Model | None:
    delivery = facts.delivery
    config = delivery.trigger_config if delivery else facts.config
    if config is None:
        return delivery.referral.listing if delivery else None
    return config.mapping


def _listing_of_delivery(facts: Facts) -> Model | None:
    return facts.delivery.referral.listing if facts.delivery else facts.listing


def _moved_elsewhere(_: Facts) -> str:
    return sentences.MOVED_ELSEWHERE()


def _paused_unquoted(facts: Facts) -> str:
    return of_configuration.PAUSED_UNQUOTED(destination=facts.goes_to)


# -- The gates -------------------------------------------------------------------------------------

FORBIDDEN = Gate(
    "forbidden_source", EVENT, advice.CONTACT_CAREDOVE, _forbidden, outcome=Outcome.FORBIDDEN
)
UNKNOWN_ORGANIZATION = Gate(
    "unknown_organization",
    ORGANIZATION,
    advice.SET_UP,
    _unknown_organization,
    outcome=Outcome.UNKNOWN_ORGANIZATION,
)
PLACE_UNKNOWN = Gate(
    "place_unknown",
    ORGANIZATION,
    advice.WHEN_IT_IS_NAMED,
    _place_unknown,
    outcome=Outcome.NO_LISTING,
)
LISTING_UNNAMED = Gate(
    "listing_unnamed",
    LISTING,
    advice.WHEN_IT_IS_NAMED,
    _no_listing_named,
    outcome=Outcome.NO_LISTING,
    cause="place_unknown",
)
SUSPENDED = Gate(
    "suspended",
    ORGANIZATION,
    advice.ACTIVATE_AND_SAVE,
    _suspended,
    _organization,
    Outcome.SUSPENDED,
    About.ORGANIZATION,
)
PLAN_TOO_LOW = Gate(
    "plan_too_low",
    ORGANIZATION,
    advice.ASK_FOR_PLAN,
    _plan_too_low,
    _organization,
    Outcome.PLAN_TOO_LOW,
    About.ORGANIZATION,
)
UNKNOWN_LISTING = Gate(
    "unknown_listing",
    LISTING,
    advice.CONNECT,
    _unknown_listing,
    _organization,
    Outcome.UNKNOWN_LISTING,
)
NO_SENDER = Gate(
    "no_sender", EVENT, advice.MAKE_CREDENTIALS, _no_sender, _organization, about=About.SOURCE
)
NOTHING_CAME = Gate(
    "nothing_came", EVENT, advice.ASK_FOR_EVENTS, _nothing_came, _listing, about=About.EVENTS
)
NO_DESTINATION = Gate(
    "no_destination",
    LISTING,
    advice.ADD_DESTINATION,
    _no_destination,
    _organization,
    about=About.DESTINATION,
)
NOT_CONNECTED = Gate(
    "not_connected",
    LISTING,
    advice.CONNECT,
    _not_connected,
    _listing,
    Outcome.NOT_INTEGRATED,
    About.CONNECTION,
)
SWITCHED_OFF = Gate(
    "switched_off",
    LISTING,
    advice.SWITCH_ON,
    _switched_off,
    _first_config,
    Outcome.TRIGGER_OFF,
    About.CONNECTION,
)
ROUTED = Gate(
    "routed", TRIGGER, advice.INCLUDE_ROUTED, _routed, _first_config, outcome=Outcome.ROUTED
)
NO_TRIGGER = Gate(
    "no_trigger",
    TRIGGER,
    advice.WHEN_IT_HAPPENS,
    _no_trigger,
    _first_config,
    outcome=Outcome.NO_TRIGGER,
)
REVOKED = Gate("revoked", EVENT, advice.DECIDED, _revoked, outcome=Outcome.REVOKED)
EXPIRED = Gate("expired", EVENT, advice.DONE, _expired)
MERGED = Gate("united", WANTED, advice.DECIDED, _merged, _delivery)
# Its first organization may not know which one has it now.
MOVED = Gate("moved", WANTED, advice.DISMISS_MOVED, _moved, _delivery, unquoted=_moved_elsewhere)
WITHDRAWN = Gate(
    "withdrawn",
    ANSWER,
    advice.DECIDE_WITHDRAWN,
    _withdrawn,
    _delivery,
    outcome=Outcome.WITHDRAWN,
)
WAITING = Gate(
    "waiting", DETAILS, advice.WAIT_FOR_DETAILS, _waits, _delivery, outcome=Outcome.WAITING
)
NOBODY_NAMED = Gate("nobody_named", DETAILS, advice.NAME_SOMEBODY, _nobody_named, _delivery)
UNREACHABLE = Gate(
    "unreachable",
    CONNECTION,
    advice.UNREACHABLE,
    _is_down,
    _destination,
    about=About.DESTINATION,
    is_open=Q(probe_at__isnull=True),
)
PAUSED = Gate(
    "held",
    CONNECTION,
    advice.PAUSED,
    _is_paused,
    _destination,
    about=About.DESTINATION,
    unquoted=_paused_unquoted,
    is_open=Q(paused_at__isnull=True),
)
UNTESTED = Gate(
    "untested",
    CONNECTION,
    advice.TEST_CONNECTION,
    _untested,
    _destination,
    about=About.DESTINATION,
)
# The organization of a destination, which may have been suspended after the import was opened.
MAY_NOT_IMPORT = Gate(
    "may_not_import",
    CONNECTION,
    advice.ACTIVATE,
    _may_not_import,
    _its_organization,
    cause="suspended",
    is_open=Q(organization__active=True, organization__plan__in=Organization.IMPORTING_PLANS),
)
MAPPING_ERROR = Gate(
    "mapping_error",
    MAPPED,
    advice.FIX_MAPPING,
    _cannot_map,
    _mapping,
    about=About.MAPPING,
)
CONNECTION_REMOVED = Gate(
    "connection_removed", MAPPED, advice.CONNECT_AGAIN, _is_disconnected, _listing_of_delivery
)
LEFT_EMPTY = Gate("left_empty", ANSWER, advice.EDIT, _leaves_empty, _mapping)
RECOVERING = Gate(
    "recovering",
    ANSWER,
    advice.BY_ITSELF,
    _recovers,
    _destination,
    is_open=pacing.is_not_recovering,
)
LIMITED = Gate(
    "limited",
    ANSWER,
    advice.BY_ITSELF,
    _waits_for_turn,
    _destination,
    is_open=pacing.has_its_turn,
)
NEW_HOST = Gate("new_host", ANSWER, advice.ADMIT_HOST, _asks_to_deliver, _delivery)

# In the order in which an event meets them. *Why* asks question by question, and so speaks of a
# suspended organization before it does of a listing that nobody has named yet.
GATES = (
    FORBIDDEN,
    REVOKED,
    EXPIRED,
    UNKNOWN_ORGANIZATION,
    PLACE_UNKNOWN,
    LISTING_UNNAMED,
    SUSPENDED,
    PLAN_TOO_LOW,
    UNKNOWN_LISTING,
    NO_SENDER,
    NOTHING_CAME,
    NO_DESTINATION,
    NOT_CONNECTED,
    SWITCHED_OFF,
    ROUTED,
    NO_TRIGGER,
    MERGED,
    MOVED,
    WITHDRAWN,
    WAITING,
    NOBODY_NAMED,
    UNREACHABLE,
    PAUSED,
    UNTESTED,
    MAY_NOT_IMPORT,
    MAPPING_ERROR,
    CONNECTION_REMOVED,
    LEFT_EMPTY,
    RECOVERING,
    LIMITED,
    NEW_HOST,
)
# Whether something may be imported for a place at all.
OF_THE_PLACE = (
    UNKNOWN_ORGANIZATION,
    PLACE_UNKNOWN,
    LISTING_UNNAMED,
    SUSPENDED,
    PLAN_TOO_LOW,
    UNKNOWN_LISTING,
)
# Whether a referral must not go to this destination any more.
OF_THE_REFERRAL = (REVOKED, EXPIRED, MERGED, MOVED)
# What may keep a destination from being sent to, once there is something to send.
OF_THE_CONNECTION = (UNREACHABLE, PAUSED, MAY_NOT_IMPORT)


def first_shut(facts: Facts, *asked: Gate) -> Shut | None:
    """Return the first of these gates that is shut, in the order of `GATES`; None when all open."""
    in_order = (gate for gate in GATES if gate in asked)
    return next((shut for gate in in_order if (shut := gate.shut(facts))), None)


def shut_by_question(facts: Facts, *asked: Gate) -> list[Shut]:
    """Return the first of these gates that keeps each question of *why* from a yes, in their order.

    The others of a question mostly follow from the first: an unknown listing has no trigger.
    """
    found: dict[str, Shut] = {}
    for gate in GATES:
        if gate in asked and gate.question not in found and (shut := gate.shut(facts)):
            found[gate.question] = shut
    return [found[question] for question in QUESTIONS if question in found]


def at(*questions: str) -> list[Gate]:
    """Return the gates that answer these questions of *why*."""
    return [gate for gate in GATES if gate.question in questions]


# That every gate is open which the destination's row can say, whatever the time.
OPEN = reduce(and_, (gate.is_open for gate in GATES if isinstance(gate.is_open, Q)))


def open_destinations(now: Time) -> QuerySet[Destination]:
    """Return the destinations that may be sent to: every gate that can be asked in SQL is open."""
    by_time = (gate.is_open(now) for gate in GATES if callable(gate.is_open))
    return Destination.objects.filter(OPEN, *by_time)


def is_shut(gate: Gate, of: str) -> Q:
    """Return the condition that a gate is shut on what has its destination under this name.

    Raises TypeError for a gate that the row alone does not shut.
    """
    if not isinstance(gate.is_open, Q):
        raise TypeError(f"Gate {gate.key} is not one of the row alone.")
    return ~_prefixed(gate.is_open, f"{of}__")


def _prefixed(condition: Q, prefix: str) -> Q:
    children: Any = condition.children
    named = [
        _prefixed(one, prefix) if isinstance(one, Q) else (f"{prefix}{one[0]}", one[1])
        for one in children
    ]
    return Q(*named, _connector=condition.connector, _negated=condition.negated)
