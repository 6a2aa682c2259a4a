"""The forms of a mapping: its rules and value tables, checked as a whole."""

from typing import Any

from django import forms

from mapping import exchange
from mapping.checks import check_mapping
from mapping.engine import Rule
from mapping.models import FieldRule, Mapping, ValueTable, rule_from
from mapping.targets import kinds
from mapping.transforms import ANYTHING_ELSE

TABLES_PREFIX = "value_tables"


class LinesField(forms.CharField):
    """A list of texts, one a line."""

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, list):
            return value
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]


class EntriesField(forms.CharField):
    """The entries of a value table, one a line: `as sent = as the destination wants it`."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return "\n".join(f"{sent} = {entry}" for sent, entry in value.items())
        return value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, dict):
            return value
        entries: dict[str, str] = {}
        for number, line in enumerate(str(value or "").splitlines(), start=1):
            if line.strip():
                sent, entry = _entry(number, line)
                if sent in entries:
                    raise forms.ValidationError(f"Line {number} repeats “{sent}”.")
                entries[sent] = entry
        return entries


def _entry(number: int, line: str) -> tuple[str, str]:
    sent, equals, entry = (part.strip() for part in line.rpartition("="))
    if not equals or not sent or sent == ANYTHING_ELSE:
        raise forms.ValidationError(f"Line {number} is not of the form: sent = value")
    if max(len(sent), len(entry)) > 255:
        raise forms.ValidationError(f"Line {number} is longer than 255 characters.")
    return sent, entry


class MappingForm(forms.ModelForm):  # type: ignore[type-arg]
    """A mapping without its rules; the destination kind is one that takes records."""

    destination_kind = forms.ChoiceField(choices=lambda: [(kind, kind) for kind in kinds()])

    class Meta:
        model = Mapping
        fields = ["name", "destination_kind", "organization"]


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """One rule."""

    sources = LinesField(
        label="from",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "cols": 30}),
        help_text="Source fields, one a line.",
    )
    transforms = forms.JSONField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "cols": 42}),
        help_text='A list in JSON, such as [{"name": "phone"}].',
    )

    class Meta:
        model = FieldRule
        fields = ["position", "target", "sources", "transforms"]
        widgets = {"target": forms.TextInput(attrs={"size": 28})}

    def clean_transforms(self) -> list[dict[str, Any]]:
        uses = self.cleaned_data["transforms"] or []
        if not isinstance(uses, list) or not all(_is_use(use) for use in uses):
            raise forms.ValidationError('Write a list such as [{"name": "phone"}].')
        return uses

    def as_rule(self) -> Rule:
        """Return the rule that the valid form describes."""
        given = self.cleaned_data
        return rule_from(given["position"], given["target"], given["sources"], given["transforms"])


def _is_use(use: object) -> bool:
    return isinstance(use, dict) and isinstance(use.get("name"), str)


class TableForm(forms.ModelForm):  # type: ignore[type-arg]
    """One value table with its entries."""

    entries = EntriesField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "cols": 50}),
        help_text="One a line: as sent = as the destination wants it.",
    )

    class Meta:
        model = ValueTable
        fields = ["name", "entries", "fallback"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = self.instance.entries.all() if self.instance.pk else ()
        self.initial["entries"] = {row.sent: row.value for row in rows}

    def as_dict(self) -> dict[str, str]:
        """Return the entries of the valid form, the one for anything else included."""
        given = self.cleaned_data
        fallback = {ANYTHING_ELSE: given["fallback"]} if given["fallback"] else {}
        return {**given["entries"], **fallback}

    def save(self, commit: bool = True) -> Any:
        table = super().save(commit)
        if commit:
            exchange.store_table(table, self.as_dict())
        return table


class RuleFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """The rules of a mapping, checked together with the value tables posted beside them."""

    def clean(self) -> None:
        """Put each fault of the mapping where it is: at its rule, else above them all."""
        tables = self._tables()
        if tables is None or self.instance.destination_kind not in kinds():
            return
        kept = _kept(self)
        if all(form.is_valid() for form in kept):
            self._check([(form.as_rule(), form) for form in kept], tables)

    def _check(self, given: list[tuple[Rule, Any]], tables: dict[str, dict[str, str]]) -> None:
        loose = []
        rules = [rule for rule, _ in given]
        for fault in check_mapping(self.instance.destination_kind, rules, tables):
            form = next((form for rule, form in given if rule is fault.rule), None)
            if form is None:
                loose.append(fault.message)
            else:
                form.add_error(fault.part, fault.message)
        if loose:
            raise forms.ValidationError(loose)

    def _tables(self) -> dict[str, dict[str, str]] | None:
        """Return the value tables as posted; None when they are not valid themselves."""
        formset = TableFormSet(self.data, instance=self.instance, prefix=TABLES_PREFIX)
        if not formset.is_valid():
            return None
        return {form.cleaned_data["name"]: form.as_dict() for form in _kept(formset)}


def _kept(formset: Any) -> list[Any]:
    """Return the forms whose rows will be there after saving."""
    filled = [form for form in formset.forms if form.has_changed() or form.instance.pk]
    return [form for form in filled if not form.cleaned_data.get("DELETE")]


TableFormSet = forms.inlineformset_factory(Mapping, ValueTable, form=TableForm, extra=0)
