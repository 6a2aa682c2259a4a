"""Signing in, by django-allauth, in our words and looks: with a password, or at a provider.

`adapters` say where we differ from it, `required` leads whoever has no second factor to set one
up. `provider` is about OpenID Connect, `claims` read what it says, `expiring` asks it again.
`receivers` write the audit trail, `urls` offers what we use of allauth and nothing else.
"""
