"""Secrets come from the environment, a file, or a command."""

import pytest

from config import secrets

pytestmark = pytest.mark.programs


def test_a_secret_is_read_from_whichever_place_is_named(tmp_path):
    file = tmp_path / "keys"
    file.write_text("first\nsecond\n\n")
    for environment, expected in (
        ({}, ""),
        ({"KEYS": ""}, ""),
        ({"KEYS": "first,second"}, "first,second"),
        ({"KEYS": "", "KEYS_FILE": str(file)}, "first,second"),
        ({"KEYS_COMMAND": f"cat '{file}'"}, "first,second"),
        ({"KEYS_COMMAND": "printf '%s' 'first, second'"}, "first, second"),
    ):
        assert secrets.read(environment, "KEYS") == expected


def test_one_that_cannot_be_read_is_named_and_not_shown(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for environment, message in (
        ({"KEYS": "s3cret", "KEYS_FILE": "/x"}, "KEYS and KEYS_FILE are set"),
        ({"KEYS_FILE": str(tmp_path / "none")}, "KEYS_FILE .* FileNotFoundError"),
        ({"KEYS_FILE": str(tmp_path)}, "KEYS_FILE .* IsADirectoryError"),
        ({"KEYS_FILE": str(tmp_path / "binary")}, "KEYS_FILE .* UnicodeDecodeError"),
        ({"KEYS_COMMAND": "sh -c 'echo s3cret; exit 1'"}, "KEYS_COMMAND .* CalledProcessError"),
        ({"KEYS_COMMAND": "no-such-program s3cret"}, "KEYS_COMMAND .* FileNotFoundError"),
        ({"KEYS_COMMAND": "'unbalanced s3cret"}, "KEYS_COMMAND .* ValueError"),
    ):
        with pytest.raises(secrets.NotRead, match=message) as refused:
            secrets.read(environment, "KEYS")
        assert "s3cret" not in str(refused.value)
