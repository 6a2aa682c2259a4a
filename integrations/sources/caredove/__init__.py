"""Caredove: two doors (`plain`, `fhir`), one kind of event behind them.

`events` holds the vocabulary and every assumption; `fields` reads values with tolerance; `auth`
checks who sends; `fixtures` has a realistic message for each kind of event, for the demo.
"""
