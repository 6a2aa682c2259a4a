"""Turns the HTML of a Referral Summary into a PDF, in a limited child process.

`pool` supervises the children; `child` is their program and `sandbox` their limits; `plain` is
the fallback that cannot fail on hostile text. Nothing here imports Django: a child starts fast,
stays small and knows no settings, hence no secrets.
"""
