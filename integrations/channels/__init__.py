"""How a message leaves, whoever sends it: an alert, or later a destination.

    webhook   one signed POST (Standard Webhooks)
    mail      one e-mail, by Django's backend

A channel sends once and never retries. What went wrong is one of the errors of
`integrations.transport`: its class says who must act, its `kind` what it was, and the `code` of
its exchange how people call it ("HTTP 503", "SMTP 451"). A channel knows no row: who sends keeps
the id that tells a repeat, and says when to send again.
"""
