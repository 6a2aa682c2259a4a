"""The configuration file: organizations, sources, destinations, triggers and mappings as text.

`reading` turns YAML or JSON into values that remember their lines, `sections` says what a file
may hold, `parts` brings the database to it. `exporting` writes one organization's configuration as
such a file; `transfer` takes it in on another portal, by a person who looks at it first.
`docs/connecting-caredove.md` explains the file.
"""

import os
from collections.abc import Mapping

from django.db import transaction

from integrations.configuration.applying import Run
from integrations.configuration.parts import apply_content
from integrations.configuration.problems import ConfigurationError, Problem
from integrations.configuration.reading import Tree, read
from integrations.configuration.rows import REASON, Report
from integrations.configuration.sections import Content, check

__all__ = ["ConfigurationError", "Problem", "Report", "apply", "apply_checked"]


def apply(raw: bytes) -> Report:
    """Create or change what a YAML or JSON file names, in one transaction.

    Returns what was done; the second time, nothing. Raises ConfigurationError with all that is
    wrong, and then nothing has changed. A secret `env:NAME` is taken from the environment.
    """
    tree = read(raw)
    return apply_checked(tree, check(tree, os.environ), os.environ)


@transaction.atomic
def apply_checked(
    tree: Tree, content: Content, environment: Mapping[str, str], by: str = REASON
) -> Report:
    """Apply a file that was read and checked, in somebody's name; see `apply`."""
    run = Run(tree, environment, by)
    apply_content(run, content)
    return run.finish()
