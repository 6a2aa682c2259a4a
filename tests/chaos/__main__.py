"""`make chaos`: kill processes at random under load, and count what was lost and what was doubled.

    python -m tests.chaos [--only crms|bare|shapes|partners] [--shape NAME] [--referrals N]
                          [--seconds N] [--seed N] [--ambiguous 0.05]
    python -m tests.chaos --row 13 | all    the tests of one row of docs/proofs.md, or of all rows

PostgreSQL, Redis, a web server, workers and a dispatcher run as the Procfile has them. While
referrals come in, workers, dispatcher and broker are killed and started again. First they go to
CRMS (`tests.chaos.crms`), then to the demo destination in every combination of its options that
makes sense (`tests.chaos.shapes`), then to real counterparts of every other kind
(`tests.chaos.partners`). Ends with 0 when nothing was lost and nothing doubled.
"""

import argparse
import random
import subprocess
import sys

from tests.chaos import crms, partners, rows, shapes

CRMS, BARE, SHAPES, PARTNERS = "crms", "bare", "shapes", "partners"
USUAL = (CRMS, SHAPES, PARTNERS)
REFERRALS = {CRMS: 300, BARE: 100, SHAPES: 24, PARTNERS: 40}
SECONDS = 90  # to go on killing, at the least


def main() -> int:
    given = arguments()
    if given.row:
        known = rows.rows()
        chosen = known.values() if given.row == "all" else [known[int(given.row)]]
        return 0 if rows.run(list(chosen), USUAL) else 1
    if part := given.only or (SHAPES if given.shape else ""):
        return 0 if run(part, given) else 1
    # Each in a process of its own: Django is set up once, with the database of one part.
    command = [sys.executable, "-m", "tests.chaos", *sys.argv[1:], "--only"]
    failed = [subprocess.run([*command, part], check=False).returncode for part in USUAL]
    return int(any(failed))


def run(part: str, given: argparse.Namespace) -> bool:
    referrals = given.referrals or REFERRALS[part]
    if part == SHAPES:
        return shapes.run(referrals, given.seconds, given.seed, given.shape)
    if part == PARTNERS:
        return partners.run(referrals, given.seconds, given.seed)
    bare = part == BARE
    return crms.run(referrals, given.seconds, given.seed, given.ambiguous, bare=bare)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--only", choices=REFERRALS, help="one part (without: all but bare)")
    parser.add_argument("--row", metavar="N", help="of docs/proofs.md; all: each of them")
    parser.add_argument("--shape", help="one combination, as its line names it")
    parser.add_argument("--referrals", type=int, help=f"of each part: {REFERRALS}")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--ambiguous", type=float, default=0.05, help="of the answers of CRMS")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
