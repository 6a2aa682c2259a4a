import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.test import RequestFactory
from django.urls import reverse

from core import audit
from core.database import clock
from core.models import AppendOnly, AuditEvent
from core.web.requests import client_ip

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return User.objects.create_user("ada")


def request_of(user, **meta):
    request = RequestFactory().get("/", **meta)
    request.user = user
    return request


def test_who_did_what_to_what_and_when(ada):
    before = clock.now()
    event = audit.record(request_of(ada, REMOTE_ADDR="192.0.2.7"), "retried", ada, reason="asked")
    event = AuditEvent.objects.get(pk=event.pk)
    assert (event.user, event.username, event.ip) == (ada, "ada", "192.0.2.7")
    assert (event.action, event.detail) == ("retried", {"reason": "asked"})
    assert (event.object_type, event.object_id) == ("auth.user", str(ada.pk))
    assert event.object_label == "ada"
    assert (event.at - before).total_seconds() < 60


@pytest.mark.parametrize(
    ("actor", "name"), [("dispatcher", "dispatcher"), (AnonymousUser(), "anonymous")]
)
def test_a_program_or_a_stranger_has_a_name_and_no_account(actor, name):
    event = audit.record(actor, "purged")
    assert (event.user, event.username, event.ip, event.object_id) == (None, name, None, "")


def test_a_request_without_a_user_is_anonymous():
    assert audit.record(RequestFactory().get("/"), "asked").username == "anonymous"


def test_what_was_written_stays(ada):
    event = audit.record(ada, "retried")
    event.action = "nothing"
    for change in (
        event.save,
        event.delete,
        AuditEvent.objects.all().delete,
        lambda: AuditEvent.objects.update(action="nothing"),
    ):
        with pytest.raises(AppendOnly):
            change()
    assert AuditEvent.objects.get().action == "retried"


def test_who_it_was_stays_when_the_account_is_deleted(admin_client, ada):
    event = audit.record(ada, "retried")
    was = ada.pk
    ada.delete()
    event.refresh_from_db()
    assert (event.user_id, event.username) == (was, "ada")
    page = admin_client.get(reverse("admin:core_auditevent_change", args=[event.pk]))
    assert page.status_code == 200


def test_the_admin_shows_and_changes_nothing(admin_client, ada):
    event = audit.record(ada, "retried", ada)
    model = "admin:core_auditevent"
    assert b"retried" in admin_client.get(reverse(f"{model}_changelist")).content
    page = admin_client.get(reverse(f"{model}_change", args=[event.pk]))
    assert page.status_code == 200
    assert b'name="_save"' not in page.content
    assert admin_client.get(reverse(f"{model}_add")).status_code == 403
    assert admin_client.post(reverse(f"{model}_delete", args=[event.pk])).status_code == 403


@pytest.mark.parametrize(
    ("object_type", "shown"),
    [
        ("auth.user", '<td class="field-about"><a href="/admin/auth/user/7/change/">ada</a></td>'),
        ("auth.permission", '<td class="field-about">ada</td>'),
        ("gone.model", '<td class="field-sort">gone.model</td>'),
        ("referrals.importjob", '<td class="field-sort">delivery</td>'),
        ("referrals.importattempt", '<td class="field-sort">attempt</td>'),
        ("", '<td class="field-about">ada</td>'),
    ],
)
def test_the_admin_leads_to_what_it_was_done_to(admin_client, object_type, shown):
    AuditEvent.objects.create(object_type=object_type, object_id="7", object_label="ada")
    page = admin_client.get(reverse("admin:core_auditevent_changelist")).content.decode()
    assert shown in page
    assert "<h1>Audit events</h1>" in page


@pytest.mark.postgres
def test_the_admin_shows_what_was_done_in_a_time_and_by_whom(admin_client, ada):
    audit.record(ada, "retried", ada)
    audit.record("a program", "swept")
    page = reverse("admin:core_auditevent_changelist")
    assert b"Past 7 days" in admin_client.get(page).content
    assert actions(admin_client.get(page, {"q": "ada"})) == ["retried"]
    assert actions(admin_client.get(page, {"at__lt": "2020-01-01 00:00:00+00:00"})) == []
    assert len(actions(admin_client.get(page, {"at__gte": "2020-01-01 00:00:00+00:00"}))) > 1


def actions(response):
    return [event.action for event in response.context["cl"].result_list]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, None, "192.0.2.7"),
        (0, "198.51.100.1", "192.0.2.7"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "10.0.0.1, 198.51.100.1", "198.51.100.1"),
        (2, "203.0.113.5, 198.51.100.1", "203.0.113.5"),
        (1, "nonsense", None),
        (3, "198.51.100.1", None),
        (1, None, None),
    ],
)
def test_the_senders_address_is_what_our_own_proxies_saw(settings, proxies, forwarded, address):
    settings.TRUSTED_PROXIES = proxies
    meta = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
    assert client_ip(RequestFactory().get("/", REMOTE_ADDR="192.0.2.7", **meta)) == address


def test_who_sees_one_organization_alone_does_not_read_the_trail_of_all(client):
    event = audit.record("ada", "retried")
    mallory = User.objects.create_user("mallory", is_staff=True)
    mallory.user_permissions.add(Permission.objects.get(codename="view_auditevent"))
    client.force_login(mallory)
    pages = [
        reverse("admin:core_auditevent_changelist"),
        reverse("admin:core_auditevent_change", args=[event.pk]),
    ]
    assert [client.get(page).status_code for page in pages] == [403, 403]
    assert pages[0] not in client.get(reverse("admin:index")).content.decode()
    mallory.user_permissions.add(Permission.objects.get(codename="see_all_organizations"))
    assert [client.get(page).status_code for page in pages] == [200, 200]
    assert pages[0] in client.get(reverse("admin:index")).content.decode()
