from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("core", "0004_audit_by_object")]

    operations = [
        migrations.CreateModel(
            name="KeyCheck",
            fields=[
                ("key_id", models.CharField(max_length=8, primary_key=True, serialize=False)),
                ("value", models.CharField(max_length=64)),
                ("since", models.DateTimeField(db_default=Now())),
                ("lost_at", models.DateTimeField(null=True)),
            ],
            options={"default_permissions": (), "ordering": ["since"]},
        ),
    ]
