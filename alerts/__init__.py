"""Telling people, by e-mail and by webhook, what is wrong and when it works again.

    watching   looks at the imports, and keeps each trouble from its first sign to its end
    notifying  makes an alert, once for each cause and hour, and a delivery for each recipient
    words      what an alert says
    sending    delivers, and tries again
    running    does all of it, beside the dispatcher's work

The row is the queue. A mail server that hangs holds up no import. No alert holds personal data:
causes, counts, times, and names of organizations and destinations.
"""
