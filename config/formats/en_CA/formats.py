SHORT_DAY = "M j"  # Nov 5
DAY_AND_TIME = "N j, H:i"  # Nov. 5, 14:05
