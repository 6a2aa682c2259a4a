"""When a service is open: times, rules, closings, and how people and formats write them.

Pure: no Django. Everything here is local wall-clock time of the directory's time zone, as naive
`datetime`s, because that is what hours are: a door that opens at nine opens at nine all year.
"""
