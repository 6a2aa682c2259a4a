from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("referrals", "0023_woken_at")]

    operations = [
        migrations.RenameField("delivery", "deaths", "lost_workers"),
    ]
