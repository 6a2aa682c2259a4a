"""Data partners in the configuration file, under the key `partners`."""

import pytest
from django.test import Client

from directory.models import DataPartner, DataPartnerToken
from integrations import configuration

pytestmark = pytest.mark.django_db
WHOLE = """
directory:
  languages: [en]
  partners:
    - name: Valley
      tokens: [first-token-of-valley, "env:VALLEY_TOKEN"]
      valid_from: 2026-01-01
      license: {name: CC0}
      rate: 60
      include: {areas: [Ottawa], statuses: [active], verified_within_days: 400, not_public: true}
      exclude_fields: [contact, service.minimum_age]
      notify:
        url: https://valley.example.org/n
        secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]
"""


def apply(text):
    return configuration.apply(text.encode())


def problems(text):
    with pytest.raises(configuration.ConfigurationError) as raised:
        apply(text)
    return " ".join(str(problem) for problem in raised.value.problems)


@pytest.fixture(autouse=True)
def token(monkeypatch):
    monkeypatch.setenv("VALLEY_TOKEN", "second-token-of-valley")


def test_a_file_makes_a_data_partner_and_again_changes_nothing():
    apply(WHOLE)
    partner = DataPartner.objects.get()
    assert (partner.rate, partner.exclude_fields) == (60, ["contact", "service.minimum_age"])
    assert partner.include["verified_within_days"] == 400
    for secret in ("first-token-of-valley", "second-token-of-valley"):
        reader = Client(headers={"Authorization": f"Bearer {secret}"})
        assert reader.get("/hsds/3.1/services").status_code == 200
    version = partner.view.version
    assert apply(WHOLE).nothing_changed
    assert DataPartner.objects.get().view.version == version


def test_tokens_that_the_file_leaves_out_are_revoked():
    apply(WHOLE)
    apply(WHOLE.replace("first-token-of-valley, ", ""))
    reader = Client(headers={"Authorization": "Bearer first-token-of-valley"})
    assert reader.get("/hsds/3.1/services").status_code == 401
    assert DataPartnerToken.objects.filter(revoked_at=None).count() == 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("contact, ", "service.description, ", "search and proximity read"),
        ("contact, ", "colour, ", "not a table or column"),
        ("[active]", "[open]", "not known"),
        ("areas: [Ottawa]", "areas: []", "at least one"),
        ("areas: [Ottawa]", "towns: [Ottawa]", "not known"),
        ("areas: [Ottawa]", "organizations: [x]", "a UUID"),
        ("2026-01-01", "soon", "a day"),
        ("rate: 60", "rate: 0", "greater than or equal to 1"),
        ("first-token-of-valley", "short", "8 to 300"),
        ("https://valley", "http://valley", "https"),
    ],
)
def test_what_a_file_cannot_say_is_refused(old, new, message):
    assert message in problems(WHOLE.replace(old, new))
    assert not DataPartner.objects.exists()
