"""Every cause for which a referral is, or is not, in CRMS: how it comes about, and what is said.

The destination is the sandbox CRMS, which answers in each of its ways.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

from django.contrib.auth.models import User

from core.database import clock
from integrations.models import Destination, Organization, ServiceListing, TriggerConfig
from integrations.sources.warnings import Warning
from referrals import delivering, sentences
from referrals.advice import Actor
from referrals.answers.explain import Cause
from referrals.delivering.claiming import claim
from referrals.intake import opening
from referrals.models import Delivery, Host, InboundEvent, Referral, RetentionPeriod, Step
from referrals.record.removal import retention
from sandbox import Sandbox
from tests.reading import saying
from tests.rows import write
from tests.world import World, make_world, plain

TOKEN = "token-of-the-tests"
LETTER = {
    "id": "a1",
    "filename": "Lettre de Mireille.txt",
    "content_type": "text/plain",
    "data": "Qm9uam91cg==",
}


@dataclass
class Scene(World):
    """A world whose listing goes to the sandbox CRMS."""

    crms: Sandbox = field(kw_only=True)

    def fails(self, mode: str, step: str = "create", **event: object) -> None:
        """Send a referral while CRMS fails this step in this way."""
        self.crms.fail(step, mode, times=None)
        self.send(plain(**event))  # type: ignore[arg-type]
        self.run()

    def imported(self, **event: object) -> None:
        self.send(plain(**event))  # type: ignore[arg-type]
        self.run()

    def expire(self) -> None:
        """Let the organization's retention period be over."""
        RetentionPeriod.objects.create(organization=self.organization, days=30)
        Referral.objects.update(changed_at=clock.now() - timedelta(days=31))
        assert retention.purge_expired() == 1

    def set_delivery(self, **fields: object) -> None:
        write(Delivery.objects.all(), **{"due_at": None, **fields})


def scene(crms: Sandbox) -> Scene:
    """Return a world that the causes come about in."""
    made = make_world(kind="crms", base_url=crms.url, token=TOKEN)
    return Scene(**vars(made), crms=crms)


@dataclass(frozen=True)
class Case:
    """`stops_at` is a word of the question at which the chain ends; none: it does not."""

    cause: Cause
    stops_at: str
    says: str
    actor: Actor
    come_about: Callable[[Scene], None]


CASES: list[Case] = []


def case(
    cause: Cause, stops_at: str, says: str, actor: Actor = Actor.NOBODY
) -> Callable[[Callable[[Scene], None]], Callable[[Scene], None]]:
    """Add what the function makes to the cases."""

    def add(come_about: Callable[[Scene], None]) -> Callable[[Scene], None]:
        CASES.append(Case(cause, stops_at, says, actor, come_about))
        return come_about

    return add


# -- From Caredove to here -------------------------------------------------------------------------


@case(Cause.IMPORTED, "", "It is in Birchwood CRMS as RF-")
def imported(it: Scene) -> None:
    it.imported()


@case(Cause.UNKNOWN_REFERENCE, "Do we have it", "Check the number", Actor.SUPPORT)
def unknown_reference(it: Scene) -> None:
    it.send(plain(reference="1112223334"))


@case(Cause.NOT_OPENED, "Do we have it", "the dispatcher is not running")
def not_opened(it: Scene) -> None:
    it.receive(plain())


@case(Cause.NOT_OPENED, "trigger match", "has not been opened yet")
def newest_event_not_opened(it: Scene) -> None:
    it.send(plain("message.from_provider"))
    it.receive(plain(number=2))


@case(Cause.NOT_OPENABLE, "Do we have it", "could not open it", Actor.DEVELOPERS)
def quarantined_event(it: Scene) -> None:
    it.receive(plain())
    InboundEvent.objects.update(state="quarantined", due_at=None)


@case(Cause.UNREADABLE, "Do we have it", "could not be read", Actor.DEVELOPERS)
def unreadable_event(it: Scene) -> None:
    it.receive(plain())
    InboundEvent.objects.update(
        state="opened", outcome="unreadable", reason="Its body could not be read.", due_at=None
    )


@case(Cause.CONFLICT, "Do we have it", "Compare the two bodies", Actor.SUPPORT)
def conflict_with_another_referral(it: Scene) -> None:
    it.send(plain(reference="1112223334"))
    it.receive(plain())


@case(Cause.CONFLICT, "trigger match", "Compare the two bodies", Actor.SUPPORT)
def conflict_in_the_same_referral(it: Scene) -> None:
    it.send(plain("message.from_provider"))
    it.receive(plain("referral.received"))


@case(Cause.FORBIDDEN_SOURCE, "Do we have it", "may not send for", Actor.ADMINISTRATOR)
def forbidden_source(it: Scene) -> None:
    it.receive(plain())
    elsewhere = Organization.objects.create(caredove_id="900", name="Elsewhere")
    it.source.organizations.add(elsewhere)
    opening.open_deliveries(InboundEvent.objects.get().pk)


@case(Cause.UNKNOWN_CODE, "Do we have it", "not an event that Dovetail knows", Actor.DEVELOPERS)
def unknown_code(it: Scene) -> None:
    it.send(plain("referral.juggled"))


@case(Cause.REVOKED, "Do we have it", "Caredove revoked it")
def revoked(it: Scene) -> None:
    it.send(plain("referral.revoked"))


@case(Cause.REVOKED_BUT_THERE, "Do we have it", "Remove it there", Actor.SUPPORT)
def revoked_after_import(it: Scene) -> None:
    it.imported()
    it.send(plain("referral.revoked", number=2))


@case(Cause.EXPIRED, "Do we have it", "It is in Birchwood CRMS as RF-")
def expired_after_import(it: Scene) -> None:
    it.imported()
    it.expire()


@case(Cause.EXPIRED, "Do we have it", "It was not imported")
def expired_without_import(it: Scene) -> None:
    it.send(plain("message.from_provider"))
    it.expire()


# -- Its place -------------------------------------------------------------------------------------


@case(Cause.PLACE_UNKNOWN, "organization", "which listing it is for")
def place_unknown(it: Scene) -> None:
    it.send(plain() | {"service_listing": None, "organization": None})


@case(Cause.PLACE_UNKNOWN, "listing", "which listing it is for")
def listing_not_named(it: Scene) -> None:
    it.send(plain() | {"service_listing": None})


@case(Cause.UNKNOWN_ORGANIZATION, "organization", "Caredove id 1", Actor.ADMINISTRATOR)
def unknown_organization(it: Scene) -> None:
    it.send(plain() | {"organization": {"id": "1"}, "service_listing": {"id": "9"}})


@case(Cause.SUSPENDED, "organization", "is suspended", Actor.ADMINISTRATOR)
def suspended(it: Scene) -> None:
    Organization.objects.update(active=False)
    it.send(plain())


@case(Cause.SUSPENDED, "connection", "suspended", Actor.ADMINISTRATOR)
def suspended_later(it: Scene) -> None:
    it.send(plain())
    Organization.objects.update(active=False)


@case(Cause.PLAN_TOO_LOW, "organization", "on the Essential plan", Actor.ADMINISTRATOR)
def plan_too_low(it: Scene) -> None:
    Organization.objects.update(plan="essential")
    it.send(plain())


@case(Cause.UNKNOWN_LISTING, "listing", "Listing 9 is not set up here", Actor.LIAISON)
def unknown_listing(it: Scene) -> None:
    it.send(plain() | {"service_listing": {"id": "9"}})


@case(Cause.NOT_CONNECTED, "listing", "is not connected to a destination", Actor.LIAISON)
def not_connected(it: Scene) -> None:
    TriggerConfig.objects.all().delete()
    it.send(plain())


@case(Cause.SWITCHED_OFF, "listing", "is off", Actor.LIAISON)
def switched_off(it: Scene) -> None:
    TriggerConfig.objects.update(enabled=False)
    it.send(plain())


@case(Cause.NO_TRIGGER, "trigger match", "so far: Message from Provider")
def no_trigger(it: Scene) -> None:
    it.send(plain("message.from_provider"))


@case(Cause.ROUTED, "trigger match", "routed", Actor.LIAISON)
def routed(it: Scene) -> None:
    it.send(plain(routed=True))


# -- The import ------------------------------------------------------------------------------------


@case(Cause.DISMISSED, "still to be imported", "Mireille came in person")
def dismissed(it: Scene) -> None:
    it.send(plain())
    delivering.dismiss(it.delivery, "Mireille came in person.")


@case(Cause.MERGED, "still to be imported", "the same referral as another one")
def merged(it: Scene) -> None:
    it.send(plain())
    it.set_delivery(state="dismissed", closed_why=sentences.MERGED())


@case(Cause.MOVED, "still to be imported", "has moved to Elsewhere", Actor.SUPPORT)
def moved(it: Scene) -> None:
    it.send(plain())
    elsewhere = Organization.objects.create(caredove_id="900", name="Elsewhere")
    ServiceListing.objects.create(organization=elsewhere, caredove_id="9001", name="There")
    it.send(
        plain("referral.edited", number=2)
        | {"organization": {"id": "900"}, "service_listing": {"id": "9001"}}
    )


@case(Cause.WAITING, "details", "Only part of the referral")
def waiting(it: Scene) -> None:
    it.send(plain(registrant=None))


@case(Cause.WAITING, "details", "another person's details, not the registrant's")
def waiting_for_the_subject(it: Scene) -> None:
    with saying(warnings=(Warning("ServiceRequest.subject", "subject_missing"),)):
        it.send(plain(registrant=None))


@case(Cause.PAUSED, "connection", "Birchwood CRMS is paused: CRMS does not", Actor.ADMINISTRATOR)
def paused(it: Scene) -> None:
    it.send(plain())
    it.destination.pause("CRMS does not accept the credentials.", clock.now())


@case(Cause.UNREACHABLE, "connection", "it refused the connection", Actor.ADMINISTRATOR)
def unreachable(it: Scene) -> None:
    it.send(plain())
    it.destination.go_down("it refused the connection. Look there.", clock.now())


@case(Cause.RECOVERING, "take it", "Birchwood CRMS failed 5 referrals in a row, the last one with")
def paused_after_failures(it: Scene) -> None:
    it.send(plain())
    until = clock.now() + timedelta(minutes=5)
    Destination.objects.update(failures=5, paused_code="HTTP 503", paused_until=until)


@case(Cause.LIMITED, "take it", "It waits for its turn at Birchwood CRMS: at most 30 a minute.")
def limited(it: Scene) -> None:
    it.send(plain())
    Destination.objects.update(per_minute=30, turn_at=clock.now())


@case(Cause.MAPPING_ERROR, "mapped", "nowhere", Actor.LIAISON)
def mapping_error(it: Scene) -> None:
    it.config.mapping.rules.create(position=99, target="nowhere", sources=["reference"])
    it.imported()


@case(Cause.CONNECTION_REMOVED, "mapped", "Connect the listing to this", Actor.LIAISON)
def connection_removed(it: Scene) -> None:
    it.send(plain())
    TriggerConfig.objects.all().delete()
    it.run()


# -- What CRMS answered ----------------------------------------------------------------------------


@case(Cause.QUEUED, "take it", "It is queued for")
def queued(it: Scene) -> None:
    it.send(plain())


@case(Cause.OVERDUE, "take it", "The dispatcher is not running", Actor.ADMINISTRATOR)
def overdue(it: Scene) -> None:
    it.send(plain())
    it.set_delivery(due_at=clock.now() - timedelta(hours=1))


@case(Cause.NEW_HOST, "take it", "asked to deliver", Actor.ADMINISTRATOR)
def new_host(it: Scene) -> None:
    it.send(plain())
    it.set_delivery(due_at=clock.now() - timedelta(hours=1))
    Host.objects.create(pk=uuid4(), asked_at=clock.now())


@case(Cause.BEING_LOOKED_FOR, "take it", "The database was restored from a backup")
def restored(it: Scene) -> None:
    it.send(plain())
    delivering.restored()


@case(Cause.NOT_SEARCHABLE, "take it", "The database was restored from a backup", Actor.SUPPORT)
def restored_and_not_searchable(it: Scene) -> None:
    it.destination.options["look_up"] = False
    it.destination.save()
    it.send(plain())
    delivering.restored()
    it.run()


@case(Cause.RUNNING, "take it", "being sent right now")
def running(it: Scene) -> None:
    it.send(plain())
    claim(it.delivery.pk)


@case(Cause.REJECTED, "take it", "“Date of birth is required”", Actor.REFERRAL_STAFF)
def answer_400(it: Scene) -> None:
    it.fails("400")


@case(Cause.REJECTED, "take it", "“Postal code is not valid”", Actor.REFERRAL_STAFF)
def answer_422(it: Scene) -> None:
    it.fails("422")


@case(Cause.CREDENTIALS_REFUSED, "connection", "“The token is not valid”", Actor.ADMINISTRATOR)
def answer_401(it: Scene) -> None:
    it.fails("401")


@case(Cause.CREDENTIALS_REFUSED, "connection", "may not import referrals", Actor.ADMINISTRATOR)
def answer_403(it: Scene) -> None:
    it.fails("403")


@case(Cause.IMPORTED, "", "It is in Birchwood CRMS as RF-")
def answer_409_with_the_id(it: Scene) -> None:
    it.fails("409")


@case(Cause.DUPLICATE_THERE, "take it", "“Referral already exists”", Actor.SUPPORT)
def answer_409_without_an_id(it: Scene) -> None:
    it.destination.options["look_up"] = False
    it.destination.save()
    it.fails("409-no-id")


@case(Cause.ASKED_TO_WAIT, "take it", "CRMS asks to wait")
def answer_429(it: Scene) -> None:
    it.fails("429")


@case(Cause.SERVER_ERROR, "take it", "It will be tried again on")
def answer_5xx(it: Scene) -> None:
    it.fails("503")


@case(Cause.NO_ANSWER, "take it", "It will be tried again on")
def time_out(it: Scene) -> None:
    it.fails("close")


@case(Cause.BEING_LOOKED_FOR, "take it", "looked for before it is sent again")
def looked_for_after_a_time_out(it: Scene) -> None:
    it.fails("close-after")
    it.set_delivery(due_at=clock.now())
    it.run()


def searched_after_a_time_out(it: Scene) -> None:
    it.fails("close-after")
    Step.objects.update(intended_at=clock.now() - timedelta(hours=1))
    it.set_delivery(due_at=clock.now())
    it.run()


@case(Cause.NO_READABLE_ID, "take it", "with no id that can be read", Actor.SUPPORT)
def answer_2xx_without_an_id(it: Scene) -> None:
    it.crms.answer("create", status=201, json={"status": "inbox"})
    it.imported()


@case(Cause.NOT_SEARCHABLE, "take it", "CRMS cannot be searched (HTTP 404)", Actor.SUPPORT)
def no_search_there(it: Scene) -> None:
    it.crms.fail("look-up", "404")
    searched_after_a_time_out(it)


@case(Cause.UNCLEAR_SEARCH, "take it", "the search listed other referrals", Actor.SUPPORT)
def a_search_that_lists_others(it: Scene) -> None:
    others = {"results": [{"id": "RF-9", "external_reference": "1111111111"}]}
    it.crms.answer("look-up", status=200, json=others)
    searched_after_a_time_out(it)


@case(Cause.UNPROVEN, "take it", "not proved yet", Actor.SUPPORT)
def a_search_that_is_not_proved_and_lists_nothing(it: Scene) -> None:
    it.destination.options["look_up"] = None
    it.destination.save()
    it.crms.answer("look-up", times=None, status=200, json={"results": []})
    searched_after_a_time_out(it)


@case(Cause.SINGLED_OUT, "take it", "Only this referral gets this answer", Actor.SUPPORT)
def singled_out(it: Scene) -> None:
    it.fails("403")
    it.destination.test_connection()
    it.run()


@case(Cause.GONE_THERE, "take it", "no longer has referral RF-", Actor.SUPPORT)
def answer_404_to_a_file(it: Scene) -> None:
    it.fails("404", step="summary")


@case(Cause.UNCONFIRMED, "take it", "It is not there", Actor.SUPPORT)
def unconfirmed(it: Scene) -> None:
    it.send(plain())
    it.set_delivery(state="needs_attention", reason="unconfirmed", message="Nobody knows.")


@case(Cause.RETRIES_EXHAUSTED, "take it", "is working again, press Retry", Actor.SUPPORT)
def gave_up(it: Scene) -> None:
    it.send(plain())
    Delivery.objects.update(tries=99)
    it.crms.fail("create", "503", times=None)
    it.run()


@case(Cause.RETRIES_EXHAUSTED, "take it", "can be reached again, press Retry", Actor.SUPPORT)
def gave_up_without_an_answer(it: Scene) -> None:
    it.send(plain())
    Delivery.objects.update(tries=99)
    it.crms.fail("create", "close", times=None)
    it.run()


@case(
    Cause.REJECTED, "take it", "cleared the error, but the referral is still", Actor.REFERRAL_STAFF
)
def cleared_error(it: Scene) -> None:
    it.fails("400")
    delivering.clear_error(it.delivery, User.objects.create_user("ines"))


@case(Cause.QUARANTINED, "take it", "stopped its worker", Actor.DEVELOPERS)
def quarantined(it: Scene) -> None:
    it.send(plain())
    it.set_delivery(state="needs_attention", reason="quarantined", message="It stopped its worker.")


@case(Cause.BUG, "take it", "Dovetail made a mistake", Actor.DEVELOPERS)
def bug(it: Scene) -> None:
    it.send(plain())
    it.set_delivery(state="needs_attention", reason="bug", message="Dovetail made a mistake.")


@case(Cause.WITHDRAWN, "take it", "Press Retry to import it anyway", Actor.SUPPORT)
def withdrawn(it: Scene) -> None:
    with saying(request_status="entered-in-error"):
        it.send(plain())


# -- Its files -------------------------------------------------------------------------------------


@case(Cause.FILE_REFUSED, "files", "Files of this type are not accepted", Actor.SUPPORT)
def file_refused(it: Scene) -> None:
    it.fails("415", step="attachment", attachments=[LETTER])


@case(Cause.FILE_MISSING, "files", "neither its content", Actor.SUPPORT)
def file_missing(it: Scene) -> None:
    it.imported(attachments=[{**LETTER, "data": None}])


@case(Cause.TO_CORRECT, "files", "Caredove withdrew the file “Lettre", Actor.SUPPORT)
def file_withdrawn(it: Scene) -> None:
    it.imported(attachments=[LETTER])
    key = it.referral.files.get().identity
    with saying(withdrawn=[{"part": "attachments", "key": key}]):
        it.send(plain("referral.edited", number=2))


@case(Cause.FILES_TO_FOLLOW, "files", "They will be sent again automatically")
def files_to_follow(it: Scene) -> None:
    it.imported(attachments=[{**LETTER, "data": None}])
    it.set_delivery(due_at=clock.now() + timedelta(minutes=5))


@case(Cause.ERROR_NOT_CLEARED, "", "Imported after an earlier error", Actor.SUPPORT)
def error_not_cleared(it: Scene) -> None:
    it.crms.fail("create", "400", times=1)
    it.imported()
    it.send(plain("referral.edited", number=2))
    it.run()
