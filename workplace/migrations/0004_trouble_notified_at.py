from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("workplace", "0003_recipient_language")]

    operations = [migrations.RenameField("trouble", "told_at", "notified_at")]
