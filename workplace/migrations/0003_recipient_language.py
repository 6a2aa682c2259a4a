from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workplace", "0002_row_key")]

    operations = [
        migrations.AddField(
            model_name="alertrecipient",
            name="language",
            field=models.CharField(
                blank=True,
                choices=[("en-ca", "English"), ("fr-ca", "Français")],
                help_text="Empty: the organization's.",
                max_length=10,
            ),
        ),
    ]
