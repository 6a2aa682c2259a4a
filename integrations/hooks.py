"""What a layer above does when the configuration changes (`core.hooks`)."""

from typing import TYPE_CHECKING

from core.hooks import Hook

if TYPE_CHECKING:
    from integrations.models import Destination, TriggerConfig

# A trigger config was saved: its listing is connected to its destination.
listing_connected: Hook[["TriggerConfig"]] = Hook("listing connected")
# A pause of the destination has ended, in a transaction that is still open.
destination_released: Hook[["Destination"]] = Hook("destination released")
# It has answered to “Test connection”, and well.
destination_tested: Hook[["Destination"]] = Hook("destination tested")
