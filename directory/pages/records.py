"""A service as the public page shows it, for screens that are no public page."""

import json
from typing import Any

from core.database import clock
from directory.listing.items import Shape, members, texts
from directory.models import Answer, Directory, Service, View
from directory.pages import showing
from directory.pages.phrases import phrases
from directory.pages.showing import Record
from directory.pages.when import Now
from directory.taking_in import take_in


def public(service: Service, directory: Directory, language: str) -> Record | None:
    """Return what everybody sees of a service on the public pages; None where it is not on them.

    Nothing that is confidential is in it, whoever looks.
    """
    take_in()
    view = View.objects.get(name=View.Name.PAGES)
    shape = Shape(language)
    found = members(view, [service.pk], shape)
    written = [json.loads(text) for text in texts(view, found, shape)]
    return showing.record(written[0], _now(directory, language)) if written else None


def stored(service: Service, directory: Directory, language: str) -> Record | None:
    """Return a service as it would be shown; None where it is withdrawn or confidential."""
    take_in()
    answer: Any = Answer.objects.filter(entry=service.pk, language=language).first()
    if answer is None or not answer.full:
        return None
    return showing.record(json.loads(answer.full), _now(directory, language))


def _now(directory: Directory, language: str) -> Now:
    local = clock.now().astimezone(directory.zone).replace(tzinfo=None)
    return Now(local, directory.zone, language, phrases(language))
