"""Files in and out, whatever they hold: zip archives, CSV tables, JSON documents.

Pure: no Django. What comes from outside may be broken or hostile: it is read within limits, row by
row, and what cannot be read is reported with its line.
"""
