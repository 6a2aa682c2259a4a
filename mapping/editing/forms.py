"""The forms of a mapping: the editor's, checked as a whole, and the one that starts a new one."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from mapping.editing import exchange, testing, versions
from mapping.editing.editor import MappingDraft, draft_of, typed
from mapping.editing.testing import Outcome
from mapping.engine.checks import Fault, check_mapping
from mapping.engine.targets import kind_label, target_fields
from mapping.models import Mapping

CHANGED_MEANWHILE = _(
    "Somebody saved this mapping while you were working on it. Your changes are below and not "
    "saved: look at the versions, then save again to put yours on top."
)


class MappingForm(forms.ModelForm):  # type: ignore[type-arg]
    """A mapping with its rules and value tables.

    `draft` is what the page shows; `faults`, `failures` say why it is not saved.
    """

    note = forms.CharField(
        label=_("What changed, and why"),
        required=False,
        max_length=300,
        help_text=_("For the list of versions."),
    )
    base = forms.IntegerField(required=False, widget=forms.HiddenInput)
    author: Any = None

    class Meta:
        model = Mapping
        fields = ["name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.targets = target_fields(self.instance.destination_kind)
        self.faults: Sequence[Fault] = ()
        self.failures: Sequence[Outcome] = ()
        self.newest = versions.newest_number(self.instance)
        self.initial["base"] = self.newest
        self.draft: MappingDraft = (
            typed(self.data, self.targets)  # type: ignore[arg-type]
            if self.is_bound
            else draft_of(exchange.export_mapping(self.instance))
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        self._check_draft()
        if not self.faults and not self.errors:
            self._run_tests()
        base = cleaned.get("base")
        if base is not None and base != self.newest:
            self.add_error(None, CHANGED_MEANWHILE)
        return cleaned

    def _check_draft(self) -> None:
        """Find what is wrong with the rules and tables, each where it stands."""
        self.rules, self.tables = self.draft.engine_rules(), self.draft.entries()
        self.faults = check_mapping(self.instance.destination_kind, self.rules, self.tables)
        if self.faults or any(table.faults for table in self.draft.tables):
            self.add_error(
                None, gettext("It is not saved yet. What is wrong stands at each field:")
            )
        elif self.draft.has_pasted:
            self.add_error(None, gettext("Look at the pasted rows below, then save again."))

    def _run_tests(self) -> None:
        """Stop at test cases that fail, but for those that the person has named."""
        outcomes = testing.run(self.instance.tests.all(), self.rules, self.tables, self.targets)
        self.failures = [outcome for outcome in outcomes if not outcome.passed]
        self.accepted = {outcome.test.pk: self._verdict(outcome) for outcome in self.failures}
        if not all(self.accepted.values()):
            self.add_error(
                None, gettext("A test case gives something else now. It is not saved yet.")
            )

    def _verdict(self, outcome: Outcome) -> str:
        """Return what the person says about a failure: `anyway`, `renew`, or nothing yet."""
        text = str(self.data.get(f"test-{outcome.test.pk}", ""))
        return text if text in ("anyway", "renew") else ""

    def _save_m2m(self) -> None:
        super()._save_m2m()  # type: ignore[misc]
        content = self.draft.content(self.instance.name, self.instance.destination_kind)
        exchange.store_parts(self.instance, content, self.author, self._version_note())
        for outcome in self.failures:
            if self.accepted[outcome.test.pk] == "renew":
                testing.renew(outcome)

    def _version_note(self) -> str:
        """Return the person's note, with the test cases that were passed over by name."""
        passed_over = [
            f"“{outcome.test.name}”"
            for outcome in self.failures
            if self.accepted[outcome.test.pk] == "anyway"
        ]
        note = str(self.cleaned_data["note"])
        if not passed_over:
            return note
        failing = gettext("Saved although {names} failed.").format(names=", ".join(passed_over))
        return f"{note.rstrip('.')}. {failing}" if note else failing


class NewMappingForm(forms.Form):
    """A new mapping begins as a copy of another; whose it is stays as it is chosen here."""

    start = forms.ModelChoiceField(
        Mapping.objects.none(),
        label=_("Begin with a copy of"),
        empty_label=None,
        help_text=_("The default mapping of a destination kind fits most listings."),
    )
    name = forms.CharField(max_length=100, help_text=_("How listings will find it."))
    organization = forms.ModelChoiceField(
        Mapping.objects.none(),
        help_text=_("Who uses it. This cannot be changed later."),
    )

    def __init__(
        self,
        *args: Any,
        mappings: QuerySet[Mapping],
        organizations: QuerySet[Any],
        may_share: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        start: Any = self.fields["start"]
        start.queryset = mappings.select_related("organization")
        start.label_from_instance = _described
        self._offer_organizations(self.fields["organization"], organizations, may_share)

    def _offer_organizations(
        self, choice: Any, organizations: QuerySet[Any], may_share: bool
    ) -> None:
        """Let people choose among their own; a single one is chosen already."""
        choice.queryset = organizations
        choice.required = not may_share
        choice.empty_label = gettext("Every organization") if may_share else gettext("Choose one")
        if not may_share and len(choice.queryset) == 1:
            choice.initial, choice.empty_label = choice.queryset[0], None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        start, name = cleaned.get("start"), cleaned.get("name")
        if start and name and self._is_taken(start, name):
            self.add_error("name", gettext("There is a mapping of this name already."))
        return cleaned

    def _is_taken(self, start: Mapping, name: str) -> bool:
        return Mapping.objects.filter(
            organization=self.cleaned_data.get("organization"),
            destination_kind=start.destination_kind,
            name=name,
        ).exists()


def _described(mapping: Mapping) -> str:
    owner = mapping.organization or (
        "Dovetail" if mapping.shipped else gettext("every organization")
    )
    return f"{mapping.name} · {kind_label(mapping.destination_kind)} · {owner}"
