"""What a file of a view takes in memory: one export in a process that does nothing else."""

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import figures, portal


def measure(form: str) -> dict[str, float]:
    """Return the most megabytes that this process has had, and its CPU seconds."""
    portal.start()
    from directory.exporting.writing import FORMATS, write
    from directory.views.rules import api_view
    from tests.bench.deliveries import spent_seconds

    start = spent_seconds()
    with TemporaryDirectory() as folder:
        write(FORMATS[form], api_view(), "en", Path(folder) / "out")
    return {"megabytes": figures.resident(field="VmHWM"), "seconds": spent_seconds() - start}


if __name__ == "__main__":
    figures.report(measure)
