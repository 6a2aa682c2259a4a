"""The configuration file, from its text to the rows, and back again without a change."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command

from core.database import clock
from integrations import configuration
from integrations.models import (
    Destination,
    Organization,
    ServiceListing,
    Source,
    SourceCredential,
    TriggerConfig,
)
from integrations.sources.auth import verify_secret
from mapping.models import Mapping
from mapping.source.allowing import AllowList

EXAMPLE = Path(__file__).parents[2] / "fixtures" / "examples" / "config.yaml"
# Read as text: YAML 1.1, which safe_load follows, takes the key `on` for the value true.
PARSED: dict[str, Any] = yaml.load(EXAMPLE.read_text(), yaml.BaseLoader)

pytestmark = pytest.mark.django_db
TRACKED = [Organization, ServiceListing, Source, SourceCredential, Destination, TriggerConfig]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRMS_TOKEN", "token-from-the-environment")
    monkeypatch.setenv("CAREDOVE_PASSWORD", "password-from-the-environment")


def apply(content: dict[str, Any] | str) -> configuration.Report:
    text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
    return configuration.apply(text.encode())


def problems(content: dict[str, Any] | str) -> list[str]:
    """Apply what cannot be applied; return the lines that say why."""
    before = rows()
    with pytest.raises(configuration.ConfigurationError) as error:
        apply(content)
    assert rows() == before
    return str(error.value).splitlines()


def changed(**sections: Any) -> dict[str, Any]:
    """Return the example with other sections in it."""
    return {**deepcopy(PARSED), **sections}


def rows() -> dict[str, list[dict[str, Any]]]:
    """Return every row and every line of history, as they are stored."""
    models = [*TRACKED, *(model.history.model for model in TRACKED), Mapping]
    return {str(m): list(m._base_manager.order_by("pk").values()) for m in models}


# -- What a file brings about ------------------------------------------------------------------


def test_the_example_is_applied_as_it_stands() -> None:
    configuration.apply(EXAMPLE.read_bytes())

    organization = Organization.objects.get(caredove_id="812")
    assert organization.name == "Birchwood Community Mental Health"
    assert {one.caredove_id for one in organization.listings.all()} == {"4417", "4418"}
    source = Source.objects.get(name="caredove")
    assert source.attachment_hosts == ["sandbox.caredove.example"]
    assert source.fetch_credentials() == ("portal", "password-from-the-environment")
    destination = Destination.objects.get()
    assert destination.options["base_url"] == "http://127.0.0.1:9009"
    assert destination.options["token"] == "token-from-the-environment"
    config = TriggerConfig.objects.get()
    assert (config.listing.caredove_id, config.destination) == ("4417", destination)
    assert config.on == ["received", "status_ready"]
    assert config.mapping.shipped


def test_a_secret_of_a_source_is_kept_as_a_hash() -> None:
    apply(PARSED)

    credential = SourceCredential.objects.get()
    assert (credential.key, credential.active) == ("caredove", True)
    assert "change-me" not in credential.secret_hash
    assert verify_secret("change-me", credential.secret_hash)


def test_json_states_the_same_as_yaml() -> None:
    configuration.apply(json.dumps(PARSED, indent="\t").encode())

    assert apply(PARSED).nothing_changed


def test_a_second_time_changes_nothing() -> None:
    everything = changed(mappings=[own_mapping()])
    everything["sources"][0]["signing_secrets"] = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
    everything["sources"][0]["organizations"] = ["812"]
    everything["triggers"][0]["mapping"] = "intake"
    apply(everything)
    before = rows()

    report = apply(everything)

    assert report.nothing_changed
    assert rows() == before


def test_what_is_left_out_stays_as_it_is() -> None:
    apply(
        changed(
            organizations=[{"id": "812", "name": "Birchwood", "plan": "enterprise"}], triggers=[]
        )
    )

    apply({"organizations": [{"id": "812", "name": "Birchwood House"}]})

    organization = Organization.objects.get()
    assert (organization.name, organization.plan) == ("Birchwood House", "enterprise")
    assert Destination.objects.exists()


def test_an_option_that_is_left_out_takes_its_default_and_a_secret_stays() -> None:
    first = changed()
    first["destinations"][0]["options"]["read_seconds"] = 20
    apply(first)
    second = changed()
    del second["destinations"][0]["options"]["token"]

    apply(second)

    options = Destination.objects.get().options
    assert options["read_seconds"] == 30
    assert options["token"] == "token-from-the-environment"


def test_limits_stand_among_the_options_of_every_kind() -> None:
    content = changed()
    content["destinations"][0]["options"] |= {"at_once": 2, "per_minute": 30}
    apply(content)
    destination = Destination.objects.get()
    assert (destination.at_once, destination.per_minute) == (2, 30)
    assert "at_once" not in destination.options
    assert apply(content).nothing_changed
    del content["destinations"][0]["options"]["at_once"]
    apply(content)
    destination = Destination.objects.get()
    assert (destination.at_once, destination.per_minute) == (None, 30)


@pytest.mark.parametrize("limit", [0, -1, "many", 100_000])
def test_a_limit_that_is_none_is_named(limit: Any) -> None:
    content = changed()
    content["destinations"][0]["options"]["per_minute"] = limit
    (message,) = problems(content)
    assert "destinations[0].options.per_minute: " in message


def test_what_may_leave_stands_among_the_options_of_every_kind() -> None:
    content = changed()
    may_leave = {"fields": ["registrant.phone_1", "answers.intake"], "files": ["referral_summary"]}
    content["destinations"][0]["options"] |= may_leave
    apply(content)
    destination = Destination.objects.get()
    assert destination.allow_list() == AllowList(tuple(may_leave["fields"]), attachments=False)
    assert not may_leave.keys() & destination.options.keys()
    assert apply(content).nothing_changed
    content["destinations"][0]["options"] |= {"fields": [], "files": []}
    apply(content)
    destination = Destination.objects.get()
    assert (destination.allow_list().names, destination.files_allowed()) == ((), [])
    for name in may_leave:
        del content["destinations"][0]["options"][name]
    apply(content)
    assert Destination.objects.get().allow_list().is_open


def test_what_no_destination_can_let_out_is_named() -> None:
    for given in ({"fields": ["registrant.phone_9"]}, {"files": ["photos"]}, {"fields": "all"}):
        content = changed()
        content["destinations"][0]["options"] |= given
        (message,) = problems(content)
        assert f"destinations[0].options.{next(iter(given))}: " in message


def test_the_report_reports_what_was_created_changed_and_left() -> None:
    apply(PARSED)
    second = changed()
    second["organizations"][0]["plan"] = "enterprise"
    second["organizations"][0]["listings"].append({"id": "4419", "name": "Groups"})

    lines = apply(second).lines()

    assert "organizations: 1 changed" in lines
    assert "service listings: 1 created, 2 unchanged" in lines
    assert "trigger configs: 1 unchanged" in lines


def test_words_that_old_yaml_takes_for_values_stay_words() -> None:
    apply("organizations:\n  - {id: 0812, name: no, listings: [{id: 1e3, name: 2026-03-11}]}")

    assert Organization.objects.get().caredove_id == "0812"
    assert Organization.objects.get().name == "no"
    assert ServiceListing.objects.get().caredove_id == "1e3"
    assert ServiceListing.objects.get().name == "2026-03-11"


def test_an_id_without_quotes_is_text() -> None:
    apply("organizations: [{id: 812, name: Birchwood, active: no}]")

    assert Organization.objects.get().caredove_id == "812"
    assert not Organization.objects.get().active


def test_the_order_of_triggers_does_not_matter() -> None:
    apply(PARSED)
    second = changed()
    second["triggers"][0]["on"].reverse()

    assert apply(second).nothing_changed


# -- Credentials -------------------------------------------------------------------------------


def test_credentials_that_the_file_no_longer_lists_are_switched_off() -> None:
    first = changed()
    first["sources"][0]["basic"] = [
        {"key": "old", "secret": "the old one"},
        {"key": "new", "secret": "the new one"},
    ]
    apply(first)
    second = changed()
    second["sources"][0]["basic"] = [{"key": "new", "secret": "the new one"}]

    apply(second)

    active = dict(SourceCredential.objects.values_list("key", "active"))
    assert active == {"old": False, "new": True}


def test_a_credential_that_comes_back_is_switched_on() -> None:
    apply(PARSED)
    SourceCredential.objects.update(active=False)

    apply(PARSED)

    assert SourceCredential.objects.get().active


def test_only_a_new_secret_is_hashed_anew() -> None:
    apply(PARSED)
    before = SourceCredential.objects.get().secret_hash
    second = changed()
    second["sources"][0]["basic"][0]["secret"] = "another one"

    apply(second)

    after = SourceCredential.objects.get().secret_hash
    assert after != before
    assert verify_secret("another one", after)
    assert not verify_secret("change-me", after)


def test_a_source_without_its_lists_keeps_its_credentials() -> None:
    apply(PARSED)

    apply({"sources": [{"name": "caredove"}]})

    assert SourceCredential.objects.get().active


def test_a_key_id_belongs_to_one_source() -> None:
    apply(PARSED)
    other = {"name": "other", "basic": [{"key": "caredove", "secret": "change-me"}]}

    assert problems({"sources": [other]}) == [
        "sources[0].basic[0].key: this key id belongs to source “caredove” (line 4)"
    ]


def test_a_source_may_be_limited_and_freed_again() -> None:
    limited = changed()
    limited["sources"][0]["organizations"] = ["812"]
    apply(limited)
    assert Source.objects.get().organizations.get().caredove_id == "812"

    report = apply(PARSED)

    assert "sources: 1 changed" in report.lines()
    assert not Source.objects.get().organizations.exists()


# -- Mappings ----------------------------------------------------------------------------------


def own_mapping(**parts: Any) -> dict[str, Any]:
    return {
        "name": "intake",
        "destination_kind": "crms",
        "rules": [
            {"target": "client.first_name", "from": ["registrant.first_name"]},
            {"target": "client.last_name", "from": ["registrant.last_name"]},
            {
                "target": "client.date_of_birth",
                "from": ["registrant.date_of_birth"],
                "transforms": [{"name": "date"}],
            },
            {"target": "external_reference", "from": ["reference"]},
            {"target": "source", "from": [], "transforms": [{"name": "default", "value": "C"}]},
        ],
        **parts,
    }


def test_a_trigger_may_use_a_mapping_of_the_file() -> None:
    content = changed(mappings=[own_mapping(organization="812")])
    content["triggers"][0]["mapping"] = "intake"

    apply(content)

    mapping = TriggerConfig.objects.get().mapping
    assert (mapping.name, mapping.organization.caredove_id) == ("intake", "812")
    assert mapping.rules.count() == 5


def test_mappings_may_be_written_by_name() -> None:
    unnamed = own_mapping()
    del unnamed["name"]
    wrong = deepcopy(unnamed)
    wrong["rules"][0]["from"] = ["registrant.frist_name"]

    apply({"mappings": {"intake": unnamed}})
    (line,) = problems({"mappings": {"intake": unnamed, "wrong": wrong}})

    assert Mapping.objects.filter(name="intake").exists()
    assert line.startswith("mappings[1].rules[0].from: ")
    assert "frist_name" in line


def test_the_name_of_the_shipped_mapping_is_taken() -> None:
    (line,) = problems({"mappings": [own_mapping(name="default")]})

    assert line.startswith("mappings[0].name: “default” is the mapping that ships with Dovetail")


def test_a_mapping_for_another_kind_is_not_found() -> None:
    content = changed(mappings=[own_mapping()])
    content["destinations"][0] |= {"kind": "demo", "options": {}}
    content["triggers"][0]["mapping"] = "intake"

    (line,) = problems(content)

    assert "triggers[0].mapping: no mapping for demo destinations named “intake”" in line


# -- What is wrong, and where --------------------------------------------------------------------


def test_a_listing_that_is_nowhere_is_named_with_its_line() -> None:
    content = EXAMPLE.read_text().replace('listing: "4417"', 'listing: "9999"')
    line = content.splitlines().index('  - listing: "9999"') + 1

    assert problems(content) == [
        f"triggers[0].listing: no listing “9999” in this file or in Dovetail (line {line})"
    ]


def test_everything_wrong_is_stated_at_once() -> None:
    messages = problems("""\
organizations:
  - {id: "812", name: Birchwood, time_zone: America/Tronto}
sources:
  - {name: caredove, attachment_hosts: ["https://files.example"]}
triggers:
  - {listing: "9999", destination: CRMS, on: [received]}
""")

    assert len(messages) == 3
    assert "organizations[0].time_zone" in messages[0]
    assert messages[0].endswith("(line 2)")
    assert "sources[0].attachment_hosts" in messages[1]
    assert "triggers[0].listing" in messages[2]


def test_a_key_with_a_typing_error_is_not_passed_over() -> None:
    content = changed()
    content["triggers"][0]["enabld"] = True
    content["organisations"] = []

    messages = problems(content)

    assert any(
        "organisations: this key is not known; did you mean “organizations”?" in s for s in messages
    )
    assert any(
        "triggers[0].enabld: this key is not known; did you mean “enabled”?" in s for s in messages
    )


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("organizations", "plan", "enterprize", "did you mean “enterprise”?"),
        ("organizations", "name", "", "this is empty"),
        ("organizations", "active", "perhaps", "true or false is expected here"),
        ("organizations", "listings", "4417", "a list is expected here"),
        ("sources", "kind", "caredoof", "“caredoof” is not a kind; did you mean “caredove”?"),
        ("sources", "organizations", ["813"], "no organization “813” in this file or in Dovetail"),
        ("sources", "fetch", {"username": "portal"}, "this is missing"),
        ("destinations", "organization", "813", "no organization “813”"),
        ("destinations", "kind", "crsm", "“crsm” is not a kind; did you mean “crms”?"),
        ("destinations", "options", {"base_urk": ""}, "not an option; did you mean “base_url”?"),
        ("destinations", "options", {"token": "t"}, "This field is required."),
        ("triggers", "on", ["recieved"], "did you mean “received”?"),
        ("triggers", "on", [], "choose at least one"),
        ("triggers", "destination", "Oakwood CRMS", "no destination “Oakwood CRMS”"),
        ("triggers", "mapping", "mine", "no mapping for crms destinations named “mine”"),
    ],
)  # fmt: skip
def test_each_mistake_is_named(section: str, key: str, value: Any, message: str) -> None:
    content = changed()
    content[section][0][key] = value

    (line,) = [line for line in problems(content) if section in line]

    assert line.startswith(f"{section}[0].{key}")
    assert message in line
    assert "(line " in line


def test_a_part_that_is_broken_is_not_called_missing_as_well() -> None:
    content = changed()
    content["organizations"][0]["time_zone"] = "Mars/Olympus"

    (line,) = problems(content)

    assert "organizations[0].time_zone" in line


def test_two_parts_of_the_same_name_are_refused() -> None:
    content = changed()
    content["triggers"].append(deepcopy(content["triggers"][0]))

    (line,) = problems(content)

    assert "triggers[1]: trigger “4417 to Birchwood CRMS” appears twice, first on line" in line


def test_a_key_that_stands_twice_is_refused() -> None:
    (line,) = problems("sources: []\ntriggers: []\nsources: []\n")

    assert line == "sources: this key appears twice, first on line 1 (line 3)"


def test_a_listing_does_not_move_to_another_organization() -> None:
    apply(PARSED)

    (line,) = problems(
        {"organizations": [{"id": "9", "name": "Nine", "listings": [{"id": "4417", "name": "X"}]}]}
    )

    assert "organizations[0].listings[0].id: this listing belongs to organization “812”" in line


def test_a_destination_does_not_become_another_kind() -> None:
    apply(PARSED)
    content = changed(triggers=[])
    content["destinations"][0] |= {"kind": "demo", "options": {}}

    (line,) = problems(content)

    assert "destinations[0].kind: this destination is of kind “crms”; use a new name" in line


def test_a_listing_goes_only_to_destinations_of_its_own_organization() -> None:
    content = changed()
    content["organizations"].append({"id": "9", "name": "Nine"})
    content["destinations"][0]["organization"] = "9"

    (line,) = problems(content)

    assert "triggers[0].destination: “Birchwood CRMS” belongs to organization “9”" in line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sources: [", "file: "),
        ("a: 1\nb: &x 2\nc: *x", "file: anchors and aliases are not read (line 3)"),
        ("- 1", "file: keys and values are expected here"),
        ("sources: !!python/name:os.system x", "file: tags such as !!int are not read (line 1)"),
        ("sources: !!int many", "file: tags such as !!int are not read (line 1)"),
        ("sources: !!timestamp x", "file: tags such as !!int are not read (line 1)"),
        ("sources: " + "9" * 5000, "sources: "),
        ("sources: \x07", "file: there is a character in it that YAML does not allow"),
        ("[" * 5000, "file: it is nested too deep"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(text: str, message: str) -> None:
    assert problems(text)[0].startswith(message)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(configuration.ConfigurationError, match=r"not UTF-8 text \(line 2\)"):
        configuration.apply(b"sources:\n - \xff")


def test_an_empty_file_changes_nothing() -> None:
    assert apply("# nothing yet\n").nothing_changed


# -- Secrets -------------------------------------------------------------------------------------


def test_a_secret_that_is_not_in_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRMS_TOKEN")
    text = EXAMPLE.read_text()
    line = text.splitlines().index("      token: env:CRMS_TOKEN") + 1

    assert problems(text) == [
        "destinations[0].options.token: the environment variable CRMS_TOKEN is not set "
        f"(line {line})"
    ]


def test_no_error_shows_a_secret() -> None:
    content = changed()
    content["sources"][0]["basic"] = [{"key": "a:b", "secret": "hunter2-basic"}]
    content["sources"][0]["fetch"] = {"username": "u", "password": "hunter2-fetch"}
    content["destinations"][0]["options"]["token"] = "hunter2 with spaces"
    broken = "sources:\n  - basic:\n    - {key: k, secret: 'hunter2-syntax\n"

    assert "hunter2" not in "".join(problems(content))
    assert "hunter2" not in "".join(problems(broken))


def test_the_command_states_what_it_did_and_nothing_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("apply_config", str(EXAMPLE))
    first = capsys.readouterr().out
    call_command("apply_config", str(EXAMPLE))
    second = capsys.readouterr().out

    assert "organizations: 1 created" in first
    assert second.endswith("Nothing changed.\n")
    for secret in ("change-me", "token-from-the-environment", "password-from-the-environment"):
        assert secret not in first + second


def test_the_command_reports_that_a_connection_is_still_paused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    apply(PARSED)
    Destination.objects.get().pause("It said 401.", clock.now())

    call_command("apply_config", str(EXAMPLE))

    assert "“Birchwood CRMS” is paused." in capsys.readouterr().out


def test_the_command_names_file_and_problem(tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("trigers: []\n")

    with pytest.raises(CommandError, match=r"was not applied:\ntrigers: this key is not known"):
        call_command("apply_config", str(file))
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        call_command("apply_config", str(tmp_path / "absent.yaml"))
