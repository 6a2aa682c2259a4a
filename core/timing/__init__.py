"""When something happens: schedules, and wake-ups between programs."""
