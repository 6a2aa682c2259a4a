"""Each delivery gets its first version, with all that was tried and sent so far.

The version has the delivery's id, so every idempotency key stays what it was. What was kept of the
sent referral moves to another table: it is decrypted, and encrypted anew for its new column.
"""

from django.db import migrations
from django.db.models import F, Q

BATCH = 500


def forwards(apps, schema_editor):
    Delivery, Version = of(apps, "Delivery"), of(apps, "Version")
    for deliveries in batches(Delivery, "state", "reason", "external_id", "opened_at", "triggers", "opened_by_id"):
        sent = documents(apps, deliveries)
        Version.objects.bulk_create(
            Version(
                id=delivery.pk,
                delivery_id=delivery.pk,
                number=1,
                state=state_of(delivery),
                triggers=delivery.triggers,
                opened_by_id=delivery.opened_by_id,
                asked_at=delivery.opened_at,
                document=sent.get(delivery.pk),
            )
            for delivery in deliveries
        )
    arrived = Q(state="imported") | Q(external_id__isnull=False)
    Delivery.objects.filter(arrived).update(done=1)
    for name in ("Attempt", "Step"):
        of(apps, name).objects.update(version_id=F("delivery_id"))


def backwards(apps, schema_editor):
    Delivery, Sent, Version = of(apps, "Delivery"), of(apps, "SentSnapshot"), of(apps, "Version")
    for versions in batches(Version, "delivery_id", "number", "opened_by_id", "document"):
        for version in versions:
            if version.number > 1:
                continue
            Delivery.objects.filter(pk=version.delivery_id).update(opened_by_id=version.opened_by_id)
            first = of(apps, "Step").objects.filter(delivery_id=version.delivery_id).order_by("pk").first()
            if version.document is not None and first:
                Sent.objects.create(step=first, document=version.document)
    of(apps, "Step").objects.exclude(version_id=F("delivery_id")).delete()


def of(apps, name):
    return apps.get_model("referrals", name)


def batches(model, *fields):
    """Yield all rows, some at a time, in the order of their keys."""
    last = None
    rows = model.objects.order_by("pk").only("pk", *fields)
    while batch := list((rows.filter(pk__gt=last) if last else rows)[:BATCH]):
        yield batch
        last = batch[-1].pk


def documents(apps, deliveries):
    """Return what was kept of each referral that was sent, by its delivery; what came first."""
    kept = of(apps, "SentSnapshot").objects.filter(step__delivery__in=deliveries)
    found = {}
    for one in kept.select_related("step").order_by("pk"):
        found.setdefault(one.step.delivery_id, one.document)
    return found


def state_of(delivery):
    if delivery.state == "imported" or delivery.external_id is not None:
        return "accepted"
    if delivery.state == "dismissed":
        return "dismissed"
    return "refused" if delivery.reason == "rejected" else "open"


class Migration(migrations.Migration):

    dependencies = [("referrals", "0010_versions")]

    operations = [migrations.RunPython(forwards, backwards)]
