"""Kinds of sources are found by their folders: the column lists none. Nothing in the database changes."""

from django.db import migrations, models

import integrations.models
import integrations.sources


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0003_destination_standing'),
    ]

    operations = [
        migrations.AlterField(
            model_name='historicalsource',
            name='kind',
            field=models.CharField(default=integrations.sources.default_kind, max_length=20, validators=[integrations.models.check_source_kind]),
        ),
        migrations.AlterField(
            model_name='source',
            name='kind',
            field=models.CharField(default=integrations.sources.default_kind, max_length=20, validators=[integrations.models.check_source_kind]),
        ),
    ]
