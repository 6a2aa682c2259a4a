"""Caredove: two endpoints (`plain`, `fhir`), one kind of event behind them.

`kind` is what the rest of the portal sees. `events` holds the vocabulary and every assumption;
`fields` reads values with tolerance; `fixtures` has a realistic message for each kind of event, for
the demo.
"""
