"""Pushes each version of a referral, signed, as JSON to a partner's address."""
