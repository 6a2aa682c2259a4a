"""Verification through a real mail server: the mail as it arrives, its link opened and answered."""

import re
from email import message_from_bytes, policy

import pytest
from django.test import Client

from directory.models import Service, VerificationRequest
from directory.verifying import mails
from integrations.channels.smtp import Security
from tests.directory import make
from tests.smtp import mail_server

pytestmark = pytest.mark.usefixtures("directory")


@pytest.fixture
def mailbox(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with mail_server(None, Security.NONE) as running:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.port
        yield running


def test_an_agency_answers_the_mail_that_it_got(mailbox):
    agency = make.agency({"fr": "L’Été à Hearst"}, email="ecoute@hands.example.org")
    service = make.service({"fr": "Écoute téléphonique"}, organization=agency)
    assert mails.send().failed == []
    (taken,) = mailbox.taken
    assert mailbox.envelopes == [["ecoute@hands.example.org"]]
    message = message_from_bytes(taken, policy=policy.default)
    body = message.get_content()
    assert "Écoute téléphonique" in body
    (link,) = re.findall(r"https?://\S+(/directory/verify/\S+)", body)
    client = Client()
    for _ in range(2):  # as mail scanners do
        assert client.get(link).status_code == 200
        assert client.head(link).status_code == 200
    assert Service.objects.get(pk=service.pk).assured_date is None
    assert "Merci" in client.post(link, {"answer": "confirm"}).content.decode()
    assert Service.objects.get(pk=service.pk).assured_date is not None
    assert client.get(link).status_code == 410


def test_a_link_is_none_where_the_server_did_not_take_the_mail(mailbox):
    agency = make.agency(email="info@hands.example.org")
    make.service(organization=agency)
    mailbox.recipients["info@hands.example.org"] = "550 no such mailbox"
    assert mails.send().failed == [str(agency.entry.hsds_id)]
    assert not VerificationRequest.objects.exists()
    mailbox.recipients.clear()
    assert mails.send().first == [str(agency.entry.hsds_id)]
