from django.db import migrations
from django.db.models import OuterRef, Subquery

from referrals import names

BATCH = 500
CONNECTION_FAILED = ["try_again", "unconfirmed"]


def fill(apps, schema_editor):
    """Fill the new columns and names from what is stored."""
    job, attempt = apps.get_model("referrals", "ImportJob"), apps.get_model("referrals", "ImportAttempt")
    last = attempt.objects.filter(job=OuterRef("pk"), ended_at__isnull=False).order_by("-number")
    failed = last.filter(outcome__in=CONNECTION_FAILED)
    job.objects.update(
        last_status_code=Subquery(last.values("status_code")[:1]),
        connection_failed_at=Subquery(failed.values("ended_at")[:1]),
    )
    job.objects.filter(last_status_code=None, attempts__ended_at__isnull=False).update(
        last_status_code=0
    )
    imported = job.objects.exclude(external_id=None).only("missing_files")
    lacking = [one.pk for one in imported.iterator(BATCH) if one.missing_files]
    job.objects.filter(pk__in=lacking).update(lacks_files=True)
    _name(apps.get_model("referrals", "Referral"), apps.get_model("referrals", "RegistrantName"))


def _name(referral, registrant_name):
    for one in referral.objects.only("snapshot").iterator(BATCH):
        registrant_name.objects.bulk_create(
            registrant_name(referral=one, key_id=key_id, digest=digest)
            for key_id, digest in names.digests_of(one.snapshot)
        )


class Migration(migrations.Migration):
    dependencies = [("referrals", "0002_work_list")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
