from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def copy_kinds_and_ids(apps, schema_editor):
    entries = apps.get_model("directory", "Entry").objects.filter(pk=OuterRef("entry"))
    apps.get_model("directory", "Membership").objects.update(
        kind=Subquery(entries.values("kind")), hsds_id=Subquery(entries.values("hsds_id"))
    )


class Migration(migrations.Migration):
    dependencies = [("directory", "0008_duplicates_pulls_exports")]

    operations = [
        migrations.AddField("membership", "kind", models.CharField(max_length=20, null=True)),
        migrations.AddField("membership", "hsds_id", models.UUIDField(null=True)),
        migrations.RunPython(copy_kinds_and_ids, migrations.RunPython.noop),
        migrations.AlterField("membership", "kind", models.CharField(max_length=20)),
        migrations.AlterField("membership", "hsds_id", models.UUIDField()),
        migrations.AddIndex(
            "membership",
            models.Index(
                fields=["view", "kind", "hsds_id", "entry"],
                condition=models.Q(present=True),
                name="membership_by_id",
            ),
        ),
    ]
