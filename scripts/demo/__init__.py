"""The demonstration: `python -m scripts.demo`, which `make run` and `make demo` start.

story        the events, and what is expected to become of each
environment  the settings that everything runs with
portal       the portal made ready: tables, configuration, people
stage        the programs, and the host of files, for as long as they are needed
sending      sends the events and follows each to its end
inbox        what CRMS holds afterwards, and whether that is right
table        shows it all, live
"""
