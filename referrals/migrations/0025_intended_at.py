from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("referrals", "0024_lost_workers")]

    operations = [
        migrations.RenameField("run", "meant_at", "intended_at"),
        migrations.RenameField("step", "meant_at", "intended_at"),
    ]
