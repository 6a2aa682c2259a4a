"""The versions of a delivery on its page, and sending one of them again."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.transport import Transport, Updates
from referrals import delivering
from referrals.answers.whereabouts import why_in_words
from referrals.models import Attempt, Delivery, Version
from referrals.running.tasks import wake_delivery

SHOWN = 50  # the newest
DECIDE = "referrals.decide_delivery"
QUEUED = gettext_lazy("Version {number} is sent again.")
AS_IT_WAS = gettext_lazy(
    "Referral {reference} is sent to {where} once more, as it was in version {number}."
)
AS_IT_WAS_WITH_FILES = gettext_lazy(
    "Referral {reference} is sent to {where} once more, as it was in version {number}, with its "
    "summary and attachments."
)
KNOWN_THERE = gettext_lazy(
    "{where} knows each version by its ID: if it already has this one, nothing changes there."
)
IS_REMOVAL = gettext_lazy("It asks {where} to remove the referral, once more.")
NEWER_THERE = gettext_lazy("{where} already has version {done}.")
REPLACES = gettext_lazy("This older version takes its place, until a newer one is sent.")
COMES_AFTER = gettext_lazy("This older version arrives after it.")


@dataclass(frozen=True, slots=True)
class Shown:
    """One version, as its row says it. Without a `replay_url` it cannot be sent again."""

    version: Version
    why: str
    done_at: datetime | None
    attempts: list[Attempt]
    replay_url: str
    why_not: str


def shown_versions(request: HttpRequest, delivery: Delivery) -> list[Shown]:
    """Return the newest versions; none of a delivery that never has more than one to show."""
    transport = delivery.destination.transport()
    if not (transport.takes_more or transport.repeatable or delivery.wanted > 1):
        return []
    newest = delivery.versions.select_related("asked_by", "opened_by", "run")
    found = newest.prefetch_related("attempts", "steps").order_by("-number")[:SHOWN]
    offered = may_replay(request, delivery)
    return [_shown(version, delivery, transport, offered=offered) for version in found]


def may_replay(request: HttpRequest, delivery: Delivery) -> bool:
    """Return whether this person may replay what this kind of destination can take again."""
    return request.user.has_perm(DECIDE) and delivery.destination.transport().repeatable


def _shown(version: Version, delivery: Delivery, transport: Transport, *, offered: bool) -> Shown:
    version.delivery = delivery
    why_not = delivering.why_not_replay(version, transport) if offered else ""
    url = reverse("admin:referrals_delivery_replay", args=[delivery.pk, version.number])
    return Shown(
        version,
        why_in_words(version),
        _done_at(version),
        sorted(version.attempts.all(), key=lambda attempt: attempt.number),
        url if offered and not why_not else "",
        why_not,
    )


def _done_at(version: Version) -> datetime | None:
    """Return when the destination accepted it."""
    if version.state != Version.State.ACCEPTED:
        return None
    if version.run:
        return version.run.ended_at
    done = [step.done_at for step in version.steps.all() if step.done_at]
    return min(done, default=None)


class VersionsAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    def get_urls(self) -> list[Any]:
        replay = self.admin_site.admin_view(self.replay_view)
        own = path(
            "<uuid:pk>/versions/<int:number>/replay/", replay, name="referrals_delivery_replay"
        )
        return [own, *super().get_urls()]

    def replay_view(self, request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
        """Say what is sent again, and what the destination does with it; a POST sends it."""
        if not request.user.has_perm(DECIDE):
            raise PermissionDenied
        delivery = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_view_permission(request, delivery):
            raise PermissionDenied
        version = get_object_or_404(delivery.versions, number=number)
        version.delivery = delivery
        transport = delivery.destination.transport()
        page = reverse("admin:referrals_delivery_change", args=[pk])
        if request.method == "POST":
            self._replay(request, version, transport)
            return HttpResponseRedirect(page)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Replay version {number} of {referral}").format(
                number=number, referral=delivery.referral
            ),
            "opts": self.model._meta,
            "sentences": list(_what_happens(version, transport)),
            "why_not": delivering.why_not_replay(version, transport),
            "button": _("Replay"),
            "back_url": page,
        }
        return TemplateResponse(request, "admin/referrals/confirm.html", context)

    def _replay(self, request: HttpRequest, version: Version, transport: Transport) -> None:
        chosen = Version.objects.filter(pk=version.pk)
        done = delivering.replay(chosen, transport, request.user)  # type: ignore[arg-type]
        for refused in done.refused:
            self.message_user(
                request, _("Not sent again: {why}").format(why=refused.why), messages.WARNING
            )
        if done.queued:
            wake_delivery(version.delivery_id)
            message = QUEUED.format(number=version.number)
            self.message_user(request, message, messages.SUCCESS)


def _what_happens(version: Version, transport: Transport) -> Iterator[str]:
    delivery = version.delivery
    where = delivery.destination
    if version.action == Version.Action.REMOVE:
        yield IS_REMOVAL.format(where=where)
    else:
        sentence = AS_IT_WAS if transport.batches else AS_IT_WAS_WITH_FILES
        yield sentence.format(reference=delivery.reference, where=where, number=version.number)
    yield KNOWN_THERE.format(where=where)
    if version.number < delivery.done:
        later = REPLACES if transport.updates is Updates.LATEST else COMES_AFTER
        yield f"{NEWER_THERE.format(where=where, done=delivery.done)} {later}"
