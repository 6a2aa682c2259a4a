DATE_FORMAT = SHORT_DATE_FORMAT = "j N Y"  # 5 nov. 2026
# Django's own forget to escape the letter between: its "h" is the hour of a 12-hour clock.
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "j N Y, G\xa0\\h\xa0i"  # 5 nov. 2026, 14 h 05
TIME_FORMAT = "G\xa0\\h\xa0i"  # 14 h 05
YEAR_MONTH_FORMAT = "N Y"  # nov. 2026
MONTH_DAY_FORMAT = "j N"  # 5 nov., where the year is plain
# Beyond Django's own.
DAY_AND_TIME = "j N, G\xa0\\h\xa0i"  # 5 nov., 14 h 05
TO_THE_SECOND = "j N Y, G\xa0\\h\xa0i\xa0\\m\\i\\n\xa0s\xa0\\s"  # 5 nov. 2026, 14 h 05 min 09 s
# Printed documents spell the month out.
LONG_DAY = "j F Y"  # 29 juin 1991
CLOCK = "G \\h i"  # 11 h 21
