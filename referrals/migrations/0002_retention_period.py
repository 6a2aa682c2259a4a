import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0002_trigger_config"),
        ("referrals", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="RetentionPeriod",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "days",
                    models.PositiveIntegerField(
                        help_text="Days after the last message on a referral.",
                        validators=[
                            django.core.validators.MinValueValidator(30),
                            django.core.validators.MaxValueValidator(36500),
                        ],
                    ),
                ),
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="retention_period",
                        to="integrations.organization",
                    ),
                ),
            ],
            options={"ordering": ["organization__name"]},
        ),
    ]
