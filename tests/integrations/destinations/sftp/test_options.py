"""What can be set: every mistake is found before anything is sent."""

import io
from pathlib import Path
from typing import Any

import paramiko
import pytest

from integrations.destinations.sftp.options import SftpOptions
from integrations.destinations.sftp.transport import SftpTransport
from integrations.transport import Misconfigured, Targets, Updates
from tests.integrations.destinations.sftp.lists import batch, rows, transport

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIAo9hIoqqyFQ+CwJlgcMQitNb6oTgCiFqyU/+IBwmcg7"
LINE = f"ssh-ed25519 {KEY}"
SERVER = {"host": "files.partner.example", "username": "dovetail", "password": "a password"}
LOCAL = {"protocol": "local", "folder": "exports/housing"}


def private_key(passphrase: str | None = None) -> str:
    text = io.StringIO()
    paramiko.ECDSAKey.generate().write_private_key(text, passphrase)
    return text.getvalue()


def errors(given: dict[str, Any], stored: dict[str, Any] | None = None) -> set[str]:
    return set(SftpOptions(given, initial=stored or {}).errors)


def test_the_kind_declares_what_it_can() -> None:
    files = transport(**SERVER)
    assert (files.updates, files.removes, files.batches) == (Updates.LATEST, True, True)
    assert (files.repeatable, files.targets, files.noun) == (True, Targets.BY_HEADING, "export")
    assert (files.schedule, files.lists_all) == ("", False)
    assert (files.options["format"], files.options["checksums"]) == ("csv", True)


def test_what_cannot_be_is_refused() -> None:
    wrong = [
        ({}, {"host", "username", "password"}),
        ({**SERVER, "protocol": "scp"}, {"protocol"}),
        ({**SERVER, "protocol": "ftp"}, {"protocol"}),
        ({**SERVER, "protocol": "ftps", "password": "", "private_key": "x"}, {"password"}),
        ({**SERVER, "host": "https://files.partner.example"}, {"host"}),
        ({**SERVER, "host": "files.partner.example/path"}, {"host"}),
        ({**SERVER, "port": "0"}, {"port"}),
        ({**SERVER, "folder": "a\nb"}, {"folder"}),
        ({**SERVER, "format": "xlsx"}, {"format"}),
        ({**SERVER, "schedule": "every day"}, {"schedule"}),
        ({**SERVER, "schedule": "0 0 31 2 *"}, {"schedule"}),
        ({**SERVER, "content": "all"}, {"content"}),
        ({**SERVER, "host_key": "a key"}, {"host_key"}),
        ({**SERVER, "host_key": "SHA256:short"}, {"host_key"}),
        ({**SERVER, "host_key": "ssh-dss AAAA"}, {"host_key"}),
        ({**SERVER, "private_key": "no key"}, {"private_key"}),
        ({**SERVER, "private_key": private_key("secret")}, {"private_key"}),
        ({**SERVER, "private_key": private_key("secret"), "passphrase": "x"}, {"private_key"}),
        ({**LOCAL, "host": "files.partner.example"}, {"host"}),
        ({**LOCAL, "password": "a password"}, {"password"}),
        ({**LOCAL, "folder": ""}, {"folder"}),
        ({**LOCAL, "folder": "/etc"}, {"folder"}),
        ({**LOCAL, "folder": "a/../../b"}, {"folder"}),
    ]
    for given, expected in wrong:
        assert errors(given) == expected, given


def test_what_can_be_is_taken() -> None:
    right = [
        SERVER,
        {**SERVER, "password": "", "private_key": private_key()},
        {**SERVER, "private_key": private_key("secret"), "passphrase": "secret"},
        {**SERVER, "protocol": "ftp", "allow_plain_ftp": "true"},
        {**SERVER, "schedule": "30 6 * * 1-5", "content": "all"},
        {**SERVER, "schedule": "at_once"},
        {**SERVER, "host": "2001:db8::1"},
        LOCAL,
    ]
    for given in right:
        assert errors(given) == set(), given


def test_a_host_key_is_read_however_it_was_copied() -> None:
    for copied in (
        LINE,
        f"{LINE} root@files",
        f"files.partner.example {LINE}",
        f"  [files.partner.example]:2222   {LINE}\n",
    ):
        assert transport(**SERVER, host_key=copied).options["host_key"] == LINE


def test_a_secret_does_not_follow_to_another_server() -> None:
    stored = transport(**SERVER).options
    blank = {**stored, "password": ""}
    assert errors(blank, stored) == set()
    assert errors({**blank, "host": "other.example"}, stored) == {"password"}
    assert errors({**blank, "port": "2222"}, stored) == {"password"}
    assert errors({**blank, "protocol": "ftps"}, stored) == {"password"}
    assert errors({**LOCAL}, stored) == set()
    form = SftpOptions(LOCAL, initial=stored)
    assert form.is_valid()
    assert form.cleaned_data["password"] == ""


# -- A folder of this machine --------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path, settings: Any) -> Path:
    settings.EXPORT_ROOT = str(tmp_path / "exports")
    (tmp_path / "exports").mkdir()
    return tmp_path / "exports"


def test_a_list_lies_below_the_root_for_this_user_alone(root: Path) -> None:
    files = transport(protocol="local", folder="housing/lists")
    assert files.check()
    assert list(root.iterdir()) == []  # the test of the connection changes nothing
    receipt = files.deliver_batch(batch(rows(2)))
    written = root / "housing" / "lists" / receipt.name
    assert written.stat().st_mode & 0o777 == 0o600


def test_a_link_does_not_lead_out_of_the_root(root: Path) -> None:
    (root / "out").symlink_to(root.parent)
    with pytest.raises(Misconfigured):
        SftpTransport({"protocol": "local", "folder": "out/side"}).check()
    assert {one.name for one in root.parent.iterdir()} == {"exports"}


def test_no_list_lies_among_the_portal_s_own_files(root: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = str(root / "media")
    with pytest.raises(Misconfigured):
        transport(protocol="local", folder="media/lists").deliver_batch(batch(rows(1)))
    assert list(root.iterdir()) == []
