"""Where scheduled files go: a folder below EXPORT_ROOT, or that of an sftp destination."""

from django.utils.translation import gettext as _

from integrations.destinations.sftp import options as chosen
from integrations.destinations.sftp.places.in_folder import InFolder
from integrations.destinations.sftp.places.over_ftp import OverFtp
from integrations.destinations.sftp.places.over_ssh import OverSsh
from integrations.destinations.sftp.places.place import Place
from integrations.models import Destination
from integrations.transport import Misconfigured

KIND = "sftp"


def place_of(destination: Destination | None, folder: str) -> Place:
    """Open the place of an export, to be closed by its block; raises DeliveryError."""
    if destination is None:
        return InFolder({"folder": folder})
    if destination.kind != KIND:
        raise Misconfigured(_("Files of the directory go to destinations of the kind sftp."))
    options = destination.transport().options
    match options["protocol"]:
        case chosen.LOCAL:
            return InFolder(options)
        case chosen.SFTP:
            return OverSsh(options)
        case _:
            return OverFtp(options)
