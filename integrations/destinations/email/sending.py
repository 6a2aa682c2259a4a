"""What a person chooses each time that they send a referral by hand: who gets it."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from integrations.destinations.email.options import AddressesField, domain_of


class SendingForm(forms.Form):
    """The fixed recipients by a tick, and others of the allowed domains."""

    fixed = forms.MultipleChoiceField(
        label=_("Recipients"), required=False, widget=forms.CheckboxSelectMultiple
    )
    others = AddressesField(label=_("Other recipients"), required=False)

    def __init__(
        self, data: Mapping[str, Any] | None, *, fixed: Sequence[str], domains: Sequence[str]
    ) -> None:
        super().__init__(data, initial={"fixed": list(fixed)})
        self._domains = domains
        self.fields["fixed"].choices = [(one, one) for one in fixed]  # type: ignore[attr-defined]
        if not fixed:
            del self.fields["fixed"]
        if not domains:
            del self.fields["others"]
        else:
            self.fields["others"].help_text = _("One a line. Allowed: %(domains)s.") % {
                "domains": ", ".join(domains)
            }

    def clean_others(self) -> list[str]:
        addresses = str(self.cleaned_data["others"]).splitlines()
        for address in addresses:
            if domain_of(address) not in self._domains:
                raise ValidationError(
                    _("%(address)s is not of an allowed domain."), params={"address": address}
                )
        return addresses

    def clean(self) -> dict[str, Any]:
        """Put together who gets it, as `recipients`."""
        found: dict[str, Any] = super().clean() or {}
        everybody = [*found.get("fixed", []), *found.get("others", [])]
        if not everybody and not self.errors:
            raise ValidationError(_("Choose at least one recipient."))
        found["recipients"] = list(dict.fromkeys(everybody))
        return found
