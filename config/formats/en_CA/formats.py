SHORT_DAY = "M j"  # Nov 5
DAY_AND_TIME = "N j, H:i"  # Nov. 5, 14:05
TO_THE_SECOND = "Y-m-d H:i:s"  # 2026-11-05 14:05:09
# Django's own have "2:05 p.m." here: with 24 hours, both languages say the same.
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j M Y, H:i"  # 5 Nov 2026, 14:05
SHORT_DATETIME_FORMAT = "Y-m-d H:i"
CLOCK = "H:i"  # 14:05
LONG_DAY = "F j, Y"  # June 29, 1991
CLOCK_AND_ZONE = "P T"  # 11:21 a.m. EDT
