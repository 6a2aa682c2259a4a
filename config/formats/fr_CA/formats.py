SHORT_DAY = "j b"  # 5 nov
DAY_AND_TIME = "j N, H\xa0\\h\xa0i"  # 5 nov., 14 h 05
TO_THE_SECOND = "Y-m-d H\xa0\\h\xa0i\xa0\\m\\i\\n\xa0s\xa0\\s"  # 2026-11-05 14 h 05 min 09 s
# Django's own forget to escape the letter between: its "h" is the hour of a 12-hour clock.
TIME_FORMAT = "H\xa0\\h\xa0i"  # 14 h 05
DATETIME_FORMAT = "j F Y, H\xa0\\h\xa0i"  # 5 novembre 2026, 14 h 05
SHORT_DATETIME_FORMAT = "Y-m-d H\xa0\\h\xa0i"  # 2026-11-05 14 h 05
CLOCK = "H\xa0\\h\xa0i"  # 14 h 05
LONG_DAY = "j F Y"  # 29 juin 1991
CLOCK_AND_ZONE = "H \\h i T"  # 11 h 21 EDT
