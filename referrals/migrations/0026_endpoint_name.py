from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("referrals", "0025_intended_at")]

    operations = [
        migrations.RenameField("inboundevent", "door", "endpoint_name"),
    ]
