"""Lists of entries: `parameters` reads what is asked for, `filters` finds it, `pages` writes it."""
