"""The installer of system packages never says that all is well when it is not."""

import os
import stat
import subprocess

import pytest

from tests.services import ROOT

pytestmark = pytest.mark.programs

SCRIPT = (ROOT / "scripts" / "system-packages").read_text()
ABSENT = "no-such-package-of-dovetail"


@pytest.fixture
def programs(tmp_path):
    """A PATH of stand-ins alone, where nobody is root and apt-get records its arguments.

    What could change this machine (rm, tee, chmod) does nothing.
    """
    stubs = tmp_path / "bin"
    stubs.mkdir()
    write(stubs / "env", 'while [[ $1 == *=* ]]; do shift; done; "$@"')
    for inert in ("rm", "tee", "chmod", "python3"):
        write(stubs / inert, ":")
    write(stubs / "id", "echo 1000")
    write(stubs / "apt-get", f'echo "$@" >> {tmp_path}/calls')
    write(stubs / "dpkg-query", f'[ -e "{tmp_path}/installed" ] && echo -n installed')
    return stubs


def write(path, body):
    """Put a new script in place of what is there; a link would be replaced, never followed."""
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/bash\n{body}\n")
    path.chmod(stat.S_IRWXU)


def install(programs, *names):
    return subprocess.run(
        ["/bin/bash", "-s", "--", *names],
        input=SCRIPT,
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        check=False,
    )


def calls(programs):
    record = programs.parent / "calls"
    return record.read_text().splitlines() if record.exists() else []


def test_without_root_it_prints_what_to_install_and_fails(programs):
    result = install(programs, ABSENT)
    assert result.returncode == 1
    assert f"apt-get install --no-install-recommends {ABSENT}" in result.stderr
    assert calls(programs) == []


def test_a_real_user_without_rights_is_reported_too():
    user = "nobody" if os.geteuid() == 0 else None
    result = subprocess.run(
        ["bash", "-s", "--", ABSENT],
        input=SCRIPT,
        cwd="/",
        user=user,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert ABSENT in result.stderr


def test_passwordless_sudo_is_used(programs):
    write(programs / "sudo", '[ "$2" = true ] && exit; shift; "$@"')
    install(programs, ABSENT)
    assert [call.split()[0] for call in calls(programs)] == ["update", "install"]


def test_installed_packages_are_left_alone(programs):
    (programs.parent / "installed").touch()
    result = install(programs, "runtime", "test")
    assert (result.returncode, result.stdout, calls(programs)) == (0, "", [])


def test_an_installation_that_installed_nothing_is_a_failure(programs):
    as_root(programs)
    result = install(programs, ABSENT)
    assert result.returncode == 1
    assert f"Still missing after the installation: {ABSENT}" in result.stderr


def test_a_failed_installation_is_a_failure(programs):
    as_root(programs)
    write(programs / "apt-get", '[ "$1" = update ]')
    result = install(programs, ABSENT)
    assert result.returncode == 1
    assert f"apt-get could not install: {ABSENT}" in result.stderr


def test_stale_lists_alone_do_not_stop_an_installation(programs):
    as_root(programs)
    write(programs / "apt-get", f'[ "$1" != update ] && : > {programs.parent}/installed')
    result = install(programs, ABSENT)
    assert result.returncode == 0
    assert "could not be refreshed" in result.stderr


def as_root(programs):
    write(programs / "id", "echo 0")
