"""Delete what purges left until now of people whose data was to be deleted.

Bodies of conflicts, why somebody dismissed an import, and all that hangs on a referral that had
become part of the purged one.
"""

from django.db import migrations, transaction
from django.db.models import Q

from core.storage import EncryptedFileStorage

OUR_WORDS = (
    "",
    "Caredove revoked the referral.",
    "The retention period was over: the person's data was deleted.",
)
CLASSIFICATIONS = (
    "received", "accepted", "ready", "in-progress", "on-hold", "completed", "rejected",
    "cancelled", "failed", "entered-in-error",
)
NOTHING = {"body": None, "warnings": []}


def purge(apps, schema_editor):
    Referral = apps.get_model("referrals", "Referral")
    follow_chains(Referral)
    purged = Referral.objects.filter(purged_at__isnull=False, united_with=None)
    for referral in purged.only("purged_at", "purged_why", "classifications"):
        parts = Referral.objects.filter(united_with=referral)
        forget_messages(apps, referral, [referral.pk, *parts.values_list("pk", flat=True)])
        forget_whys(apps, [referral.pk])
        purge_parts(apps, referral, list(parts))
        known = [[at, word if word in CLASSIFICATIONS else "other"]
                 for at, word in referral.classifications]
        if known != referral.classifications:
            Referral.objects.filter(pk=referral.pk).update(classifications=known)


def follow_chains(Referral):
    """What became part of a part becomes one of the whole, as it does from now on."""
    chained = Referral.objects.filter(united_with__united_with__isnull=False)
    while links := list(chained.values_list("pk", "united_with__united_with")):
        for part, whole in links:
            Referral.objects.filter(pk=part).update(united_with=whole)


def forget_messages(apps, referral, whole):
    InboundEvent = apps.get_model("referrals", "InboundEvent")
    InboundEvent.objects.filter(referral__in=whole).update(**NOTHING)
    InboundEvent.objects.filter(conflict_with__referral__in=whole).update(**NOTHING)
    aliases = apps.get_model("referrals", "ReferralAlias").objects.filter(referral__in=whole)
    named = Q(pk__in=[])
    for kind, value in aliases.values_list("source_kind", "value"):
        named |= Q(source__kind=kind, reference=value)
    to_open = ["received"] if referral.purged_why == "revoked" else ["received", "quarantined"]
    rest = InboundEvent.objects.filter(named, referral=None).exclude(state__in=to_open)
    rest.update(**NOTHING)


def forget_whys(apps, referrals):
    ImportJob = apps.get_model("referrals", "ImportJob")
    for job in ImportJob.objects.filter(referral__in=referrals).only("closed_why"):
        if job.closed_why not in OUR_WORDS:
            ImportJob.objects.filter(pk=job.pk).update(closed_why="")


def purge_parts(apps, referral, parts):
    of_referrals = {
        name: apps.get_model("referrals", name).objects.filter(referral__in=parts)
        for name in ("ImportJob", "ReferralFile", "StoredSummary", "RegistrantName")
    }
    jobs = of_referrals.pop("ImportJob")
    of_jobs = {
        name: apps.get_model("referrals", name).objects.filter(job__in=jobs)
        for name in ("ImportAttempt", "ClearedError")
    }
    stored = [
        row.stored_as
        for name in ("ReferralFile", "StoredSummary")
        for row in of_referrals[name].exclude(stored_as="").only("stored_as")
    ]
    jobs.update(message="", missing_files={}, lacks_files=False)
    jobs.filter(state="imported").update(due_at=None)
    forget_whys(apps, parts)
    apps.get_model("referrals", "SentSnapshot").objects.filter(step__job__in=jobs).delete()
    of_jobs["ImportAttempt"].update(message="", body="", headers={})
    of_jobs["ClearedError"].update(message="", note="")
    for rows in of_referrals.values():
        rows.delete()
    type(referral).objects.filter(pk__in=[part.pk for part in parts]).update(
        snapshot={}, purged_at=referral.purged_at, purged_why=referral.purged_why
    )
    transaction.on_commit(lambda: delete_files(stored))


def delete_files(names):
    for name in names:
        EncryptedFileStorage().delete(name)


class Migration(migrations.Migration):
    dependencies = [("referrals", "0007_truth_of_files")]

    operations = [migrations.RunPython(purge, migrations.RunPython.noop)]
