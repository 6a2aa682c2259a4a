"""Files of what a view sees, as of one moment, in constant memory.

All formats are made of the stored answers, cut for the view, so that a file has nothing that the
API does not show. `content/reading` yields them; each format's folder in `formats/` writes them;
`writing` makes a file.
"""
