"""The form of a data partner's agreement."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from directory.models import DataPartner, Service, Supplier
from directory.views.agreements import MOST_DAYS
from integrations.destinations.webhook.options import SecretsField

_LINES = ("organizations", "taxonomy_codes", "areas")


class Lines(forms.CharField):
    """A list of texts, one a line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=forms.Textarea(attrs={"rows": 3}), **kwargs)

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (value or "").splitlines() if line.strip()]


class AgreementForm(forms.Form):
    """What a person says of an agreement; `put` writes it onto a data partner, and saves nothing.

    Secrets are never shown again: an empty field leaves them as they are.
    """

    name = forms.CharField(label=_("Name"), max_length=100)
    valid_from = forms.DateField(label=_("First day"), required=False)
    valid_until = forms.DateField(label=_("Last day"), required=False)
    rate = forms.IntegerField(label=_("Requests a minute"), min_value=1, max_value=100_000)
    license_name = forms.CharField(label=_("License"), required=False, max_length=200)
    license_url = forms.URLField(
        label=_("Address of the license"), required=False, assume_scheme="https"
    )
    organizations = Lines(label=_("Only these agencies"), help_text=_("Their ids, one a line."))
    taxonomy_codes = Lines(
        label=_("Only services with these codes"),
        help_text=_("One a line. Codes below these count, too."),
    )
    areas = Lines(label=_("Only services for these areas"), help_text=_("Names, one a line."))
    statuses = forms.MultipleChoiceField(
        label=_("Only services with these statuses"),
        required=False,
        choices=Service.Status.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: active and temporarily closed."),
    )
    sources = forms.MultipleChoiceField(
        label=_("Only entries of these suppliers"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    verified_within_days = forms.IntegerField(
        label=_("Only services verified within so many days"),
        required=False,
        min_value=1,
        max_value=MOST_DAYS,
    )
    not_public = forms.BooleanField(label=_("With entries that are not public"), required=False)
    exclude_fields = Lines(
        label=_("Fields that they do not see"),
        help_text=_("Tables or columns of HSDS, one a line, such as contact or contact.email."),
    )
    notify_url = forms.CharField(
        label=_("Address for notices of changes"), required=False, max_length=500
    )
    notify_secrets = SecretsField(label=_("Secrets that sign notices"), required=False)

    def __init__(self, partner: DataPartner, data: Any = None) -> None:
        super().__init__(data, initial=_initial(partner))
        sources: Any = self.fields["sources"]
        sources.choices = suppliers_of(partner)

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        first, last = found.get("valid_from"), found.get("valid_until")
        if first and last and last < first:
            self.add_error("valid_until", _("The last day is before the first."))
        return found

    def put(self, partner: DataPartner) -> None:
        """Write what was entered onto the data partner, unsaved."""
        given = self.cleaned_data
        for name in ("name", "valid_from", "valid_until", "rate", "exclude_fields", "notify_url"):
            setattr(partner, name, given[name])
        license = {"name": given["license_name"], "url": given["license_url"]}
        partner.license = {name: value for name, value in license.items() if value}
        keys = (*_LINES, "statuses", "sources", "verified_within_days", "not_public")
        partner.include = {key: given[key] for key in keys if given[key]}
        if given["notify_secrets"]:
            partner.notify_secrets = given["notify_secrets"]


def suppliers_of(partner: DataPartner) -> list[tuple[str, str]]:
    """Return the suppliers, and those that the agreement names and that are not there.

    Without these, saving the form would take them from the agreement, which then lets in more.
    """
    names = list(Supplier.objects.values_list("name", flat=True))
    missing = [name for name in partner.include.get("sources", []) if name not in names]
    absent = _("%(name)s (there is no such supplier)")
    return [(name, name) for name in names] + [(name, absent % {"name": name}) for name in missing]


def _initial(partner: DataPartner) -> dict[str, Any]:
    found = {
        name: getattr(partner, name)
        for name in ("name", "valid_from", "valid_until", "rate", "notify_url")
    }
    found |= {f"license_{name}": value for name, value in partner.license.items()}
    found |= partner.include
    for name in _LINES:
        found[name] = "\n".join(partner.include.get(name, []))
    return found | {"exclude_fields": "\n".join(partner.exclude_fields)}
