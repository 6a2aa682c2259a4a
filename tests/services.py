"""The real programs that tests, bench and chaos run against, each started here and ended here.

Every context manager works without pytest:

    with postgres() as database_url, redis() as broker_url:
        with spawn([sys.executable, "manage.py", "dispatch"], env={...}) as dispatcher:
            dispatcher.kill()
"""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import psycopg
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

ROOT = Path(__file__).resolve().parent.parent
PORTS = 20_000, 32_000
PORTS_KEPT = 64
PATIENCE = 300  # seconds: a busy machine is slow, and that is no failure

_kept_ports: deque[socket.socket] = deque()


def pauses() -> Iterator[float]:
    """Yield how many seconds to wait before looking again: ever longer, up to half a second.

    To look costs the program that is looked at, and the machine that it needs to get ready.
    """
    return chain((0.05 * 1.2**number for number in range(12)), repeat(0.5))


class Program:
    """A child process in a process group of its own; what it prints goes to a file.

    A program with a `user` runs as that one, in the root directory.
    """

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str] | None = None,
        name: str = "",
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.name = name or Path(command[0]).name
        self.stop_signal = stop_signal
        with tempfile.NamedTemporaryFile(
            prefix=f"{self.name}-", suffix=".log", delete=False
        ) as log:
            self.log = Path(log.name)
            self.process = subprocess.Popen(
                command,
                cwd="/" if user else ROOT,
                env=env,
                user=user,
                group=user,
                extra_groups=[] if user else None,
                pass_fds=pass_fds,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            )

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def is_running(self) -> bool:
        return self.process.poll() is None

    def wait_until(self, ready: Callable[["Program"], bool]) -> None:
        """Return as soon as `ready(self)`; raise RuntimeError with the output if it never is."""
        end, pause = time.monotonic() + PATIENCE, pauses()
        while not ready(self):
            if not self.is_running():
                code = self.process.returncode
                raise RuntimeError(f"{self.name} ended with {code}:\n{self.output()}")
            if time.monotonic() > end:
                raise RuntimeError(f"{self.name} is not ready after {PATIENCE} s:\n{self.output()}")
            time.sleep(next(pause))

    def stop(self, seconds: float = 30) -> int:
        """Ask it to end, kill what does not; return its exit status."""
        if self.is_running():
            self._send(self.stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        return self.kill()

    def kill(self) -> int:
        """Kill it and all that it started, as a lost machine would; return its exit status."""
        self._send(signal.SIGKILL)
        return self.process.wait()

    def _send(self, sign: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, sign)


@contextmanager
def spawn(
    command: Sequence[str],
    env: Mapping[str, str] | None = None,
    ready: Callable[[Program], bool] | None = None,
    **options: Any,
) -> Iterator[Program]:
    """Run a program for as long as the block; `ready` is waited for first.

    `options` are those of `Program`: its name, user, stop_signal, and pass_fds.
    """
    program = Program(command, env, **options)
    try:
        if ready:
            program.wait_until(ready)
        yield program
    finally:
        program.stop()
        program.log.unlink(missing_ok=True)


def answers(url: str) -> Callable[[Program], bool]:
    """Readiness of a web server: it answers, whatever it says."""

    def ready(program: Program) -> bool:
        try:
            with urlopen(url, timeout=5):
                return True
        except HTTPError:
            return True
        except (URLError, OSError):
            return False

    return ready


def prints(text: str) -> Callable[[Program], bool]:
    """Readiness of a program that says so."""
    return lambda program: text in program.output()


def free_port() -> int:
    """Return a TCP port of the loopback address that nothing listens on.

    Nobody else is given it: not by the kernel, which takes from a higher range for those who ask
    for any, and not by another test run's `free_port`, because this process keeps it bound on
    127.0.0.2 until it has asked for many more.
    """
    while True:
        port = random.randrange(*PORTS)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            _kept_ports.append(socket.create_server(("127.0.0.2", port)))
            if len(_kept_ports) > PORTS_KEPT:
                _kept_ports.popleft().close()
            return port


@contextmanager
def postgres() -> Iterator[str]:
    """Yield the URL of a PostgreSQL: the one in TEST_DATABASE_URL, else one started for this."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
    else:
        with own_postgres() as url:
            yield url


@contextmanager
def redis() -> Iterator[str]:
    """Yield the URL of a Redis: the one in TEST_REDIS_URL, else one started for this."""
    if url := os.environ.get("TEST_REDIS_URL"):
        yield url
    else:
        with own_redis() as url:
            yield url


@contextmanager
def own_postgres(*, durable: bool = False) -> Iterator[str]:
    """Run a PostgreSQL in a temporary directory; it forgets everything at the end.

    A durable one waits for the disk on every commit, as in production; tests need not.
    """
    port = free_port()
    url = f"postgres://postgres@127.0.0.1:{port}/postgres"
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    with _directory(user) as directory:
        data = f"{directory}/data"
        _create_cluster(data, user)
        command = [postgres_program("postgres"), "-D", data, "-p", str(port), "-k", directory]
        command += ["-c", "listen_addresses=127.0.0.1"]
        if not durable:
            command += ["-c", "fsync=off", "-c", "full_page_writes=off"]
        # SIGINT ends open connections; SIGTERM would wait for them.
        options = {"user": user, "stop_signal": signal.SIGINT}
        with spawn(command, {}, lambda program: _accepts(url), **options):
            yield url


@contextmanager
def own_redis() -> Iterator[str]:
    """Run a Redis in a temporary directory; it keeps nothing."""
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    with _directory() as directory:
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no", "--dir", directory]
        with spawn(command, ready=lambda program: _pongs(url)):
            yield url


@dataclass(frozen=True)
class Sshd:
    """An OpenSSH server for this user, who signs in with `private_key`."""

    port: int
    user: str
    private_key: str
    host_key: str  # as a public key line


@contextmanager
def sshd() -> Iterator[Sshd]:
    """Run OpenSSH's server on the loopback address, for files alone."""
    port, user = free_port(), pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where it leaves its rights
    with _directory() as directory:
        for name in ("host", "client"):
            keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{directory}/{name}"]
            subprocess.run(keygen, check=True)
        config = Path(directory, "config")
        config.write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {directory}/host\n"
            f"AuthorizedKeysFile {directory}/client.pub\nStrictModes no\nUsePAM no\n"
            "PermitRootLogin yes\nPasswordAuthentication no\nPidFile none\n"
            "Subsystem sftp internal-sftp\n"
        )
        command = ["/usr/sbin/sshd", "-D", "-e", "-f", str(config)]
        with spawn(command, {}, prints("Server listening")):
            keys = Path(directory, "client").read_text(), Path(directory, "host.pub").read_text()
            yield Sshd(port, user, *keys)


@contextmanager
def own_mariadb() -> Iterator[int]:
    """Run a MariaDB with an empty database `copy`, and yield its port of this machine.

    Its user `dovetail` has the password `secret`. It forgets everything at the end.
    """
    port = free_port()
    user = "mysql" if os.geteuid() == 0 else None  # it refuses to run as root
    with _directory(user) as directory:
        data, own = f"{directory}/data", f"{directory}/tmp"
        Path(own).mkdir()
        if user:
            shutil.chown(own, user)
        # A server that starts removes temporary tables from its directory: also those of another.
        setting_up = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", f"--tmpdir={own}"]
        setting_up += ["--skip-test-db", "--auth-root-authentication-method=normal"]
        set_up = subprocess.run(
            setting_up, cwd="/", user=user, group=user, check=False, capture_output=True, text=True
        )
        assert set_up.returncode == 0, set_up.stdout + set_up.stderr
        first = Path(directory, "first.sql")
        first.write_text(
            "CREATE DATABASE copy;\nCREATE USER dovetail@'%' IDENTIFIED BY 'secret';\n"
            "GRANT ALL ON copy.* TO dovetail@'%';\n"
        )
        first.chmod(0o644)
        program = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
        command = [program, "--no-defaults", f"--datadir={data}", f"--tmpdir={own}"]
        command += [f"--init-file={first}", f"--port={port}", "--bind-address=127.0.0.1"]
        command += [
            "--skip-name-resolve",
            f"--socket={directory}/socket",
            f"--pid-file={directory}/pid",
        ]
        command += ["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M"]
        with spawn(command, {}, prints("ready for connections"), user=user):
            yield port


@contextmanager
def _directory(owner: str | None = None) -> Iterator[str]:
    # Another user may not be able to reach this user's TMPDIR.
    directory = tempfile.mkdtemp(prefix="dovetail-", dir="/tmp" if owner else None)
    try:
        if owner:
            shutil.chown(directory, owner, owner)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _create_cluster(data: str, user: str | None) -> None:
    command = [postgres_program("initdb"), "--pgdata", data, "--username", "postgres"]
    command += ["--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
    subprocess.run(
        command, cwd="/", user=user, group=user, check=True, capture_output=True, text=True
    )


def postgres_program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs, which Debian keeps out of PATH."""
    versions = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    newest = max(versions, key=lambda path: int(path.parts[-3]), default=None)
    found = str(newest) if newest else shutil.which(name)
    if not found:
        raise FileNotFoundError(f"{name} is missing: install Debian's package postgresql")
    return found


def _accepts(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def _pongs(url: str) -> bool:
    try:
        return bool(Redis.from_url(url).ping())
    except RedisConnectionError:
        return False
