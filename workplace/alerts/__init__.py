"""Telling people, by e-mail and by webhook, what is wrong and when it works again.

    watching   looks at the imports, and keeps each trouble from its first sign to its end
    telling    makes an alert, once for each cause and hour, and a delivery for each recipient
    words      what an alert says
    sending    delivers, and tries again

The row is the queue. All of it is done beside the dispatcher's work, so that a mail server that
hangs holds up no import. No alert holds personal data: causes, counts, times, and names of
organizations and destinations.
"""

from workplace.alerts.sending import send_due
from workplace.alerts.watching import look


def look_and_send() -> None:
    """See what there is to tell, and send what is due; several may do so at once."""
    look()
    send_due()
