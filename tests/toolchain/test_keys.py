"""What tests call a raw key on a page."""

from tests.keys import raw_keys_in


def test_a_choice_that_shows_its_key_is_found() -> None:
    page = '<option value="sftp">sftp</option><a href="?state=failed&amp;kind=crms">crms</a>'
    assert len(list(raw_keys_in(page))) == 2


def test_a_choice_with_a_label_is_none() -> None:
    page = (
        '<option value="">None</option><option value="1">Files</option>'
        '<option value="Ana">Ana</option><a href="?kind=crms">CRMS</a><a href="?q=it">Search</a>'
    )
    assert not list(raw_keys_in(page))
