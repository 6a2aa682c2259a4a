"""The HTTP status is gone: what is left of it is shown.

Apart from the migration before: PostgreSQL alters no table that was written to in its transaction.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("referrals", "0014_error_kinds")]

    operations = [
        migrations.RemoveIndex("delivery", "deliveries_by_status_code"),
        migrations.RemoveField("attempt", "status_code"),
        migrations.RemoveField("delivery", "last_status_code"),
        migrations.AddIndex(
            "delivery",
            models.Index(fields=["last_code", "-opened_at"], name="deliveries_by_code"),
        ),
    ]
