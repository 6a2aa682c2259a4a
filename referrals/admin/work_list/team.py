"""Sharing the work: errors are taken, assigned, and snoozed, one or many at a time."""

from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from referrals.admin.work_list.deciding import MOST, DecidingAdmin, answer_of, back
from referrals.answers.causes import SNOOZED, UNCLEARED
from referrals.delivering.decisions import team, undoing
from referrals.models import Deed, Delivery

LONGEST = 90  # days of a snooze: what is put off for good is cleared or dismissed
NOBODY = "nobody"
TAKEN = ngettext_lazy("%(count)s import is yours now.", "%(count)s imports are yours now.", "count")
ASSIGNED = ngettext_lazy(
    "%(count)s import was assigned to %(name)s.",
    "%(count)s imports were assigned to %(name)s.",
    "count",
)
NOBODYS = ngettext_lazy(
    "%(count)s import is assigned to nobody now.",
    "%(count)s imports are assigned to nobody now.",
    "count",
)
PUT_OFF = ngettext_lazy(
    "%(count)s import was snoozed until %(day)s.",
    "%(count)s imports were snoozed until %(day)s.",
    "count",
)


class AssignForm(forms.Form):
    to = forms.ChoiceField(label=gettext_lazy("To whom?"), widget=forms.Select({"autofocus": True}))

    def __init__(self, people: QuerySet[User], data: Any = None) -> None:
        super().__init__(data)
        self.people = people
        names = [(str(one.pk), name_of(one)) for one in people]
        to: Any = self.fields["to"]
        to.choices = [*names, (NOBODY, gettext_lazy("Nobody"))]

    def chosen(self) -> User | None:
        to = self.cleaned_data["to"]
        return None if to == NOBODY else self.people.get(pk=to)


class SnoozeForm(forms.Form):
    until = forms.DateField(
        label=gettext_lazy("Until which day?"),
        help_text=gettext_lazy(
            "It is shown again on the morning of that day, and at once when it fails again."
        ),
        widget=forms.DateInput({"type": "date", "autofocus": True}, format="%Y-%m-%d"),
    )

    def __init__(self, today: date, data: Any = None) -> None:
        first, last = today + timedelta(days=1), today + timedelta(days=LONGEST)
        super().__init__(data, initial={"until": today + timedelta(days=7)})
        self.first, self.last = first, last
        self.fields["until"].widget.attrs |= {"min": first.isoformat(), "max": last.isoformat()}

    def clean_until(self) -> date:
        given: date = self.cleaned_data["until"]
        if not self.first <= given <= self.last:
            raise forms.ValidationError(
                _("Choose a day from tomorrow on, at most %(days)s days away.") % {"days": LONGEST}
            )
        return given


class TeamAdmin(DecidingAdmin):
    actions = ["take", "assign", "snooze", "wake", *DecidingAdmin.actions]

    @admin.action(description=gettext_lazy("Take"), permissions=["decide"])
    def take(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> HttpResponse | None:
        """Make errors one's own; what is a colleague's can be taken over."""
        user: Any = request.user
        deliveries = queryset.filter(UNCLEARED)
        self._assign(request, deliveries, user, TAKEN)
        return back(request, queryset)

    @admin.action(description=gettext_lazy("Assign"), permissions=["decide"])
    def assign(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> HttpResponse | None:
        deliveries = queryset.filter(UNCLEARED)
        organizations = deliveries.order_by().values_list("destination__organization", flat=True)
        form = AssignForm(team.colleagues(set(organizations.distinct())), answer_of(request))
        if not form.is_valid():
            text = _(
                "Whoever an error is assigned to finds it under “Mine” in the work list. Only "
                "those who may see all of these imports are offered."
            )
            return self._ask(request, deliveries, "assign", form, text)
        to = form.chosen()
        self._assign(request, deliveries, to, ASSIGNED if to else NOBODYS)
        return back(request, queryset)

    def _assign(
        self, request: HttpRequest, deliveries: QuerySet[Delivery], to: User | None, sentence: Any
    ) -> None:
        user: Any = request.user
        given: list[tuple[Delivery, undoing.Before]] = []
        chosen = list(_oldest(deliveries))
        with transaction.atomic():
            for delivery in chosen:
                with suppress(team.NotAColleague):  # it is counted below
                    if team.assign(delivery, to, user):
                        given.append((delivery, undoing.before(delivery)))
        after = {"assigned_to": to.pk if to else None}
        name = name_of(to) if to else ""
        self._report_done(request, Deed.What.ASSIGN, given, sentence, after, name=name)
        self._report_left(request, len(chosen) - len(given))

    @admin.action(description=gettext_lazy("Snooze"), permissions=["decide"])
    def snooze(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> HttpResponse | None:
        deliveries = queryset.filter(UNCLEARED)
        form = SnoozeForm(timezone.localdate(), answer_of(request))
        if not form.is_valid():
            text = _(
                "A snoozed error is left out of the open work until the day that you choose. The "
                "daily digest counts it meanwhile."
            )
            return self._ask(request, deliveries, "snooze", form, text)
        day = form.cleaned_data["until"]
        until = timezone.make_aware(datetime.combine(day, time.min))
        user: Any = request.user
        chosen = list(_oldest(deliveries))
        with transaction.atomic():
            asleep = [(one, undoing.before(one)) for one in chosen if team.snooze(one, until, user)]
        after = {"snoozed_until": until.isoformat()}
        self._report_done(request, Deed.What.SNOOZE, asleep, PUT_OFF, after, day=date_format(day))
        self._report_left(request, len(chosen) - len(asleep))
        return back(request, queryset)

    @admin.action(description=gettext_lazy("End the snooze"), permissions=["decide"])
    def wake(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> HttpResponse | None:
        user: Any = request.user
        awake = sum(team.wake(one, user) for one in _oldest(queryset.filter(SNOOZED)))
        message = ngettext(
            "%(count)s import is shown again.", "%(count)s imports are shown again.", awake
        )
        self.message_user(request, message % {"count": awake}, messages.SUCCESS)
        return back(request, queryset)

    def _report_left(self, request: HttpRequest, left: int) -> None:
        if left:
            message = ngettext(
                "%(count)s was left as it is: somebody else has just acted on it, or may not see "
                "it.",
                "%(count)s were left as they are: somebody else has just acted on them, or may not "
                "see them.",
                left,
            )
            self.message_user(request, message % {"count": left}, messages.WARNING)


def name_of(person: User) -> str:
    """Return what colleagues call a person."""
    return person.get_full_name() or person.get_username()


def _oldest(deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
    full = deliveries.select_related("referral", "destination__organization")
    return full.order_by("error_at")[:MOST]
