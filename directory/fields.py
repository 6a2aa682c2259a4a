"""Columns that HSDS tables are made of: texts by language, times with their offset, numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models


def check_texts(value: object) -> None:
    """Raise ValidationError unless `value` maps languages to texts that are not empty."""
    if not isinstance(value, dict):
        raise ValidationError("Texts by language are expected, such as {“en”: “Food bank”}.")
    for language, text in value.items():
        if not isinstance(language, str) or not isinstance(text, str) or not text.strip():
            raise ValidationError("Each language needs a text; leave out a language without one.")


class TranslatedField(models.JSONField):
    """A text in several languages, as `{"en": "Food bank", "fr": "Banque alimentaire"}`.

    No language stands above another: an entry may have only one. What is absent is left out, so
    an empty column is `{}`.
    """

    default_validators = [check_texts]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("default", dict)
        kwargs.setdefault("blank", True)
        super().__init__(*args, **kwargs)


class LinkField(TranslatedField):
    """A web address. A page often has one for each language."""


def in_language(texts: Mapping[str, str], language: str, others: Sequence[str]) -> str:
    """Return the text in a language; without one, in the first of the others that has one.

    `others` is the directory's list of languages. A text in none of them is better than nothing.
    """
    for candidate in (language, *others):
        if text := texts.get(candidate):
            return text
    return next(iter(texts.values()), "")
