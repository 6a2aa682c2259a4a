"""What the dispatcher does for alerts, beside its work."""

from alerts.sending import send_due
from alerts.watching import look


def look_and_send() -> None:
    """See what there is to tell, and send what is due; several may do so at once."""
    look()
    send_due()
