"""Whose view a file shows."""

from django.utils.translation import gettext as _

from core.database import clock
from directory.models import DataPartner, Directory, View
from directory.views.rules import api_view


class NoSuchPartner(Exception):
    """There is no data partner of this name whose agreement holds. `message` is for people."""

    def __init__(self, name: str) -> None:
        text = _("There is no data partner named “%(name)s” whose agreement holds today.")
        self.message = text % {"name": name}
        super().__init__(self.message)


def view_named(partner: str) -> View:
    """Return the view of a data partner; of none, that of the public API.

    Raises NoSuchPartner: nothing goes out before an agreement begins, or after it has ended.
    """
    if not partner:
        return api_view()
    found = DataPartner.objects.select_related("view").filter(name=partner).first()
    today = clock.now().astimezone(Directory.objects.get().zone).date()
    if found is None or not found.has_begun(today) or found.has_ended(today):
        raise NoSuchPartner(partner)
    return found.view
