"""The digest of the delivery path: what it notices, and when it is not written."""

from pathlib import Path

import pytest

from tests import delivery_path
from tests.delivery_path import PROVEN, Unproven, changed, hashes, record


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project whose delivery path the whole matrix has passed on."""
    monkeypatch.setattr(delivery_path, "FILES", ("sending.py", "kinds/**/*.py"))
    for name in ("sending.py", "kinds/crms/transport.py", "kinds/crms/__init__.py", "other.py"):
        write(tmp_path, name, f"# {name}\n")
    (tmp_path / PROVEN.parent).mkdir()
    record(hashes(tmp_path), tmp_path)
    return tmp_path


def write(project: Path, name: str, content: str) -> None:
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).write_text(content)


# -- What is noticed -------------------------------------------------------------------------------


def test_nothing_has_changed_right_after_the_whole_matrix(project: Path):
    assert changed(project) == []


def test_a_changed_file_is_named(project: Path):
    write(project, "kinds/crms/transport.py", "before = 2\n")
    assert changed(project) == ["kinds/crms/transport.py"]


def test_a_file_that_is_changed_back_needs_nothing(project: Path):
    before = (project / "sending.py").read_text()
    write(project, "sending.py", "other = 2\n")
    write(project, "sending.py", before)
    assert changed(project) == []


def test_a_new_kind_is_named(project: Path):
    write(project, "kinds/email/transport.py", "")
    assert changed(project) == ["kinds/email/transport.py"]


def test_a_deleted_and_a_renamed_file_are_named(project: Path):
    (project / "kinds/crms/__init__.py").unlink()
    (project / "kinds/crms/transport.py").rename(project / "kinds/crms/sending.py")
    assert changed(project) == [
        "kinds/crms/__init__.py",
        "kinds/crms/sending.py",
        "kinds/crms/transport.py",
    ]


def test_a_file_elsewhere_is_none_of_its_business(project: Path):
    write(project, "other.py", "after = 1\n")
    write(project, "kinds/crms/readme.txt", "after\n")
    assert changed(project) == []


@pytest.mark.parametrize("content", ["", "no digest\n", "\x00", "# only words\n"])
def test_where_no_digest_is_written_down_everything_is_new(project: Path, content: str):
    write(project, f"{PROVEN}", content)
    assert changed(project) == sorted(hashes(project))


def test_without_its_file_everything_is_new(project: Path):
    (project / PROVEN).unlink()
    assert changed(project) == sorted(hashes(project))


def test_a_digest_of_other_files_does_not_hide_a_change(project: Path):
    before = (project / PROVEN).read_text()
    write(project, "sending.py", "before = 2\n")
    hash_ = hashes(project)["sending.py"]
    known = hashes_in(before)["sending.py"]
    write(project, f"{PROVEN}", before.replace(known, hash_))
    assert changed(project) == [f"{PROVEN}"]  # all names agree, the digest does not


@pytest.mark.parametrize("side", [0, 1])
def test_two_changes_that_were_each_tried_alone_are_new_together(project: Path, side: int):
    proven = []
    for name in ("sending.py", "kinds/crms/transport.py"):
        before = (project / name).read_text()
        write(project, name, "mine = 1\n")
        record(hashes(project), project)
        proven.append((project / PROVEN).read_text())
        write(project, name, before)
    write(project, "sending.py", "mine = 1\n")
    write(project, "kinds/crms/transport.py", "mine = 1\n")
    write(project, f"{PROVEN}", proven[side])
    assert changed(project)


def hashes_in(text: str) -> dict[str, str]:
    lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
    return {words[1]: words[0] for words in lines if len(words) == 2}


# -- When it is not written ------------------------------------------------------------------------


def test_what_was_changed_while_the_matrix_ran_is_not_proven(project: Path):
    tried = hashes(project)
    write(project, "sending.py", "meanwhile = 1\n")
    before = (project / PROVEN).read_text()
    with pytest.raises(Unproven):
        record(tried, project)
    assert (project / PROVEN).read_text() == before


def test_what_has_moved_does_not_leave_the_delivery_path_unnoticed(project: Path):
    (project / "sending.py").rename(project / "send.py")
    with pytest.raises(FileNotFoundError, match=r"sending\.py"):
        changed(project)


# -- The real one ----------------------------------------------------------------------------------


def test_every_kind_and_the_whole_engine_are_in_it():
    names = set(hashes())
    root = delivery_path.ROOT
    for folder in ("integrations/destinations", "referrals/delivering", "tests/crash"):
        files = {f"{path.relative_to(root)}" for path in (root / folder).rglob("*.py")}
        assert files
        assert files <= names


def test_contributing_names_its_files():
    text = (delivery_path.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [pattern for pattern in delivery_path.FILES if f"`{pattern}`" not in text] == []
