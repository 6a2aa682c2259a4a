from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("referrals", "0022_merged_into")]

    operations = [
        migrations.RenameField("delivery", "nudged_at", "woken_at"),
    ]
