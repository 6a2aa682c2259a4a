"""Who sees which entry. `rules` says it in SQL, `members` keeps the membership rows up to date,
`cutting` takes out of an answer what lies outside of a view."""
