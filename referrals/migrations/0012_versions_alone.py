"""What has moved to the versions goes: attempts and steps hang on these."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("referrals", "0011_versions_of_deliveries")]

    operations = [
        migrations.DeleteModel("SentSnapshot"),
        migrations.RemoveField("delivery", "opened_by"),
        migrations.RemoveConstraint("step", "step_once_in_delivery"),
        migrations.AlterField(
            model_name="attempt",
            name="version",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="attempts", to="referrals.version"),
        ),
        migrations.AlterField(
            model_name="step",
            name="version",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="referrals.version"),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.UniqueConstraint(fields=("version", "name"), name="step_once_in_version"),
        ),
    ]
