"""Which agencies are to be asked, and the mails that ask them."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse

from core.database import clock
from directory.fields import in_language
from directory.models import HIDDEN, Agency, Directory, Service, VerificationRequest
from directory.pages.phrases import phrases
from directory.verifying.answers import hashed, services_of
from directory.views.rules import SHOWN_STATUSES
from integrations.channels import mail
from integrations.transport import DeliveryError, Unconfirmed

VALID = timedelta(days=30)  # a link
REMIND_AFTER = timedelta(days=14)
MOST = 3  # mails of a round: the first, and two reminders


@dataclass
class Sent:
    """What was sent, as ids of agencies: never their addresses."""

    first: list[str] = field(default_factory=list)
    reminders: list[str] = field(default_factory=list)
    no_mailbox: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {
            "sent": self.first,
            "reminders": self.reminders,
            "no_mailbox": self.no_mailbox,
            "failed": self.failed,
        }


def send(*, dry_run: bool = False) -> Sent:
    """Ask each agency whose verification is due, one mail an agency; return what was sent.

    A dry run sends nothing, and says what would be sent.
    """
    directory = Directory.objects.get()
    now, sent = clock.now(), Sent()
    for agency in _overdue(directory, now):
        asked = _asked(agency, directory, now)
        if asked is None:
            continue
        hsds_id = str(agency.entry.hsds_id)
        address = mailbox(agency)
        if not address:
            sent.no_mailbox.append(hsds_id)
        elif not dry_run and not _send(agency, address, directory, now, is_reminder=asked > 0):
            sent.failed.append(hsds_id)
        else:
            (sent.reminders if asked else sent.first).append(hsds_id)
    return sent


def mailbox(agency: Agency) -> str:
    """Return where an agency is asked: what staff set, else its e-mail if that is shown."""
    if agency.verification_email:
        return agency.verification_email
    return "" if agency.email_secrecy in HIDDEN else agency.email


def language_of(agency: Agency, directory: Directory) -> str:
    """Return the agency's language: the first of the directory's that it has a name in."""
    languages: list[str] = directory.languages
    return next((one for one in languages if one in agency.name), languages[0])


def _overdue(directory: Directory, now: datetime) -> list[Agency]:
    """Return the agencies with a service that is shown and was not verified for long."""
    since = now.astimezone(directory.zone).date() - timedelta(days=directory.verify_every_days)
    old = Q(assured_date=None) | Q(assured_date__lt=since)
    services = Service.objects.filter(old, status__in=SHOWN_STATUSES, entry__withdrawn_by="")
    shown = services.exclude(entry__secrecy__in=HIDDEN)
    found = Agency.objects.filter(pk__in=shown.values("organization"), entry__withdrawn_by="")
    return list(found.select_related("entry").order_by("pk"))


def _asked(agency: Agency, directory: Directory, now: datetime) -> int | None:
    """Return how often the agency was asked in this round; None where it is not to be asked now."""
    round_began = now - timedelta(days=directory.verify_every_days)
    requests = list(agency.verification_requests.filter(sent_at__gt=round_began))
    if any(one.answered_at for one in requests) or len(requests) >= MOST:
        return None
    if requests and requests[0].sent_at > now - REMIND_AFTER:
        return None
    return len(requests)


def _send(
    agency: Agency, address: str, directory: Directory, now: datetime, *, is_reminder: bool
) -> bool:
    """Send one mail; return whether the mail server took it. If not, its link is none."""
    token = secrets.token_urlsafe(32)
    request = VerificationRequest.objects.create(
        agency=agency, token_hash=hashed(token), sent_at=now, expires_at=now + VALID
    )
    try:
        mail.send(_mail(agency, address, directory, token, is_reminder=is_reminder))
    except Unconfirmed:
        return True  # it may have arrived: its link has to work
    except DeliveryError:
        request.delete()
        return False
    return True


def _mail(
    agency: Agency, address: str, directory: Directory, token: str, *, is_reminder: bool
) -> EmailMessage:
    language = language_of(agency, directory)
    words = phrases(language)
    path = reverse("directory-verify", args=[token])
    subject = words["mail_reminder" if is_reminder else "mail_subject"].format(directory.name)
    names = [in_language(one.name, language, directory.languages) for one in services_of(agency)]
    text = render_to_string(
        "directory/verification.txt",
        {
            "w": words,
            "agency": in_language(agency.name, language, directory.languages),
            "directory": directory.name,
            "names": names,
            "link": f"{settings.PORTAL_URL.rstrip('/')}{path}?lang={language}",
        },
    )
    reply_to = [directory.mailbox] if directory.mailbox else []
    return EmailMessage(" ".join(subject.split()), text, to=[address], reply_to=reply_to)
