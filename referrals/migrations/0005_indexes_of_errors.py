from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("referrals", "0004_bulk_retry_and_cleared_errors")]

    operations = [
        migrations.AddIndex(
            model_name="importjob",
            index=models.Index(
                condition=models.Q(("error_at__isnull", False), ("error_cleared_at__isnull", True)),
                fields=["reason", "error_at"],
                name="jobs_uncleared_by_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="importjob",
            index=models.Index(
                condition=models.Q(
                    ("error_at__isnull", False), ("error_cleared_at__isnull", False)
                ),
                fields=["-error_at"],
                name="jobs_with_cleared_error",
            ),
        ),
    ]
