"""Form answers, in form order, each under a key of its own."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from integrations.sources.caredove.reading.fields import made
from mapping.source.document import FormAnswer


@dataclass
class Answers:
    """The answers of a form as they are found; `form` and `name` are those of the form."""

    form: str = ""
    name: str = ""
    found: list[FormAnswer] = field(default_factory=list)
    _asked: dict[str, int] = field(default_factory=dict)

    def add(self, key: str, label: str, values: Iterable[str]) -> bool:
        """Take an answer; a question without one is skipped, and False comes back.

        A question that is asked again (a repeated group) gets its number behind the key: answers
        with the same key would overwrite each other.
        """
        given = [text for text in values if text]
        if not given:
            return False
        value = ", ".join(given)
        key = key or label or f"question-{len(self.found) + 1}"
        while again := self._asked.get(key):
            self._asked[key] += 1
            key = f"{key}#{again + 1}"
        self._asked[key] = 1
        answer = FormAnswer(key=key, label=label or key, value=value)
        self.found.append(FormAnswer(**self._whose, **answer))
        return True

    @cached_property
    def _whose(self) -> FormAnswer:
        return made(FormAnswer, form=self.form, form_name=self.name)


def yes_or_no(flag: bool) -> str:
    """Return a tick box in words."""
    return "yes" if flag else "no"
