"""The configuration file: organizations, sources, destinations, triggers and mappings as text.

`reading` turns YAML or JSON into values that remember their lines, `sections` says what a file
may hold, `parts` brings the database to it. `docs/connecting-caredove.md` explains the file.
"""

from django.db import transaction

from integrations.configuration.applying import Run
from integrations.configuration.parts import apply_content
from integrations.configuration.problems import ConfigurationError, Problem
from integrations.configuration.reading import read
from integrations.configuration.rows import Report
from integrations.configuration.sections import check

__all__ = ["ConfigurationError", "Problem", "Report", "apply"]


def apply(raw: bytes) -> Report:
    """Create or change what a YAML or JSON file names, in one transaction.

    Returns what was done; the second time, nothing. Raises ConfigurationError with all that is
    wrong, and then nothing has changed.
    """
    tree = read(raw)
    content = check(tree)
    with transaction.atomic():
        run = Run(tree)
        apply_content(run, content)
        return run.finish()
