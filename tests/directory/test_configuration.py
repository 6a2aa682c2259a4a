"""The key `directory` of the configuration file."""

import pytest
from django.utils import timezone

from directory.models import Directory, Entry, Pull, ScheduledExport, Supplier, View
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


# -- Suppliers that are pulled, and files that are written on a schedule --------------------------

FOLLOWED = """
directory:
  languages: [en, fr]
  sources:
    - {name: north, kind: hsds_api, url: "https://n.example.org", token: secret-1, every: 60}
  exports:
    - {name: all, format: icarol-csv, language: fr, schedule: "0 3 * * *", folder: open, keep: 3}
"""


def test_a_supplier_is_pulled_and_a_file_is_written_on_a_schedule():
    apply(FOLLOWED)
    pull, export = Pull.objects.get(), ScheduledExport.objects.get()
    assert (pull.supplier.name, pull.url, pull.every, pull.token) == (
        "north",
        "https://n.example.org",
        60,
        "secret-1",
    )
    assert pull.due_at <= timezone.now()
    assert (export.format, export.language, export.folder, export.keep) == (
        "icarol-csv",
        "fr",
        "open",
        3,
    )
    assert export.due_at > timezone.now()
    assert apply(FOLLOWED).nothing_changed
    assert ScheduledExport.objects.get().due_at == export.due_at


def test_a_supplier_that_is_a_file_again_is_pulled_no_more():
    apply(FOLLOWED)
    apply("directory: {sources: [{name: north, kind: file}]}")
    assert not Pull.objects.exists()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('url: "https://n.example.org", ', "", "needs the address"),
        ("kind: hsds_api, ", "", "are for the kind hsds_api"),
        ("every: 60", "every: 0", ""),
        ("folder: open, ", "", "a destination or a folder"),
        ("folder: open", "destination: nowhere", "no sftp destination"),
        ("0 3 * * *", "at noon", ""),
        ("language: fr", "language: de", "not a language"),
        ("icarol-csv", "icarol", "icarol-csv"),
    ],
)
def test_what_cannot_be_followed_or_written(old, new, words):
    found = problems(FOLLOWED.replace(old, new))
    assert len(found) == 1
    assert words in found[0]


def test_two_exports_with_files_of_one_name_are_refused():
    rest = 'format: icarol-csv, language: fr, schedule: "0 4 * * *", folder: open'
    line = f"    - {{name: other, {rest}}}\n"
    assert "another export" in problems(FOLLOWED + line)[0]
    apply(FOLLOWED + line.replace("language: fr", "language: en"))
    assert ScheduledExport.objects.count() == 2
