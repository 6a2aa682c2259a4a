from django.db import migrations, models

LANGUAGE = models.CharField(
    choices=[
        ("en-ca", "English"),
        ("fr-ca", "Français"),
        ("both", "English and French, side by side"),
    ],
    default="en-ca",
    help_text="Of the Referral Summary, of the Referral Note, and of alerts.",
    max_length=10,
)


class Migration(migrations.Migration):
    dependencies = [("integrations", "0013_referral_address")]

    operations = [
        migrations.AddField("organization", "language", LANGUAGE),
        migrations.AddField("historicalorganization", "language", LANGUAGE),
    ]
