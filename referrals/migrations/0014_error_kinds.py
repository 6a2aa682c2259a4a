"""What went wrong gets a kind beside its code, and “misconfigured” becomes three reasons.

Attempts of earlier versions have an HTTP status; their kinds follow from it and from the outcome.
"""

from django.db import migrations, models
from django.db.models import Case, CharField, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Cast, Concat

KINDS = [
    ("refused", "Refused"),
    ("credentials", "Credentials not accepted"),
    ("misaddressed", "Wrong address"),
    ("throttled", "Asked to wait"),
    ("failing", "Failing"),
    ("down", "Unreachable"),
    ("silent", "No answer"),
    ("gone", "No longer there"),
    ("conflict", "Contradictory answer"),
    ("bad_mapping", "Mapping error"),
    ("bug", "Error in Dovetail"),
]
REASONS = [
    ("rejected", "The destination refused the referral"),
    ("connection", "The connection is wrong"),
    ("mapping", "The mapping does not work"),
    ("disconnected", "The listing is no longer connected"),
    ("unconfirmed", "Nobody knows whether it arrived"),
    ("gave_up", "All automatic tries are used up"),
    ("quarantined", "It stopped its worker too often"),
    ("singled_out", "The destination refuses this referral alone"),
    ("bug", "Dovetail made a mistake"),
    ("withdrawn", "Caredove withdrew the request"),
]
KIND_OF_ATTEMPT = Case(
    When(outcome="rejected", then=Value("refused")),
    When(outcome="down", then=Value("down")),
    When(outcome="bug", then=Value("bug")),
    When(outcome="misconfigured", status_code__in=[401, 402, 403], then=Value("credentials")),
    When(outcome="misconfigured", status_code__isnull=False, then=Value("misaddressed")),
    When(outcome="misconfigured", then=Value("bad_mapping")),
    When(outcome="try_again", status_code=429, then=Value("throttled")),
    When(outcome="try_again", status_code__isnull=False, then=Value("failing")),
    When(outcome="try_again", then=Value("silent")),
    When(outcome="unconfirmed", doubt="gone", then=Value("gone")),
    When(
        Q(outcome="unconfirmed") & (Q(status_code__isnull=False) | ~Q(doubt="")),
        then=Value("conflict"),
    ),
    When(outcome="unconfirmed", then=Value("silent")),
    default=Value(""),
)


def name_kinds(apps, schema_editor):
    Attempt = apps.get_model("referrals", "Attempt")
    Delivery = apps.get_model("referrals", "Delivery")
    Attempt.objects.exclude(outcome__in=["", "imported", "lost"]).update(kind=KIND_OF_ATTEMPT)
    Attempt.objects.filter(status_code__isnull=False).update(code=shown("status_code"))
    last = Attempt.objects.filter(delivery=OuterRef("pk")).order_by("-number")
    tried = Delivery.objects.filter(last_status_code__isnull=False)
    tried.update(last_kind=Subquery(last.values("kind")[:1]), last_code="")
    tried.filter(last_status_code__gt=0).update(last_code=shown("last_status_code"))


def shown(column):
    return Concat(Value("HTTP "), Cast(column, CharField()), output_field=CharField())


def split_misconfigured(apps, schema_editor):
    Delivery = apps.get_model("referrals", "Delivery")
    stopped = Delivery.objects.filter(reason="misconfigured")
    held = Q(destination__held_at__isnull=False) & ~Q(last_kind="bad_mapping")
    answered = Q(last_kind__in=["credentials", "misaddressed"])
    _rename(stopped, held | answered, "connection")
    _rename(stopped, Q(trigger_config__isnull=True), "disconnected")
    stopped.update(reason="mapping")
    ClearedError = apps.get_model("referrals", "ClearedError")
    Attempt = apps.get_model("referrals", "Attempt")
    cleared = ClearedError.objects.filter(reason="misconfigured")
    then = Attempt.objects.filter(delivery=OuterRef("delivery"), ended_at=OuterRef("error_at"))
    for row in cleared.annotate(kind_then=Subquery(then.values("kind")[:1])).iterator():
        by_mapping = row.kind_then == "bad_mapping"
        reason = "mapping" if by_mapping else "connection"
        ClearedError.objects.filter(pk=row.pk).update(reason=reason)


def _rename(stopped, which, reason):
    chosen = list(stopped.filter(which).values_list("pk", flat=True))
    for start in range(0, len(chosen), 500):
        stopped.filter(pk__in=chosen[start : start + 500]).update(reason=reason)


class Migration(migrations.Migration):
    dependencies = [("referrals", "0013_event_door")]

    operations = [
        migrations.AddField(
            "attempt",
            "kind",
            models.CharField(
                blank=True,
                choices=KINDS,
                default="",
                help_text="What went wrong.",
                max_length=16,
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "attempt",
            "code",
            models.CharField(
                blank=True,
                default="",
                help_text="The answer's, for people: HTTP 503.",
                max_length=40,
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "delivery",
            "last_kind",
            models.CharField(
                blank=True,
                choices=KINDS,
                default="",
                help_text="Of the last attempt.",
                max_length=16,
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "delivery",
            "last_code",
            models.CharField(
                help_text="Of the last attempt's answer; empty when it got none.",
                max_length=40,
                null=True,
            ),
        ),
        migrations.RunPython(name_kinds, migrations.RunPython.noop),
        migrations.AlterField(
            "delivery", "reason", models.CharField(blank=True, choices=REASONS, max_length=16)
        ),
        migrations.AlterField(
            "clearederror", "reason", models.CharField(blank=True, choices=REASONS, max_length=16)
        ),
        migrations.RunPython(split_misconfigured, migrations.RunPython.noop),
    ]
