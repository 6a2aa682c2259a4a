from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("referrals", "0002_retention_period")]

    operations = [
        migrations.AddIndex(
            model_name="referral",
            index=models.Index(
                condition=models.Q(("purged_at__isnull", True)),
                fields=["organization", "changed_at"],
                name="referrals_by_last_change",
            ),
        ),
    ]
