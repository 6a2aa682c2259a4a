from django.db import migrations, models

import referrals.models


class Migration(migrations.Migration):
    dependencies = [("referrals", "0019_row_key")]

    operations = [
        migrations.AlterField(
            model_name="delivery",
            name="trigger_config",
            field=models.ForeignKey(
                null=True,
                on_delete=referrals.models.disconnect,
                related_name="+",
                to="integrations.triggerconfig",
            ),
        ),
    ]
