"""What the dispatcher does for alerts, beside its work."""

from alerts.sending import send_due
from alerts.watching import look, look_at_the_portal


def look_and_send() -> None:
    """See what there is to tell, and send what is due; several may do so at once."""
    look()
    send_due()


def look_at_the_portal_and_send() -> None:
    """See whether the portal itself works, and send what is due; several may do so at once."""
    look_at_the_portal()
    send_due()
