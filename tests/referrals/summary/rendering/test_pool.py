import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from referrals.summary.rendering.pool import Limits, Pool, RenderingFailed

pytestmark = pytest.mark.programs

ROOT = Path(__file__).resolve().parents[4]
SANS = ("Liberation Sans",)
SLOW = "<p>word" * 50_000
MakePool = Callable[..., Pool]


@pytest.fixture
def make_pool() -> Iterator[MakePool]:
    pools = []

    def make(size: int = 1, **limits: float) -> Pool:
        pools.append(Pool(size, Limits(**limits)))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


@pytest.fixture(scope="module")
def one_pool() -> Iterator[Pool]:
    """A pool for all tests that need none of their own: each has a renderer to start."""
    pool = Pool(1)
    yield pool
    pool.close()


def page(body: str) -> str:
    return f"<html lang=en><title>Test</title>{body}"


def text(content: bytes) -> str:
    """Return the text of the first page without its footer."""
    return PdfReader(BytesIO(content)).pages[0].extract_text().partition("\nConfidential")[0]


def idle_pid(pool: Pool) -> int:
    (renderer,) = pool._idle
    return renderer.process.pid


def children() -> set[int]:
    listed = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {int(pid) for file in listed for pid in file.read_text().split()}


def new_child(before: set[int]) -> int:
    """Wait until a renderer was started, and return its process id."""
    while not (new := children() - before):
        time.sleep(0.01)
    return new.pop()


# -- Used again, replaced --------------------------------------------------------------------------


def test_a_renderer_is_used_again(one_pool: Pool) -> None:
    one_pool.render(page("One"), SANS)
    first = idle_pid(one_pool)
    one_pool.render(page("Two"), SANS)

    assert idle_pid(one_pool) == first


def test_a_renderer_is_replaced_after_its_number_of_documents(make_pool: MakePool) -> None:
    pool = make_pool(documents=2)

    pool.render(page("One"), SANS)
    first = idle_pid(pool)
    pool.render(page("Two"), SANS)

    assert not pool._idle
    assert not Path(f"/proc/{first}").exists()


def test_a_renderer_that_has_grown_is_replaced(make_pool: MakePool) -> None:
    pool = make_pool(growth_megabytes=1)

    pool.render(page("One"), SANS)
    pool.render(page("<p>word" * 400), SANS)

    assert not pool._idle


def test_a_renderer_that_died_at_rest_is_replaced_unnoticed(make_pool: MakePool) -> None:
    pool = make_pool()
    pool.render(page("One"), SANS)
    (renderer,) = pool._idle
    renderer.process.kill()
    renderer.process.wait()

    assert text(pool.render(page("Two"), SANS)) == "Two"


def test_threads_share_the_renderers_and_never_start_more(make_pool: MakePool) -> None:
    pool, before, results = make_pool(size=2), children(), []

    def render(number: int) -> None:
        results.append(text(pool.render(page(f"Page {number}"), SANS)))

    threads = [threading.Thread(target=render, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == [f"Page {number}" for number in range(8)]
    assert len(children() - before) <= 2


def test_a_renderer_ends_with_its_supervisor_and_leaves_no_files(tmp_path: Path) -> None:
    program = (
        "from referrals.summary.rendering.pool import Pool\n"
        "pool = Pool(1)\n"
        "pool.render('<html lang=en><title>-</title>-', ('Liberation Sans',))\n"
        "print(pool._idle[0].process.pid, pool._idle[0].folder, flush=True)\n"
        "import os, signal\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    output = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True
    ).stdout
    pid, folder = output.split()

    deadline = time.monotonic() + 60
    while (is_alive(int(pid)) or Path(folder).exists()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(int(pid))
    assert not Path(folder).exists()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


# -- Limits ----------------------------------------------------------------------------------------


def test_a_renderer_killed_in_the_middle_fails_the_page_and_the_next_one_passes(
    make_pool: MakePool,
) -> None:
    pool, before, failures = make_pool(), children(), []

    def render() -> None:
        try:
            pool.render(page(SLOW), SANS)
        except RenderingFailed as failure:
            failures.append(failure.reason)

    thread = threading.Thread(target=render)
    thread.start()
    os.kill(new_child(before), signal.SIGKILL)
    thread.join()

    assert failures == ["renderer ended"]
    assert text(pool.render(page("Next"), SANS)) == "Next"


def test_a_page_that_takes_too_long_is_given_up(make_pool: MakePool) -> None:
    pool = make_pool(wall_seconds=0.2)

    with pytest.raises(RenderingFailed, match="too slow"):
        pool.render(page(SLOW), SANS)


def test_a_page_that_takes_too_much_cpu_is_given_up(make_pool: MakePool) -> None:
    pool = make_pool(cpu_seconds=1)

    with pytest.raises(RenderingFailed, match="renderer ended"):
        pool.render(page(SLOW), SANS)


def test_cpu_is_counted_anew_for_each_page(make_pool: MakePool) -> None:
    pool = make_pool(cpu_seconds=1)
    pool.render(page("One"), SANS)
    pid = idle_pid(pool)

    while cpu_seconds(pid) < 3:
        pool.render(page("<p>word" * 50), SANS)

    assert idle_pid(pool) == pid


def cpu_seconds(pid: int) -> float:
    user, system = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def test_a_memory_bomb_is_given_up(make_pool: MakePool) -> None:
    pool = make_pool(megabytes=280, cpu_seconds=300, wall_seconds=600)
    bomb = "<table>" + ("<tr>" + "<td>cell" * 100) * 400 + "</table>"

    with pytest.raises(RenderingFailed, match=r"MemoryError|SystemError|renderer ended"):
        pool.render(page(bomb), SANS)


def test_a_page_waits_no_longer_than_allowed_for_a_renderer(make_pool: MakePool) -> None:
    pool = make_pool(wall_seconds=0.1)
    pool._free.acquire()

    with pytest.raises(RenderingFailed, match="busy"):
        pool.render(page("One"), SANS)


# -- What a renderer may know and reach ------------------------------------------------------------


def test_the_environment_of_a_renderer_holds_no_secret(
    make_pool: MakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENCRYPTION_KEYS", "a-secret")
    pool = make_pool()
    pool.render(page("One"), SANS)

    environment = Path(f"/proc/{idle_pid(pool)}/environ").read_text()

    names = {line.split("=")[0] for line in environment.split("\0") if line}
    assert "a-secret" not in environment
    assert names == {
        "FONTCONFIG_FILE",
        "HOME",
        "LANG",
        "PYTHONHASHSEED",
        "PYTHONPATH",
        "PYTHONSAFEPATH",
        "TMPDIR",
    }


def test_the_page_appears_neither_in_arguments_nor_in_files(one_pool: Pool) -> None:
    one_pool.render(page("Mireille Tremblay"), SANS)
    (renderer,) = one_pool._idle

    arguments = Path(f"/proc/{renderer.process.pid}/cmdline").read_bytes()
    written = [file.read_bytes() for file in Path(renderer.folder).rglob("*") if file.is_file()]

    assert b"Mireille" not in arguments
    assert written  # the copies of the fonts
    assert not any(b"Mireille" in content for content in written)


def test_a_renderer_holds_no_file_of_ours_open(make_pool: MakePool) -> None:
    with socket.create_server(("127.0.0.1", 0)), (ROOT / "pyproject.toml").open():
        pool = make_pool()
        pool.render(page("One"), SANS)

        opened = [os.readlink(fd) for fd in Path(f"/proc/{idle_pid(pool)}/fd").iterdir()]

    assert not any("socket" in target or "pyproject" in target for target in opened)


@pytest.mark.parametrize(
    "body",
    [
        '<img src="http://127.0.0.1:{port}/">',
        '<link rel=attachment href="file:///etc/passwd">',
        '<img src="data:image/svg+xml,<svg/>">',
        *(
            pytest.param(body, marks=pytest.mark.whole)
            for body in (
                '<link rel=stylesheet href="http://127.0.0.1:{port}/">',
                '<link rel=attachment href="http://127.0.0.1:{port}/">',
                '<style>@import "http://127.0.0.1:{port}/";</style>',
                "<style>@font-face {{ font-family: x; "
                'src: url("http://127.0.0.1:{port}/") }}</style>',
                '<img src="file:///etc/passwd">',
            )
        ),
    ],
)
def test_a_page_that_asks_for_anything_is_refused(one_pool: Pool, body: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)

        with pytest.raises(RenderingFailed, match="FatalURLFetchingError"):
            one_pool.render(page(body.format(port=server.getsockname()[1])), SANS)
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_failure_states_nothing_of_the_page(one_pool: Pool) -> None:
    with pytest.raises(RenderingFailed) as caught:
        one_pool.render(page('Mireille <img src="http://mireille.example/">'), SANS)

    assert "ireille" not in repr(caught.value) + str(caught.value.__cause__)


def test_a_renderer_imports_no_django() -> None:
    program = (
        "import sys, referrals.summary.rendering.child;"
        "print([name for name in sys.modules if name.split('.')[0] == 'django'])"
    )
    run = [sys.executable, "-W", "ignore", "-c", program]

    assert subprocess.run(run, cwd=ROOT, capture_output=True, text=True).stdout.strip() == "[]"
