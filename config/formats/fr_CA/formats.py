SHORT_DAY = "j b"  # 5 nov
DAY_AND_TIME = "j N, H\xa0\\h\xa0i"  # 5 nov., 14 h 05
TO_THE_SECOND = "Y-m-d H\xa0\\h\xa0i\xa0\\m\\i\\n\xa0s\xa0\\s"  # 2026-11-05 14 h 05 min 09 s
CLOCK = "H\xa0\\h\xa0i"  # 14 h 05
LONG_DAY = "j F Y"  # 29 juin 1991
CLOCK_AND_ZONE = "H \\h i T"  # 11 h 21 EDT
