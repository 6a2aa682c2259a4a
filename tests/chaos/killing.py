"""Kill workers, dispatcher and broker at random while others give them work."""

import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.flow.broker import Broker
from tests.flow.portal import Portal
from tests.services import ROOT, prints

WORKERS = 3
QUICK = {
    "LEASE_SECONDS": "8",
    "SETTLE_SECONDS": "0.5",
    "RETRY_SCHEDULE": ",".join(["1"] * 60),
}
AT_WORK = prints("ready.")
PATIENCE = 600  # seconds, for what is left to settle once nothing is killed any more


@dataclass
class Chaos:
    """Kills and starts again, until it is told to stop."""

    portal: Portal
    broker: Broker
    random: random.Random
    stopping: threading.Event = field(default_factory=threading.Event)
    killed: Counter[str] = field(default_factory=Counter)

    def run(self) -> None:
        workers = [self.portal.begin("worker") for _ in range(WORKERS)]
        while not self.stopping.wait(self.random.uniform(1, 3)):
            choice = self.random.choices(["worker", "dispatcher", "broker"], [6, 2, 1])[0]
            if choice == "worker":
                victim = self.random.randrange(WORKERS)
                if not AT_WORK(workers[victim]):
                    continue  # on a slow machine, none would ever come to work
                workers[victim].kill()
                workers[victim] = self.portal.begin("worker")
            elif choice == "dispatcher":
                self.portal.program("dispatcher").kill()
                self.portal.begin("dispatcher")
            else:
                self.broker.kill()
                self.stopping.wait(self.random.uniform(1, 3))
                self.broker.start()
            self.killed[choice] += 1

    def shown(self) -> str:
        """Return how often each was killed."""
        return ", ".join(f"{name} {count}" for name, count in sorted(self.killed.items()))


@contextmanager
def killing(portal: Portal, broker: Broker, seed: int) -> Iterator[Chaos]:
    """Kill for as long as the block; the programs run on after it."""
    chaos = Chaos(portal, broker, random.Random(seed))
    thread = threading.Thread(target=chaos.run)
    thread.start()
    try:
        yield chaos
    finally:
        chaos.stopping.set()
        thread.join()


def manage(*command: str) -> None:
    subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, check=True)
