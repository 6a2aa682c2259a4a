"""What a layer above does when a mapping changes (`core.hooks`)."""

from core.hooks import Hook
from mapping.models import Mapping

# Its rules and value tables were stored, in a transaction that is still open.
mapping_stored: Hook[[Mapping]] = Hook("mapping stored")
