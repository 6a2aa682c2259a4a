"""Single values as suppliers write them: texts, days, phone numbers, postcodes, coordinates, links.

Pure: no Django. A value is read, or found wanting with a sentence for people; what a supplier sent
is never changed in silence.
"""
