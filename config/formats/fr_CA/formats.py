SHORT_DAY = "j M"  # 5 nov.
DAY_AND_TIME = "j N, H\xa0h\xa0i"  # 5 nov., 14 h 05
