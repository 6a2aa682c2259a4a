"""What a delivery brings is a version: the tables. The rows that exist get theirs after this."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import core.fields


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("referrals", "0009_deliveries"),
    ]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="wanted",
            field=models.PositiveIntegerField(default=1, help_text="Number of the newest version."),
        ),
        migrations.AddField(
            model_name="delivery",
            name="done",
            field=models.PositiveIntegerField(default=0, help_text="Number of the newest version that the destination has accepted."),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="triggers",
            field=models.JSONField(default=list, help_text="Those of all versions."),
        ),
        migrations.CreateModel(
            name="Version",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField(default=1, help_text="From 1, within its delivery.")),
                ("action", models.CharField(choices=[("put", "Put"), ("remove", "Remove")], default="put", max_length=10)),
                ("state", models.CharField(choices=[("open", "Still to be brought"), ("refused", "Refused by the destination"), ("accepted", "Accepted by the destination"), ("superseded", "Superseded by a newer one"), ("skipped", "Skipped: a newer one repairs it"), ("dismissed", "Dismissed")], default="open", max_length=12)),
                ("why", models.CharField(choices=[("trigger", "A trigger fired"), ("person", "A person asked for it"), ("schedule", "It was its time"), ("revocation", "The referral was revoked"), ("joined", "The referral was joined to another"), ("moved", "The referral was moved elsewhere"), ("withdrawn", "The request was withdrawn")], default="trigger", max_length=12)),
                ("triggers", models.JSONField(default=list)),
                ("asked_at", models.DateTimeField()),
                ("document", core.fields.EncryptedJSONField(help_text="What the referral showed, as it is sent.", null=True)),
                ("options", core.fields.EncryptedJSONField(help_text="Of a sending by hand.", null=True)),
                ("asked_by", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("delivery", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="versions", to="referrals.delivery")),
                ("opened_by", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="opened_versions", to="referrals.inboundevent")),
            ],
            options={
                "ordering": ["delivery", "number"],
                "constraints": [models.UniqueConstraint(fields=("delivery", "number"), name="version_number_once_in_delivery")],
            },
        ),
        migrations.AddField(
            model_name="attempt",
            name="version",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name="attempts", to="referrals.version"),
        ),
        migrations.AddField(
            model_name="step",
            name="version",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="referrals.version"),
        ),
        migrations.AlterField(
            model_name="attempt",
            name="number",
            field=models.PositiveIntegerField(help_text="From 1, within its delivery."),
        ),
    ]
