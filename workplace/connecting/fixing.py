"""Where what is missing is fixed, and by whom."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from integrations.models import ServiceListing, TriggerConfig
from referrals.answers.readiness import Need
from referrals.gates import About


@dataclass(frozen=True, slots=True)
class Fix:
    """A need, and the way to fix it: a link, or the one to ask."""

    need: Need
    url: str = ""
    label: str = ""

    @property
    def ask(self) -> str:
        return "" if self.url or self.need.met else self.need.actor.label


_PERMISSION = {
    About.ORGANIZATION: "integrations.change_organization",
    About.SOURCE: "integrations.add_sourcecredential",
    About.EVENTS: "integrations.view_organization",
    About.DESTINATION: "integrations.change_destination",
    About.MAPPING: "mapping.change_mapping",
    About.CONNECTION: "integrations.change_triggerconfig",
}
_LABEL = {
    About.ORGANIZATION: _("Open the organization"),
    About.SOURCE: _("Make credentials"),
    About.EVENTS: _("See how events come"),
    About.DESTINATION: _("Open the destination"),
    About.MAPPING: _("Open the mapping"),
    About.CONNECTION: _("Choose below"),
}


def fix_of(
    request: HttpRequest, need: Need, listing: ServiceListing, config: TriggerConfig | None
) -> Fix:
    """Return the need with the link that fixes it, where the person may follow it."""
    if need.met or not request.user.has_perm(_PERMISSION[need.about]):
        return Fix(need)
    return Fix(need, _url(need.about, listing, config), str(_LABEL[need.about]))


def _url(about: About, listing: ServiceListing, config: TriggerConfig | None) -> str:
    onboarding = reverse("admin:onboarding", args=[listing.organization_id])
    if about is About.ORGANIZATION:
        return reverse("admin:integrations_organization_change", args=[listing.organization_id])
    if about is About.CONNECTION:
        return "#connection"
    if about is About.DESTINATION:
        return _destination(config)
    if about is About.MAPPING and config:
        return reverse("admin:mapping_mapping_change", args=[config.mapping_id])
    return f"{onboarding}#{'credentials' if about is About.SOURCE else 'test'}"


def _destination(config: TriggerConfig | None) -> str:
    if config is None:
        return reverse("admin:integrations_destination_add")
    return reverse("admin:integrations_destination_change", args=[config.destination_id])
