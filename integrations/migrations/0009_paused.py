from django.db import migrations, models

import core.fields


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0008_row_key"),
        # Earlier migrations of referrals ask for the former names of these columns.
        ("referrals", "0026_endpoint_name"),
    ]

    operations = [
        migrations.RemoveConstraint("destination", "held_destination_has_a_reason"),
        migrations.RemoveConstraint("destination", "only_a_held_destination_is_probed"),
        migrations.RenameField("destination", "held_at", "paused_at"),
        migrations.RenameField("destination", "held_reason", "paused_reason"),
        migrations.RenameField("destination", "held_by", "paused_by"),
        migrations.AlterField(
            model_name="destination",
            name="paused_reason",
            field=core.fields.EncryptedTextField(
                blank=True,
                context="integrations.destination.held_reason",
                editable=False,
                null=True,
            ),
        ),
        migrations.AddConstraint(
            model_name="destination",
            constraint=models.CheckConstraint(
                condition=models.Q(paused_at__isnull=True) | models.Q(paused_reason__isnull=False),
                name="paused_destination_has_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="destination",
            constraint=models.CheckConstraint(
                condition=models.Q(probe_at__isnull=True) | models.Q(paused_at__isnull=False),
                name="only_a_paused_destination_is_probed",
            ),
        ),
    ]
