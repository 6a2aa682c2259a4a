#!/usr/bin/env python
"""Django's command line for Dovetail."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    from config.checks import UnsafeSettings

    try:
        execute_from_command_line(sys.argv)
    except UnsafeSettings as refusal:
        sys.exit(f"{refusal}")


if __name__ == "__main__":
    main()
