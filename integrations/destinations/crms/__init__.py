"""CRMS: a client record system with a referral inbox.

Everything that is assumed about its API (paths, headers, names, answers) is in this folder, and
what a real CRMS may do otherwise is an option. `docs/connecting-crms.md` says which is which.
"""
