"""Give the rows with encrypted values and files a key that these are bound to.

It is empty for the rows that are there: each gets one of its own when it is first written, or by
`rotate_keys`. A default would give all of them the same.
"""

import core.rowkeys
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0007_destination_batches'),
    ]

    operations = [
        migrations.AddField(
            model_name='destination',
            name='row_key',
            field=core.rowkeys.RowKeyField(),
        ),
        migrations.AddField(
            model_name='historicaldestination',
            name='row_key',
            field=core.rowkeys.RowKeyField(),
        ),
        migrations.AddField(
            model_name='historicalsource',
            name='row_key',
            field=core.rowkeys.RowKeyField(),
        ),
        migrations.AddField(
            model_name='source',
            name='row_key',
            field=core.rowkeys.RowKeyField(),
        ),
        migrations.AddField(
            model_name='sourcecredential',
            name='row_key',
            field=core.rowkeys.RowKeyField(),
        ),
    ]
