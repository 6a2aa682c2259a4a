"""The stored answers: entries as HSDS 3.1 JSON, with everything that is not confidential.

`loading` gathers the rows for some entries, `rendering` makes JSON of them in one language,
`holdings` says which other entries it contains, `building` stores all of it.
"""
