"""Form answers, in form order, each under a key of its own."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from integrations.sources.account import Account
from integrations.sources.caredove.fields import made
from mapping.document import FormAnswer


@dataclass(slots=True)
class Answers:
    """The answers of a form as they are found; `form` and `name` are those of the form."""

    account: Account
    form: str = ""
    name: str = ""
    found: list[FormAnswer] = field(default_factory=list)
    _asked: Counter[str] = field(default_factory=Counter)

    def add(self, key: str, label: str, values: Iterable[str]) -> bool:
        """Take an answer; a question without one is skipped, and False comes back.

        A question that is asked again (a repeated group) gets its number behind the key: answers
        with the same key would overwrite each other.
        """
        given = [text for text in values if text]
        if not given:
            return False
        self.account.join([*given, key, label])
        value = ", ".join(given)
        key = key or label or f"question-{len(self.found) + 1}"
        while again := self._asked[key]:
            self._asked[key] += 1
            key = f"{key}#{again + 1}"
        self._asked[key] = 1
        answer = FormAnswer(key=key, label=label or key, value=value)
        whose = made(FormAnswer, form=self.form, form_name=self.name)
        self.found.append(FormAnswer(**whose, **answer))
        return True


def yes_or_no(flag: bool) -> str:
    """Return a tick box in words."""
    return "yes" if flag else "no"
