"""The forms of a service: texts in all languages side by side, facts, phones, hours."""

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from directory import changes
from directory.editing import hours
from directory.hours.opening import parse_schedule
from directory.hours.rules import DAYS
from directory.hours.times import zone_offsets
from directory.hours.wording import in_words
from directory.models import Directory, Phone, Service
from directory.pages.phrases import autonym
from directory.search.indexing import columns_of

# Texts of a service, with their label and how many lines they have on the page.
TEXTS: Sequence[tuple[str, Any, int]] = (
    ("name", _("Name"), 1),
    ("alternate_name", _("Other name"), 1),
    ("description", _("Description"), 5),
    ("eligibility_description", _("Who it is for"), 3),
    ("fees_description", _("Cost"), 2),
    ("application_process", _("How to apply"), 3),
    ("wait_time", _("Wait time"), 1),
    ("interpretation_services", _("Interpretation"), 1),
    ("alert", _("Notice"), 2),
)
_NTH = ((1, _("First")), (2, _("Second")), (3, _("Third")), (4, _("Fourth")), (-1, _("Last")))
_DAYS = (
    ("MO", _("Monday")),
    ("TU", _("Tuesday")),
    ("WE", _("Wednesday")),
    ("TH", _("Thursday")),
    ("FR", _("Friday")),
    ("SA", _("Saturday")),
    ("SU", _("Sunday")),
)


class TextsForm(forms.Form):
    """Each text of a service in each language of the directory."""

    def __init__(self, service: Service, directory: Directory, data: Any = None) -> None:
        super().__init__(data, prefix="texts")
        self._service = service
        self._languages: list[str] = directory.languages
        for field, label, rows in TEXTS:
            for language in self._languages:
                is_line = rows == 1
                self.fields[f"{field}:{language}"] = forms.CharField(
                    required=False,
                    label=f"{label} ({autonym(language)})",
                    max_length=20_000,
                    initial=getattr(service, field).get(language, ""),
                    widget=(
                        forms.TextInput({"lang": language})
                        if is_line
                        else forms.Textarea({"rows": rows, "lang": language})
                    ),
                )

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield each text with its fields, side by side, and whether a translation is older."""
        for field, label, _rows in TEXTS:
            cells = [
                {
                    "field": self[f"{field}:{language}"],
                    "is_stale": f"{field}:{language}" in self._service.stale_texts,
                }
                for language in self._languages
            ]
            yield {"label": label, "cells": cells}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not any(cleaned.get(f"name:{language}") for language in self._languages):
            raise forms.ValidationError(_("Give the service a name in one language at least."))
        return cleaned

    def texts(self) -> dict[str, dict[str, str]]:
        """Return the columns as they are to be; texts in other languages stay."""
        found = {}
        for field, _label, _rows in TEXTS:
            texts = dict(getattr(self._service, field))
            for language in self._languages:
                text = self.cleaned_data[f"{field}:{language}"].replace("\r\n", "\n")
                if text == texts.get(language, "").strip():
                    continue  # the form takes blanks away: that alone is no change
                if text:
                    texts[language] = text
                else:
                    texts.pop(language, None)
            found[field] = texts
        return found


class FactsForm(forms.ModelForm):  # type: ignore[type-arg]
    """What is the same in all languages."""

    class Meta:
        model = Service
        fields = ("status", "minimum_age", "maximum_age", "email", "alert_from", "alert_until")
        widgets = {
            "email": forms.EmailInput(),
            "alert_from": forms.DateInput({"type": "date"}, "%Y-%m-%d"),
            "alert_until": forms.DateInput({"type": "date"}, "%Y-%m-%d"),
        }
        labels = {
            "minimum_age": _("Youngest age"),
            "maximum_age": _("Oldest age"),
            "alert_from": _("Notice from"),
            "alert_until": _("Notice until"),
        }

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for first, last in (("minimum_age", "maximum_age"), ("alert_from", "alert_until")):
            low, high = cleaned.get(first), cleaned.get(last)
            if low is not None and high is not None and low > high:
                self.add_error(last, _("This is before the other one."))
        return cleaned


class PhoneForm(forms.Form):
    """A phone of the service itself. An empty number takes it away."""

    key = forms.IntegerField(required=False, widget=forms.HiddenInput)
    number = forms.CharField(required=False, max_length=60, label=_("Number"))
    extension = forms.CharField(required=False, max_length=20, label=_("Extension"))
    type = forms.CharField(required=False, max_length=60, label=_("Kind"))  # voice, fax, …


PhoneForms = forms.formset_factory(PhoneForm, extra=2, max_num=40, absolute_max=60)


def phone_forms(service: Service, data: Any = None) -> Any:
    """Return the forms of a service's own phones, and two empty ones."""
    initial = [
        {"key": one.pk, "number": one.number, "extension": one.extension, "type": one.type}
        for one in service.phones.all()
    ]
    return PhoneForms(data, prefix="phones", initial=initial)


def save_phones(service: Service, formset: Any) -> None:
    """Write phones, in `recording.edit`; a key of another service's phone is none."""
    own = {phone.pk: phone for phone in service.phones.all()}
    for form in formset:
        said = form.cleaned_data
        phone = own.get(said.get("key") or 0)
        number = said.get("number", "").strip()
        fields = {name: said.get(name, "") for name in ("extension", "type")} | {"number": number}
        if phone is not None and not number:
            changes.delete_rows("phone", [phone.pk])
        elif phone is not None:
            Phone.objects.filter(pk=phone.pk).update(**fields)
        elif number:
            service.phones.create(position=len(own) + 1, **fields)


class HoursForm(forms.Form):
    """Hours of each weekday, one rule to add, closings."""

    nth = forms.TypedChoiceField(
        required=False, coerce=int, choices=[("", "—"), *_NTH], label=_("Each month, the")
    )
    nth_day = forms.ChoiceField(required=False, choices=[("", "—"), *_DAYS], label=_("Weekday"))
    nth_hours = forms.CharField(required=False, max_length=60, label=_("Hours"))
    closings = forms.CharField(
        required=False,
        max_length=4000,
        label=_("Closings"),
        help_text=_("One a line, such as 2026-12-24 to 2026-12-26."),
        widget=forms.Textarea({"rows": 3}),
    )

    def __init__(self, service: Service, directory: Directory, year: int, data: Any = None) -> None:
        super().__init__(data, prefix="hours")
        self._service = service
        self._schedules = list(service.schedules.all())
        self._local = zone_offsets(directory.zone, year)
        self._zone, self._year = directory.zone, year
        self._week = week = hours.grid(self._schedules, self._local)
        for day, label in _DAYS:
            self.fields[day] = forms.CharField(
                required=False, label=label, initial=week[day], max_length=200
            )
        self.fields["closings"].initial = hours.write_closings(service)

    def week(self) -> list[Any]:
        return [self[day] for day in DAYS]

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
        return cleaned

    def _read(self, name: str, read: Any) -> None:
        try:
            self.cleaned_data[name] = read(self.cleaned_data.get(name, ""))
        except hours.Unreadable as unreadable:
            self.add_error(name, str(unreadable))

    def write(self, removed: Sequence[str]) -> None:
        """Write the hours, in `recording.edit`; `removed` are keys of schedules that go."""
        said = self.cleaned_data
        own = {str(row.pk): row.pk for row in self._schedules}
        before = hours.read_closings(hours.write_closings(self._service))
        changes.delete_rows("schedule", [own[key] for key in removed if key in own])
        week = {day: said[day] for day in DAYS}
        if week != {day: hours.read_day(text) for day, text in self._week.items()}:
            hours.set_grid(self._service, week, self._local)
        for pair in said["nth_hours"] if said.get("nth") else ():
            hours.add_monthly(self._service, said["nth"], said["nth_day"], pair)
        if said["closings"] != before or said["nth_hours"]:
            hours.set_closings(self._service, said["closings"])
