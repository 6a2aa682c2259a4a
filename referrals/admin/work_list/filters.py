"""What the work list is narrowed by: one form, whose choices are the person's own."""

from collections.abc import Iterator
from datetime import MAXYEAR, MINYEAR, date, datetime, time, timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from integrations.models import Destination, Organization, ServiceListing
from integrations.transport import ErrorKind
from integrations.triggers import TRIGGER_LABELS
from referrals.admin.searching import NAME_VAR
from referrals.answers.causes import AWAKE, CAUSES, SNOOZED, UNCLEARED
from referrals.models import Delivery

Deliveries = QuerySet[Delivery]
OFFERED = 1_000  # of a kind; who has more narrows by another kind first
DIGITS = 18  # of a key, at most; SQLite takes no longer number
ALL = "all"


class Choice(admin.SimpleListFilter):
    """One of several values, in a list that opens; what is not offered is not looked at."""

    template = "admin/referrals/choice.html"
    unchosen = _("All")
    names: ClassVar[tuple[str, ...]]  # in the URL
    seldom: ClassVar[bool] = True  # folded away until it is used

    def __init_subclass__(cls) -> None:
        cls.names = (str(cls.parameter_name),)

    def value(self) -> str | None:
        chosen = super().value()
        return chosen if chosen in {str(value) for value, display in self.lookup_choices} else None

    def choices(self, changelist: Any) -> Iterator[Any]:
        chosen = self.value()
        yield {"value": "", "display": self.unchosen, "selected": chosen is None}
        for value, display in self.lookup_choices:
            yield {"value": value, "display": display, "selected": str(value) == chosen}

    def queryset(self, request: HttpRequest, queryset: Deliveries) -> Deliveries:
        chosen = self.value()
        return queryset if chosen is None else queryset.filter(self.condition(chosen))

    def condition(self, chosen: str) -> Q:
        raise NotImplementedError


class ErrorFilter(Choice):
    """Errors that nobody has cleared, unless something else is asked for."""

    title = _("errors")
    seldom = False
    parameter_name = "error"
    unchosen = _("Not cleared yet")
    conditions: ClassVar = {
        "cleared": Q(error_at__isnull=False, error_cleared_at__isnull=False),
        ALL: Q(),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("cleared", _("Cleared")), (ALL, _("All, with and without"))]

    def value(self) -> str | None:
        """Return what is chosen; what somebody searches for may well have no error."""
        chosen = super().value()
        return ALL if chosen is None and _is_searched(self.request) else chosen

    def queryset(self, request: HttpRequest, queryset: Deliveries) -> Deliveries:
        if self.value() is None and _names_its_rows(request):
            return queryset
        return queryset.filter(self.conditions.get(self.value() or "", UNCLEARED))


def since_field(request: HttpRequest) -> str:
    """Return which moment of an import the list is about, sorts by and filters by."""
    chosen = request.GET.get(ErrorFilter.parameter_name)
    return "opened_at" if chosen == ALL or _is_searched(request) else "error_at"


def shows_uncleared(request: HttpRequest) -> bool:
    """Return whether the list is of errors that wait to be cleared."""
    return since_field(request) == "error_at" and not request.GET.get(ErrorFilter.parameter_name)


def _is_searched(request: HttpRequest) -> bool:
    return bool(request.GET.get(SEARCH_VAR) or request.GET.get(NAME_VAR))


def _names_its_rows(request: HttpRequest) -> bool:
    """Whether an action is asked for, of rows that were chosen one by one."""
    return request.method == "POST" and request.POST.get("select_across", "0") != "1"


def is_key(chosen: str) -> bool:
    """Return whether it can be the key of a row."""
    return chosen.isdecimal() and len(chosen) <= DIGITS


class RelatedChoice(Choice):
    """Rows of the configuration that the person may see."""

    model: ClassVar[Any]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        rows = model_admin.admin_site.get_model_admin(self.model).get_queryset(request)
        plain = self.narrowed(rows, request).prefetch_related(None)
        return [(row.pk, self.label(row)) for row in plain[:OFFERED]]

    def has_output(self) -> bool:
        return len(self.lookup_choices) > 1

    def narrowed(self, rows: Any, request: HttpRequest) -> Any:
        """Return those rows that fit the organization that is chosen beside, if there is one."""
        chosen = request.GET.get(OrganizationFilter.parameter_name, "")
        return rows.filter(organization=chosen) if is_key(chosen) else rows

    def label(self, row: Any) -> str:
        return str(row)


class OrganizationFilter(RelatedChoice):
    seldom = False
    title = _("organization")
    parameter_name = "organization"
    model = Organization

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        self.destinations = destinations_of(request, model_admin)
        return super().lookups(request, model_admin)

    def narrowed(self, rows: Any, request: HttpRequest) -> Any:
        return rows.only("name")

    def condition(self, chosen: str) -> Q:
        theirs = [one.pk for one in self.destinations if one.organization_id == int(chosen)]
        return Q(destination__in=theirs)


class ListingFilter(RelatedChoice):
    title = _("listing")
    parameter_name = "listing"
    model = ServiceListing

    def condition(self, chosen: str) -> Q:
        return Q(referral__listing=int(chosen))


class DestinationFilter(RelatedChoice):
    seldom = False
    title = _("destination")
    parameter_name = "destination"
    model = Destination

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        chosen = request.GET.get(OrganizationFilter.parameter_name, "")
        return [
            (one.pk, self.label(one))
            for one in destinations_of(request, model_admin)
            if not is_key(chosen) or one.organization_id == int(chosen)
        ][:OFFERED]

    def condition(self, chosen: str) -> Q:
        return Q(destination=int(chosen))


def destinations_of(request: HttpRequest, model_admin: Any) -> list[Destination]:
    """Return the destinations that the person may see; asked once a request."""
    known: list[Destination] | None = getattr(request, "_destinations", None)
    if known is None:
        rows = model_admin.admin_site.get_model_admin(Destination).get_queryset(request)
        known = list(rows.select_related("organization").defer("options"))
        request._destinations = known  # type: ignore[attr-defined]
    return known


class CauseFilter(Choice):
    seldom = False
    title = _("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(cause.key, cause.label) for cause in CAUSES]

    def condition(self, chosen: str) -> Q:
        return next(cause.condition for cause in CAUSES if cause.key == chosen)


class WorkFilter(Choice):
    """Whose work it is, and when; what is snoozed is left out of work that is open."""

    seldom = False
    title = _("work")
    parameter_name = "work"
    unchosen = pgettext_lazy("errors", "Open")
    MINE, UNASSIGNED, LATER = "mine", "unassigned", "snoozed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        labels = (_("Mine"), _("Unassigned"), _("Snoozed"))
        return list(zip((self.MINE, self.UNASSIGNED, self.LATER), labels, strict=True))

    def queryset(self, request: HttpRequest, queryset: Deliveries) -> Deliveries:
        if self.value() is None:
            return queryset.filter(AWAKE) if _is_of_open_work(request) else queryset
        return super().queryset(request, queryset)

    def condition(self, chosen: str) -> Q:
        return work(chosen, self.request.user)


def work(chosen: str, user: Any) -> Q:
    """Return what a value of WorkFilter asks for."""
    match chosen:
        case WorkFilter.MINE:
            return UNCLEARED & AWAKE & Q(assigned_to=user.pk)
        case WorkFilter.UNASSIGNED:
            # Who has left sees to nothing any more.
            gone = Q(assigned_to__isnull=True) | Q(assigned_to__is_active=False)
            return UNCLEARED & AWAKE & gone
        case _:
            return SNOOZED


def _is_of_open_work(request: HttpRequest) -> bool:
    """Whether the list is of what somebody has to do: by its errors, or by its cause."""
    if _is_searched(request) or _names_its_rows(request):
        return False
    get = request.GET.get
    return not get(ErrorFilter.parameter_name) or bool(get(CauseFilter.parameter_name))


class StateFilter(Choice):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(state.value, state.label) for state in Delivery.State]

    def condition(self, chosen: str) -> Q:
        return Q(state=chosen)


class KindFilter(Choice):
    """What went wrong in the last attempt, whatever the destination speaks."""

    title = _("kind of failure")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(kind.value, kind.label) for kind in ErrorKind]

    def condition(self, chosen: str) -> Q:
        return Q(last_kind=chosen)


class CodeFilter(Choice):
    """The codes of the contract with CRMS, as they are shown; of the last attempt."""

    title = _("HTTP code")
    parameter_name = "code"
    no_answer = "0"
    single = (
        *("201", "400", "401", "403", "404", "409", "413", "415", "422", "429"),
        *("500", "502", "503", "504"),
    )
    # From the first to before the second, in the order of text, so that an index finds them.
    ranges: ClassVar = {"4xx": ("HTTP 4", "HTTP 5"), "5xx": ("HTTP 5", "HTTP 6")}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            *((key, _("Any %(code)s") % {"code": key}) for key in self.ranges),
            *((code, code) for code in self.single),
            (self.no_answer, _("No answer")),
        ]

    def condition(self, chosen: str) -> Q:
        if limits := self.ranges.get(chosen):
            first, end = limits
            return Q(last_code__gte=first, last_code__lt=end)
        return Q(last_code="" if chosen == self.no_answer else f"HTTP {chosen}")


class TriggerFilter(Choice):
    title = _("trigger")
    parameter_name = "trigger"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(TRIGGER_LABELS.items())

    def condition(self, chosen: str) -> Q:
        return Q(triggers__holds=chosen)


class DateFilter(admin.ListFilter):
    """The days, in the time zone of the pages, between which an import has its "since"."""

    title = _("since")
    template = "admin/referrals/dates.html"
    seldom = True
    names: ClassVar[tuple[str, ...]] = ("from", "to")

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.moment = since_field(request)
        for name in self.names:
            if values := params.pop(name, None):
                self.used_parameters[name] = values[-1]

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(self.names)

    def choices(self, changelist: Any) -> Iterator[Any]:
        for name in self.names:
            day = self._day(name)
            yield {"name": name, "value": day.isoformat() if day else ""}

    def queryset(self, request: HttpRequest, queryset: Deliveries) -> Deliveries:
        first, last = map(self._day, self.names)
        if first:
            queryset = queryset.filter(**{f"{self.moment}__gte": _midnight(first)})
        if last:
            end = _midnight(last + timedelta(days=1))
            queryset = queryset.filter(**{f"{self.moment}__lt": end})
        return queryset

    def _day(self, name: str) -> date | None:
        try:
            day = date.fromisoformat(str(self.used_parameters.get(name, "")))
        except ValueError:
            return None
        return day if MINYEAR < day.year < MAXYEAR else None  # the day after it is a day, too


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


class OrderFilter(Choice):
    """Not a filter, but it stands with them: which end comes first."""

    title = _("order")
    parameter_name = "order"
    unchosen = _("As usual")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("oldest", _("Oldest first")), ("newest", _("Newest first"))]

    def condition(self, chosen: str) -> Q:
        return Q()


class ColumnsFilter(admin.ListFilter):
    """Not a filter, but it stands in the URL with them: which columns are shown."""

    title = _("columns")
    names: ClassVar[tuple[str, ...]] = ("columns",)

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        params.pop("columns", None)

    def has_output(self) -> bool:
        return False

    def expected_parameters(self) -> list[str | None]:
        return list(self.names)

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield from ()

    def queryset(self, request: HttpRequest, queryset: Deliveries) -> Deliveries:
        return queryset
