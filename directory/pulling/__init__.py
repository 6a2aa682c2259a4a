"""Follows another directory by its HSDS API: what it answers is brought in as a file of it is.

`reading` asks the API, within limits, and writes what it answers into a folder. `running` brings
the folder in: with the same comparison, limits, and undo as a file. Every connection is one of
`core.outbound`.
"""
