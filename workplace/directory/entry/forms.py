"""The forms of an entry: texts in all languages side by side, facts, rows, terms, hours."""

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from directory import changes
from directory.editing import hours, terms
from directory.fields import LinkField, TranslatedField
from directory.hours.opening import parse_schedule
from directory.hours.rules import DAYS
from directory.hours.times import zone_offsets
from directory.hours.wording import in_words
from directory.models import Directory, Entry, EntryRow, Service, TaxonomyTerm
from directory.pages.phrases import autonym
from directory.reading import links
from directory.search.indexing import columns_of
from directory.tables import TABLES
from workplace.directory.sheets import Rows, Sheet, Text

_WEEKS = (
    (hours.EVERY, _("Every week")),
    (hours.EVERY_SECOND, _("Every second week")),
    ("1", _("First of the month")),
    ("2", _("Second of the month")),
    ("3", _("Third of the month")),
    ("4", _("Fourth of the month")),
    ("-1", _("Last of the month")),
)
_DAYS = (
    ("MO", _("Monday")),
    ("TU", _("Tuesday")),
    ("WE", _("Wednesday")),
    ("TH", _("Thursday")),
    ("FR", _("Friday")),
    ("SA", _("Saturday")),
    ("SU", _("Sunday")),
)


def _merged(texts: dict[str, str], cleaned: Any, name: str, languages: list[str]) -> dict[str, str]:
    """Return texts by language with those of a form; in other languages they stay.

    A form takes blanks at the ends away: that alone is no change.
    """
    texts = dict(texts)
    for language in languages:
        text = (cleaned.get(f"{name}:{language}") or "").replace("\r\n", "\n")
        if text == texts.get(language, "").strip():
            continue
        if text:
            texts[language] = text
        else:
            texts.pop(language, None)
    return texts


class TextsForm(forms.Form):
    """Each text of an entry in each language of the directory."""

    def __init__(self, row: EntryRow, sheet: Sheet, languages: list[str], data: Any = None) -> None:
        super().__init__(data, prefix="texts")
        self._row, self._texts, self._languages = row, sheet.texts, languages
        for text in sheet.texts:
            for language in languages:
                self.fields[f"{text.field}:{language}"] = self._field(text, language)

    def _field(self, text: Text, language: str) -> forms.CharField:
        attrs = {"lang": language}
        is_link = self._is_link(text.field)
        one_line = forms.TextInput({**attrs, "inputmode": "url"} if is_link else attrs)
        return forms.CharField(
            required=False,
            label=f"{text.label} ({autonym(language)})",
            max_length=20_000,
            initial=getattr(self._row, text.field).get(language, ""),
            widget=one_line if text.lines == 1 else forms.Textarea({"rows": text.lines, **attrs}),
        )

    def _is_link(self, field: str) -> bool:
        return isinstance(self._row._meta.get_field(field), LinkField)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield each text with its fields, side by side, and whether a translation is older."""
        for text in self._texts:
            cells = [
                {
                    "field": self[f"{text.field}:{language}"],
                    "is_stale": f"{text.field}:{language}" in self._row.stale_texts,
                }
                for language in self._languages
            ]
            yield {"label": text.label, "cells": cells}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        needs_name = any(text.field == "name" for text in self._texts)
        if needs_name and not any(cleaned.get(f"name:{one}") for one in self._languages):
            raise forms.ValidationError(_("Give it a name in one language at least."))
        for name in self.changed_data:  # what came from a supplier stays as it came
            text = cleaned.get(name)
            if text and self._is_link(name.partition(":")[0]) and links.safe(text) is None:
                words = _("This is not a web address. An example: https://example.org/help.")
                self.add_error(name, words)
        return cleaned

    def texts(self) -> dict[str, dict[str, str]]:
        """Return the columns as they are to be; texts in other languages stay."""
        return {
            text.field: _merged(
                getattr(self._row, text.field), self.cleaned_data, text.field, self._languages
            )
            for text in self._texts
        }


class EntryForm(forms.ModelForm):  # type: ignore[type-arg]
    """What entries of all kinds have."""

    class Meta:
        model = Entry
        fields = ("not_public", "internal_notes")
        labels = {
            "not_public": _("Not public: only data partners that may see such entries see it"),
            "internal_notes": _("Internal notes, which no reader sees"),
        }
        widgets = {"internal_notes": forms.Textarea({"rows": 3})}


# -- rows -----------------------------------------------------------------------------------------


class RowForm(forms.Form):
    """One row of an entry, such as a phone. A row without any text is taken away."""

    key = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, rows: Rows, languages: list[str], known: dict[int, Any], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._rows, self._languages = rows, languages
        self.row = known.get(self.initial.get("key") or 0)
        for field, label in rows.columns:
            for name, more in _columns(rows, field, languages):
                lang = name.partition(":")[2]
                self.fields[name] = forms.CharField(
                    required=False,
                    label=f"{label} ({autonym(lang)})" if lang else label,
                    max_length=2_000,
                    widget=more,
                )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        needed = self._rows.columns[0][0]
        names = [name for name, _widget in _columns(self._rows, needed, self._languages)]
        changed = set(self.changed_data)  # what came from a supplier stays as it came
        is_ours = self.row is None or changed & set(names)
        if is_ours and self.is_given and not any(map(cleaned.get, names)):
            self.add_error(names[0], _("This cannot be empty while the others are filled in."))
        for name in changed & set(cleaned):
            if cleaned[name]:
                self._check(name.partition(":")[0], name, cleaned[name])
        return cleaned

    def _check(self, field: str, name: str, text: str) -> None:
        if field == "email" and ("@" not in text or any(map(str.isspace, text))):
            self.add_error(name, _("This is not an e-mail address."))
        if field == "number" and not any(map(str.isdigit, text)):
            self.add_error(name, _("A phone number has digits."))
        if field == "code" and not (text.isascii() and text.isalpha() and 2 <= len(text) <= 3):
            self.add_error(name, _("This is not a language code. Examples: en, fr."))

    @property
    def is_given(self) -> bool:
        """Return whether a text is filled in; a choice always is."""
        texts = [
            name for name, field in self.fields.items() if isinstance(field.widget, forms.TextInput)
        ]
        return any(self.cleaned_data.get(name) for name in texts)

    def fields_of(self, row: Any) -> dict[str, Any]:
        """Return the columns of a row, which may be there already."""
        found: dict[str, Any] = {}
        for field, _label in self._rows.columns:
            if _is_translated(self._rows, field):
                before = getattr(row, field) if row else {}
                found[field] = _merged(before, self.cleaned_data, field, self._languages)
            else:
                found[field] = self.cleaned_data.get(field, "")
        return found


def _is_translated(rows: Rows, field: str) -> bool:
    return isinstance(TABLES[rows.table].model._meta.get_field(field), TranslatedField)


def _columns(rows: Rows, field: str, languages: list[str]) -> Iterator[tuple[str, forms.Widget]]:
    if not _is_translated(rows, field):
        column: Any = TABLES[rows.table].model._meta.get_field(field)
        choices = column.choices
        yield field, forms.Select(choices=[*choices]) if choices else forms.TextInput()
        return
    for language in languages:
        yield f"{field}:{language}", forms.TextInput({"lang": language})


def row_forms(row: EntryRow, rows: Rows, languages: list[str], data: Any = None) -> Any:
    """Return the forms of an entry's own rows of one table, and empty ones."""
    known = {one.pk: one for one in getattr(row, rows.related).all()}
    initial = []
    for pk, one in known.items():
        values: dict[str, Any] = {"key": pk}
        for field, _label in rows.columns:
            value = getattr(one, field)
            if _is_translated(rows, field):
                values |= {f"{field}:{language}": value.get(language, "") for language in languages}
            else:
                values[field] = value
        initial.append(values)
    factory = forms.formset_factory(RowForm, extra=rows.extra, max_num=200, absolute_max=400)
    kwargs = {"rows": rows, "languages": languages, "known": known}
    made = factory(data, prefix=rows.related, initial=initial, form_kwargs=kwargs)
    made.rows, made.known = rows, known  # type: ignore[attr-defined]
    return made


def save_rows(row: EntryRow, formset: Any) -> None:
    """Write rows, in `recording.edit`; a key of another entry's row is none.

    What a row has beside the form, such as what makes it confidential, stays.
    """
    rows, known = formset.rows, formset.known
    for form in formset:
        one = known.get(form.cleaned_data.get("key") or 0)
        if not form.has_changed():
            continue
        if one is not None and not form.is_given:
            changes.delete_rows(rows.table, [one.pk])
        elif one is not None:
            fields = form.fields_of(one)
            TABLES[rows.table].model._default_manager.filter(pk=one.pk).update(**fields)
        elif form.is_given:
            fields = form.fields_of(None)
            getattr(row, rows.related).create(position=len(known) + 1, **fields)


# -- terms ----------------------------------------------------------------------------------------


class TermsForm(forms.Form):
    """The terms of an entry: those that are ticked go; others are added by code or name."""

    add = forms.CharField(
        required=False,
        max_length=2_000,
        label=_("Add terms"),
        help_text=_("Codes or names, one a line."),
        widget=forms.Textarea({"rows": 2}),
    )

    def __init__(self, row: EntryRow, language: str, data: Any = None) -> None:
        super().__init__(data, prefix="terms")
        self._row = row
        choices = [
            (one.pk, f"{term.code} {_name(term, language)}".strip())
            for one in terms.of(row)
            if (term := one.taxonomy_term)
        ]
        self.fields["gone"] = forms.TypedMultipleChoiceField(
            required=False,
            coerce=int,
            choices=choices,
            label=_("Take away"),
            widget=forms.CheckboxSelectMultiple,
        )

    def clean_add(self) -> list[TaxonomyTerm]:
        found = []
        for line in filter(None, map(str.strip, self.cleaned_data["add"].splitlines())):
            term = terms.find(line)
            if term is None:
                text = gettext("No term, or more than one, is called “%(text)s”.") % {"text": line}
                raise forms.ValidationError(text)
            found.append(term)
        return found

    def write(self) -> None:
        """Change the terms, in `recording.edit`."""
        terms.change(self._row, self.cleaned_data["gone"], self.cleaned_data["add"])


def _name(term: TaxonomyTerm, language: str) -> str:
    return str(term.name.get(language) or next(iter(term.name.values()), ""))


# -- hours ----------------------------------------------------------------------------------------


class HoursForm(forms.Form):
    """Hours of each weekday, one rule to add, closings."""

    nth = forms.ChoiceField(required=False, choices=[("", "—"), *_WEEKS], label=_("Add a rule"))
    nth_day = forms.ChoiceField(required=False, choices=[("", "—"), *_DAYS], label=_("Weekday"))
    nth_hours = forms.CharField(required=False, max_length=60, label=_("Hours"))
    nth_from = forms.DateField(
        required=False, label=_("From"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    nth_until = forms.DateField(
        required=False, label=_("Until"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    closings = forms.CharField(
        required=False,
        max_length=4000,
        label=_("Closings"),
        help_text=_("One a line, such as 2026-12-24 to 2026-12-26."),
        widget=forms.Textarea({"rows": 3}),
    )

    def __init__(self, holder: Any, directory: Directory, year: int, data: Any = None) -> None:
        super().__init__(data, prefix="hours")
        self._holder = holder
        self._schedules = list(holder.schedules.all())
        self._local = zone_offsets(directory.zone, year)
        self._zone, self._year = directory.zone, year
        self._week = week = hours.grid(self._schedules, self._local)
        for day, label in _DAYS:
            self.fields[day] = forms.CharField(
                required=False, label=label, initial=week[day], max_length=200
            )
        self.fields["closings"].initial = hours.write_closings(holder)

    def week(self) -> list[Any]:
        return [self[day] for day in DAYS]

    def rule(self) -> list[Any]:
        return [self[name] for name in ("nth", "nth_day", "nth_hours", "nth_from", "nth_until")]

    def others(self, language: str) -> list[tuple[int, str]]:
        """Return the schedules that the week does not show: their keys, and what they say."""
        found = []
        for row in self._schedules:
            if not hours.is_plain(row, self._local):
                parsed = parse_schedule(columns_of(row), self._zone, self._year)
                text = in_words(parsed, language, row.description.get(language, ""))
                found.append((row.pk, text or str(row.hsds_id)))
        return found

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for day in DAYS:
            self._read(day, hours.read_day)
        self._read("closings", hours.read_closings)
        self._read("nth_hours", hours.read_day)
        named = [cleaned.get(name) for name in ("nth", "nth_day", "nth_hours")]
        if any(named) and not all(named):
            self.add_error("nth_hours", _("A rule needs a week, a weekday, and hours."))
        first, last = cleaned.get("nth_from"), cleaned.get("nth_until")
        if cleaned.get("nth") == hours.EVERY_SECOND and not first:
            self.add_error("nth_from", _("Every second week counts from a day: which one?"))
        if first and last and first > last:
            self.add_error("nth_until", _("This is before the other one."))
        self._check_closings(cleaned)
        return cleaned

    def _check_closings(self, cleaned: dict[str, Any]) -> None:
        """Refuse closings of a place that has no hours: there is nothing that they close."""
        stays = any(not hours.is_plain(row, self._local) for row in self._schedules)
        has_hours = stays or any(cleaned.get(name) for name in (*DAYS, "nth_hours"))
        if cleaned.get("closings") and not has_hours and not isinstance(self._holder, Service):
            self.add_error("closings", _("There are no hours here that these days could close."))

    def _read(self, name: str, read: Any) -> None:
        try:
            self.cleaned_data[name] = read(self.cleaned_data.get(name, ""))
        except hours.Unreadable as unreadable:
            self.add_error(name, str(unreadable))

    def write(self, removed: Sequence[str]) -> None:
        """Write the hours, in `recording.edit`; `removed` are keys of schedules that go."""
        words = self.cleaned_data
        own = {str(row.pk): row.pk for row in self._schedules}
        before = hours.read_closings(hours.write_closings(self._holder))
        changes.delete_rows("schedule", [own[key] for key in removed if key in own])
        week = {day: words[day] for day in DAYS}
        if week != {day: hours.read_day(text) for day, text in self._week.items()}:
            hours.set_grid(self._holder, week, self._local)
        bounds = words["nth_from"], words["nth_until"]
        for pair in words["nth_hours"] if words.get("nth") else ():
            hours.add_rule(self._holder, words["nth"], words["nth_day"], pair, *bounds)
        if words["closings"] != before or words["nth_hours"]:
            hours.set_closings(self._holder, words["closings"])
