"""Reading one value as people and systems write it: dates, names, contact points, addresses.

Pure functions, for every sender kind. What is not surely read is not read: nothing is guessed.
"""
