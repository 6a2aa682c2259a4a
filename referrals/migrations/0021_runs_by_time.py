"""The runs of a destination, and all runs, in the order of time."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0008_row_key"),
        ("referrals", "0020_disconnect_on_delete"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["-until"], name="runs_by_time"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["destination", "-until"], name="runs_of_a_destination"),
        ),
    ]
