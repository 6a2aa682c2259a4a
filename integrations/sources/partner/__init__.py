"""Partners: who was sent a referral, and answers it."""
