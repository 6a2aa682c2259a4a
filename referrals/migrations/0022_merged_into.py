import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("referrals", "0021_runs_by_time")]

    operations = [
        migrations.RenameField("referral", "united_with", "merged_into"),
        migrations.AlterField(
            model_name="referral",
            name="merged_into",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="merged",
                to="referrals.referral",
            ),
        ),
    ]
