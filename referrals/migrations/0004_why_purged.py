from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("referrals", "0003_referrals_by_last_change")]

    operations = [
        migrations.AlterField(
            model_name="referral",
            name="purged_why",
            field=models.CharField(
                blank=True,
                choices=[
                    ("revoked", "Caredove revoked it"),
                    ("expired", "its retention period was over"),
                ],
                max_length=20,
            ),
        ),
    ]
