"""Mails a referral to a partner as a PDF that only a passphrase opens."""
