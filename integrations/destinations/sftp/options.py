"""What can be set for one place where files go."""

import base64
import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from core.timing import schedule
from integrations.destinations.sftp.places.over_ssh import read_private_key
from integrations.transport import Options, SecretField, YesNoField

SFTP, FTPS, FTP, LOCAL = "sftp", "ftps", "ftp", "local"
CSV, JSONL, XML = "csv", "jsonl", "xml"
AT_ONCE = "at_once"
CHANGES, ALL = "changes", "all"
KEY_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
)
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
SECRETS = ("password", "private_key", "passphrase")
OF_A_SERVER = ("host", "username", "host_key")


class HiddenText(forms.Textarea):
    """Several lines that are never shown again."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        return super().get_context(name, None, attrs)


class ScheduleField(forms.CharField):
    """Five cron fields, one of their short names, or `at_once`."""

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value in (*self.empty_values, AT_ONCE):
            return
        try:
            schedule.read(value)
        except schedule.BadSchedule as error:
            raise ValidationError(str(error)) from None


class SftpOptions(Options):
    """Where files go, who we are there, and what is in them."""

    protocol = forms.ChoiceField(
        label=_("Protocol"),
        choices=[
            (SFTP, _("SFTP")),
            (FTPS, _("FTPS (explicit TLS)")),
            (FTP, _("Plain FTP (not encrypted)")),
            (LOCAL, _("A folder of this machine")),
        ],
        initial=SFTP,
        required=False,
    )
    host = forms.CharField(label=_("Host"), max_length=255, required=False, initial="")
    port = forms.IntegerField(
        label=_("Port"),
        required=False,
        min_value=1,
        max_value=65535,
        help_text=_("Left empty: 22 for SFTP, 21 for FTPS."),
    )
    username = forms.CharField(label=_("User name"), max_length=255, required=False, initial="")
    password = SecretField(label=_("Password"), max_length=1000, required=False, initial="")
    private_key = SecretField(
        label=_("Private key"),
        max_length=20_000,
        required=False,
        initial="",
        help_text=_("As ssh-keygen writes it. For SFTP, instead of a password or besides it."),
        widget=HiddenText(attrs={"rows": 4, "cols": 72, "autocomplete": "off"}),
    )
    passphrase = SecretField(
        label=_("Passphrase of the key"), max_length=1000, required=False, initial=""
    )
    host_key = forms.CharField(
        label=_("Host key"),
        max_length=4000,
        required=False,
        initial="",
        help_text=_(
            "For SFTP a public key line, or its SHA256: fingerprint. Leave it empty and press Test "
            "connection to see the server's. For FTPS a file of certificate authorities of this "
            "machine; left empty, the public ones are trusted."
        ),
    )
    allow_plain_ftp = YesNoField(
        label=_("Allow plain FTP"),
        initial=False,
        help_text=_("Names, health data and the password then travel unencrypted."),
    )
    folder = forms.CharField(
        label=_("Folder"),
        max_length=500,
        required=False,
        initial="",
        help_text=_("Left empty: where the server lets us in. On this machine: below EXPORT_ROOT."),
    )
    format = forms.ChoiceField(
        label=_("Format"),
        choices=[(CSV, _("CSV")), (JSONL, _("JSON lines")), (XML, _("XML"))],
        initial=CSV,
        required=False,
    )
    schedule = ScheduleField(
        label=_("Schedule"),
        max_length=200,
        required=False,
        initial=AT_ONCE,
        help_text=_(
            "at_once, hourly, daily, weekdays, weekly, or five cron fields such as 30 6 * * 1-5, "
            "in the organization's time zone."
        ),
    )
    content = forms.ChoiceField(
        label=_("Content"),
        choices=[(CHANGES, _("What has changed since the last run")), (ALL, _("All referrals"))],
        initial=CHANGES,
        required=False,
    )
    safe_for_spreadsheets = YesNoField(
        label=_("Safe for spreadsheets"),
        initial=False,
        help_text=_("For CSV that people open: no value is taken for a formula."),
    )
    checksums = YesNoField(label=_("Write a checksum file"), initial=True)
    max_megabytes = forms.IntegerField(
        label=_("Largest list, in MB"), required=False, initial=1024, min_value=1, max_value=65536
    )

    def clean_host(self) -> str:
        host = str(self.cleaned_data["host"] or "").strip().lower()
        if host and not _HOST.fullmatch(host):
            raise ValidationError(_("Enter the name of a host, such as files.partner.example."))
        return host

    def clean_folder(self) -> str:
        folder = str(self.cleaned_data["folder"] or "").strip()
        if any(ord(one) < 32 for one in folder):
            raise ValidationError(_("Enter a path in one line."))
        return folder

    def clean(self) -> dict[str, Any]:
        given = {name: self.cleaned_data.get(name) for name in SECRETS}
        cleaned = super().clean()
        checks = self._check_folder if cleaned.get("protocol") == LOCAL else self._check_server
        checks(cleaned, given)
        every_time = cleaned.get("schedule") == AT_ONCE and cleaned.get("content") == ALL
        if every_time and not self.errors:
            self.add_error("content", _("All referrals go by a schedule only."))
        return cleaned

    def _check_folder(self, cleaned: dict[str, Any], given: dict[str, Any]) -> None:
        """Take no server and no credentials for a folder of this machine."""
        for name in OF_A_SERVER:
            if cleaned.get(name):
                self.add_error(name, _("Leave this empty for a folder of this machine."))
        for name in SECRETS:
            if given[name]:
                self.add_error(name, _("Leave this empty for a folder of this machine."))
            cleaned[name] = ""
        parts = (cleaned.get("folder") or "").split("/")
        if not parts[0] or ".." in parts:
            self.add_error(
                "folder", _("Enter a folder below EXPORT_ROOT, such as exports/housing.")
            )

    def _check_server(self, cleaned: dict[str, Any], given: dict[str, Any]) -> None:
        protocol = cleaned.get("protocol")
        for name in ("host", "username"):
            if not cleaned.get(name):
                self.add_error(name, _("This field is required."))
        if protocol == FTP and not cleaned.get("allow_plain_ftp"):
            self.add_error("protocol", _("Plain FTP is not encrypted: it has to be allowed below."))
        if not cleaned.get("password") and (protocol != SFTP or not cleaned.get("private_key")):
            self.add_error("password", _("Enter a password, or for SFTP a private key."))
        self._check_moved(cleaned, given)
        if protocol == SFTP and not self.errors:
            self._check_keys(cleaned)

    def _check_keys(self, cleaned: dict[str, Any]) -> None:
        try:
            if cleaned["private_key"]:
                read_private_key(cleaned["private_key"], cleaned["passphrase"])
        except ValueError as error:
            self.add_error("private_key", str(error))
        try:
            cleaned["host_key"] = _host_key(cleaned["host_key"])
        except ValueError:
            self.add_error(
                "host_key", _("Enter a public key line such as ssh-ed25519 AAAA…, or SHA256:….")
            )

    def _check_moved(self, cleaned: dict[str, Any], given: dict[str, Any]) -> None:
        """Keep stored secrets for the host that they were entered for."""
        before = (self.initial.get("protocol"), self.initial.get("host"), self.initial.get("port"))
        now = (cleaned.get("protocol"), cleaned.get("host"), cleaned.get("port"))
        if not before[1] or before == now or self.errors:
            return
        kept = [name for name in SECRETS if cleaned.get(name) and not given[name]]
        for name in kept:
            self.add_error(name, _("Enter it again: it was for another server."))


def _host_key(text: str) -> str:
    """Return a host key as it is compared; raises ValueError."""
    words = text.split()
    if not words or (len(words) == 1 and _FINGERPRINT.fullmatch(words[0])):
        return " ".join(words)
    places = [place for place, word in enumerate(words) if word in KEY_TYPES]
    if not places or places[0] + 1 >= len(words):
        raise ValueError("no key")
    kind, key = words[places[0] : places[0] + 2]  # a line of known_hosts has the host before it
    base64.b64decode(key, validate=True)
    return f"{kind} {key}"
