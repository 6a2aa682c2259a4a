"""The forms of connecting a listing."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from django import forms
from django.db.models import Model, QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations.connections import mappings_for
from integrations.models import Destination, ServiceListing, TriggerConfig
from integrations.triggers import TRIGGERS


class ConnectionForm(forms.ModelForm):  # type: ignore[type-arg]
    """Where, when and how for one listing. What can be chosen depends on the listing.

    A connection stays between its listing and its destination: imports were started for the pair.
    """

    on = forms.MultipleChoiceField(
        label=_("Triggers"),
        choices=[(trigger.key, trigger.label) for trigger in TRIGGERS],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one trigger.")},
    )

    class Meta:
        model = TriggerConfig
        fields = ["destination", "on", "include_routed", "mapping", "enabled"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        listing = self.instance.listing
        within = Destination.objects.filter(organization=listing.organization_id)
        if self.instance.pk:
            within = within.filter(pk=self.instance.destination_id)
            self.fields["destination"].disabled = True
        else:
            by_trigger = [one.pk for one in within if one.transport().by_trigger]
            within = within.filter(pk__in=by_trigger)
        self._offer("destination", within)
        self._offer("mapping", mappings_for(listing, within))
        self.fields["on"].widget.attrs["aria-label"] = "Triggers"

    def _offer(self, name: str, rows: QuerySet[Any]) -> None:
        """Let people choose among these; a single one is chosen already."""
        field: Any = self.fields[name]
        field.queryset = rows
        found = list(rows)
        if len(found) == 1:
            field.empty_label = None
            self.initial[name] = found[0].pk
        # Once, and not again as the widget is drawn.
        none = [] if field.empty_label is None else [("", field.empty_label)]
        field.widget.choices = [*none, *((one.pk, field.label_from_instance(one)) for one in found)]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        destination = cleaned.get("destination")
        listing = self.instance.listing
        pair = TriggerConfig.objects.filter(listing=listing, destination=destination)
        if destination and pair.exclude(pk=self.instance.pk).exists():
            self.add_error(
                "destination",
                gettext("{listing} is connected to {destination} already.").format(
                    listing=listing, destination=destination
                ),
            )
        return cleaned

    def triggers(self) -> Iterable[dict[str, Any]]:
        """Yield each trigger with whether it is chosen now."""
        chosen = self["on"].value() or []
        return [{"trigger": trigger, "chosen": trigger.key in chosen} for trigger in TRIGGERS]


class CopyForm(forms.Form):
    """Which connection to begin with, grouped by organization."""

    copy = forms.ModelChoiceField(
        TriggerConfig.objects.none(),
        label=_("Copy from another listing"),
        empty_label=_("Choose one"),
    )

    def __init__(self, *args: Any, configs: QuerySet[TriggerConfig], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["copy"]
        field.queryset = configs
        rows = configs.order_by("listing__organization__name", "listing__name")
        self.offers = _by_organization(rows)
        field.choices = [("", gettext("Choose one")), *self.offers]


def _by_organization(configs: Iterable[TriggerConfig]) -> list[tuple[str, list[tuple[int, str]]]]:
    def organization(config: TriggerConfig) -> str:
        return str(config.listing.organization)

    return [
        (name, [(config.pk, f"{config.listing} – {config.labels()}") for config in group])
        for name, group in groupby(configs, organization)
    ]


class ChooseListings(forms.Form):
    """Some of an organization's listings."""

    listings = forms.MultipleChoiceField(
        error_messages={"required": _("Choose at least one listing.")},
    )

    def __init__(self, *args: Any, listings: Iterable[ServiceListing], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = {str(listing.pk): listing for listing in listings}
        field: Any = self.fields["listings"]
        field.choices = [(key, str(listing)) for key, listing in self.offered.items()]

    def chosen(self) -> list[ServiceListing]:
        """Return the listings that a valid form names, in the order in which they are offered."""
        keys = self.cleaned_data["listings"]
        return [listing for key, listing in self.offered.items() if key in keys]


def initial_from(pattern: TriggerConfig, listing: ServiceListing) -> dict[str, Any]:
    """Return what of another connection can be used for this listing, to begin a form with."""
    same = pattern.listing.organization_id == listing.organization_id
    mine = pattern.mapping.organization_id in (None, listing.organization_id)
    return {
        "on": pattern.on,
        "include_routed": pattern.include_routed,
        "enabled": pattern.enabled,
        **_if(same, destination=pattern.destination),
        **_if(mine, mapping=pattern.mapping),
    }


def _if(condition: bool, **rows: Model) -> dict[str, Any]:
    return {name: row.pk for name, row in rows.items()} if condition else {}
