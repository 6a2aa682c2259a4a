DATE_FORMAT = SHORT_DATE_FORMAT = "M j, Y"  # Nov 5, 2026
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "M j, Y, H:i"  # Nov 5, 2026, 14:05
TIME_FORMAT = "H:i"  # 14:05
YEAR_MONTH_FORMAT = "M Y"  # Nov 2026
MONTH_DAY_FORMAT = "M j"  # Nov 5, where the year is plain
# Beyond Django's own.
DAY_AND_TIME = "M j, H:i"  # Nov 5, 14:05
TO_THE_SECOND = "M j, Y, H:i:s"  # Nov 5, 2026, 14:05:09
# Printed documents spell the month out.
LONG_DAY = "F j, Y"  # June 29, 1991
CLOCK = "P"  # 11:21 a.m.
