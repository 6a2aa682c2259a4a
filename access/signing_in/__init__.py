"""Signing in: a password and a second factor, by django-allauth, in our words and looks.

`adapters` say where we differ from it, `required` leads whoever has no second factor to set one
up, `receivers` write the audit trail, `urls` offers what we use of it and nothing else.
"""
