"""Each attempt runs in a process of its own: an audit hook cannot be taken out again."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.programs

ROOT = Path(__file__).resolve().parents[4]
SANS = "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf"
PRELUDE = """
import ctypes, http.client, os, pathlib, shutil, socket, subprocess, sys, urllib.request
from referrals.summary.rendering import sandbox
own = pathlib.Path(sys.argv[1])
sandbox.confine(own, [pathlib.Path("{sans}")])
"""


def attempt(folder: Path, code: str) -> str:
    """Return the last line on standard error: empty when the code was let through."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE.format(sans=SANS) + code, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    return done.stderr.strip().rpartition("\n")[2]


@pytest.mark.parametrize(
    "code",
    [
        "socket.create_connection(('127.0.0.1', 9))",
        "socket.socket()",
        "socket.getaddrinfo('example.org', 80)",
        "urllib.request.urlopen('http://127.0.0.1:9/')",
        "http.client.HTTPConnection('127.0.0.1', 9).request('GET', '/')",
        "subprocess.run(['/bin/true'])",
        "os.system('true')",
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "open('/etc/passwd').read()",
        "os.open('/etc/passwd', os.O_RDONLY)",
        "open('/proc/self/environ').read()",
        "open(f'/proc/{os.getppid()}/environ').read()",
        "(own / 'link').symlink_to('/etc/passwd'); (own / 'link').read_text()",
        "open(own / '..' / 'escaped', 'w')",
        "open('/tmp/dovetail-escaped', 'w')",
        f"open('{SANS}', 'a')",
        "os.listdir('/etc')",
        "os.remove('/tmp/dovetail-not-there')",
        "shutil.rmtree('/tmp/dovetail-not-there')",
        "os.rename(own, '/tmp/dovetail-moved')",
        "os.kill(os.getppid(), 0)",
        "ctypes.CDLL('libc.so.6')",
    ],
)
def test_a_confined_process_is_refused(tmp_path: Path, code: str) -> None:
    assert "PermissionError" in attempt(tmp_path, code)


@pytest.mark.parametrize(
    "code",
    [
        f"open('{SANS}', 'rb').read()",
        "(own / 'font').write_bytes(b'x'); (own / 'font').unlink()",
        "import tempfile; tempfile.tempdir = str(own); shutil.rmtree(tempfile.mkdtemp())",
        "import colorsys, encodings.idna",
    ],
)
def test_a_confined_process_may_do_what_setting_a_page_needs(tmp_path: Path, code: str) -> None:
    assert attempt(tmp_path, code) == ""


def test_memory_is_bounded(tmp_path: Path) -> None:
    assert "MemoryError" in attempt(tmp_path, "sandbox.limit_memory(200); bytearray(300 << 20)")


def test_no_core_dump_is_left(tmp_path: Path) -> None:
    code = "sandbox.limit_memory(500); import resource; sys.exit(str(resource.getrlimit(4)))"

    assert attempt(tmp_path, code) == "(0, 0)"
