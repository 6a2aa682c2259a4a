"""The CPU time of the summary, next to the naive way to set the same page."""

import statistics

from tests.bench import figures, pdf, portal


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Return the median milliseconds of each kind, and its ratio to the naive one."""
    portal.start()
    pdf.ROUNDS = rounds
    kinds = {
        "naive": pdf.naive(),
        "naive, tagged": pdf.naive(pdf_variant="pdf/ua-1"),
        "ours, tagged": pdf.ours(),
    }
    times = pdf.measured(kinds)
    return {
        kind: {
            "ms": statistics.median(spent) * figures.MILLISECONDS,
            "ratio": statistics.median(
                one / naive for one, naive in zip(spent, times["naive"], strict=True)
            ),
        }
        for kind, spent in times.items()
    }


if __name__ == "__main__":
    figures.report(measure)
