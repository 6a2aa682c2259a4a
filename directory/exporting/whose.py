"""Whose view a file shows."""

from django.utils.translation import gettext as _

from directory.models import View
from directory.views.rules import api_view


class NoSuchPartner(Exception):
    """There is no data partner of this name. `message` is for people."""

    def __init__(self, name: str) -> None:
        self.message = _("There is no data partner named “%(name)s”.") % {"name": name}
        super().__init__(self.message)


def view_named(partner: str) -> View:
    """Return the view of a data partner; of none, that of the public API. Raises NoSuchPartner."""
    if not partner:
        return api_view()
    raise NoSuchPartner(partner)
