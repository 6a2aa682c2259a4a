"""What people look for: `indexing` notes words and hours of entries, `matching` finds by words,
`opening` by hours."""
