"""What the rooms above may want to hear of."""

from django.dispatch import Signal

# Sent by Destination.release(), in its transaction, with `destination`.
destination_released = Signal()

# Sent by Destination.test_connection() after a good test, with `destination`.
destination_tested = Signal()
