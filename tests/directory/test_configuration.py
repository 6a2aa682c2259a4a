"""The key `directory` of the configuration file."""

import pytest

from directory.models import Directory, Entry, Supplier, View
from integrations import configuration
from integrations.configuration import transfer
from tests.directory import make

pytestmark = pytest.mark.django_db

WHOLE = b"""
directory:
  name: Ottawa Valley Services
  record_owner: OVS1
  languages: [en, fr]
  time_zone: America/Toronto
  public: true
  license: {name: CC BY 4.0, url: "https://creativecommons.org/licenses/by/4.0/"}
  airs_taxonomy: 211
  share_all_terms: [Needs]
  database_id: 7
  mailbox: updates@valley.example.org
  verify_every_days: 180
  embed_hosts: [www.valley.example.org]
  emergency: {en: "Call 9-1-1", fr: "Composez le 9-1-1"}
  quick_exit_codes: [PH-6500]
  sources:
    - {name: county, rank: 1, language: en, license: {name: CC0}}
    - {name: health, kind: file, rank: 2, language: fr, reshare: false}
"""


def apply(text):
    return configuration.apply(text if isinstance(text, bytes) else text.encode())


def problems(text):
    with pytest.raises(configuration.ConfigurationError) as raised:
        apply(text)
    return [str(problem) for problem in raised.value.problems]


def test_a_file_sets_the_directory_and_its_suppliers():
    apply(WHOLE.replace(b"airs_taxonomy: 211", b'airs_taxonomy: "211"'))
    directory = Directory.objects.get()
    assert (directory.languages, directory.public) == (["en", "fr"], "true")
    assert (directory.record_owner, directory.database_id) == ("OVS1", 7)
    assert directory.emergency["fr"] == "Composez le 9-1-1"
    assert [(one.name, one.rank, one.reshare) for one in Supplier.objects.all()] == [
        ("county", 1, True),
        ("health", 2, False),
    ]
    assert set(View.objects.values_list("name", flat=True)) == {"pages", "api"}


def test_the_same_file_again_changes_nothing():
    text = WHOLE.replace(b"airs_taxonomy: 211", b'airs_taxonomy: "211"')
    apply(text)
    version = View.objects.get(name="api").version
    assert apply(text).nothing_changed
    assert View.objects.get(name="api").version == version


def test_what_a_file_leaves_out_stays():
    apply("directory: {public: pages, languages: [fr], time_zone: America/Halifax}")
    apply("directory: {name: Services}")
    directory = Directory.objects.get()
    assert (directory.public, directory.languages) == ("pages", ["fr"])
    assert (directory.time_zone, directory.name) == ("America/Halifax", "Services")


def test_a_file_without_the_key_makes_no_directory():
    apply("organizations: [{id: '812', name: Birchwood}]")
    assert not Directory.objects.exists()


@pytest.mark.parametrize(
    ("given", "stored"), [("true", "true"), ("false", "false"), ("pages", "pages")]
)
def test_public_is_a_switch_or_pages(given, stored):
    apply(f"directory: {{public: {given}}}")
    assert Directory.objects.get().public == stored


def test_one_emergency_text_is_that_of_all_languages():
    apply("directory: {languages: [en, fr], emergency: 9-1-1}")
    assert Directory.objects.get().emergency == {"en": "9-1-1", "fr": "9-1-1"}


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ("languages: []", "directory.languages"),
        ("languages: [en, en]", "directory.languages"),
        ("languages: [English!]", "directory.languages"),
        ("time_zone: Toronto", "directory.time_zone"),
        ("public: maybe", "directory.public"),
        ("record_owner: ovs", "directory.record_owner"),
        ("verify_every_days: 0", "directory.verify_every_days"),
        ("mailbox: nobody", "directory.mailbox"),
        ("colour: red", "directory.colour"),
        ("sources: [{rank: 1}]", "directory.sources[0].name"),
        ("sources: [{name: a, kind: fax}]", "directory.sources[0].kind"),
        ("sources: [{name: a}, {name: a}]", "directory.sources[1]"),
    ],
)
def test_what_is_wrong_is_named_with_its_key(wrong, where):
    (problem,) = problems(f"directory: {{{wrong}}}")
    assert problem.startswith(f"{where}: ")
    assert not Directory.objects.exists()


def test_a_change_makes_every_answer_stale():
    apply("directory: {languages: [en]}")
    entry = make.agency().entry
    Entry.objects.update(built=10, marks=10)
    apply("directory: {languages: [en, fr]}")
    entry.refresh_from_db()
    assert entry.marks > entry.built


def test_an_organization_takes_no_directory_in_from_another_portal():
    text = b"organizations: [{id: '812', name: Birchwood}]\ndirectory: {public: true}"
    with pytest.raises(configuration.ConfigurationError) as raised:
        transfer.preview(text, {})
    assert [problem.path for problem in raised.value.problems] == [("directory",)]
