"""Give the rows with encrypted values and files a key that these are bound to.

It is empty for the rows that are there: each gets one of its own when it is first written, or by
`rotate_keys`. A default would give all of them the same.
"""

import core.fields
import core.rowkeys
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('referrals', '0018_runs'),
    ]

    operations = [
        migrations.AlterField(
            model_name='attempt',
            name='body',
            field=core.fields.EncryptedTextField(context='referrals.importattempt.body', default='', empty_is_null=True, help_text="The destination's answer, capped."),
        ),
        migrations.AlterField(
            model_name='attempt',
            name='message',
            field=core.fields.EncryptedTextField(context='referrals.importattempt.message', default='', empty_is_null=True),
        ),
        migrations.AlterField(
            model_name='clearederror',
            name='message',
            field=core.fields.EncryptedTextField(default='', empty_is_null=True, help_text='The problem, as it was shown.'),
        ),
        migrations.AlterField(
            model_name='clearederror',
            name='note',
            field=core.fields.EncryptedTextField(default='', empty_is_null=True),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='closed_why',
            field=core.fields.EncryptedTextField(context='referrals.importjob.closed_why', default='', empty_is_null=True, help_text='Why it was dismissed.'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='corrections',
            field=core.fields.EncryptedJSONField(context='referrals.importjob.corrections', default=list, empty_is_null=True, help_text='What a person has to correct in the destination, in sentences.'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='message',
            field=core.fields.EncryptedTextField(context='referrals.importjob.message', default='', empty_is_null=True, help_text='The last problem, for people.'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='missing_files',
            field=core.fields.EncryptedJSONField(context='referrals.importjob.missing_files', default=dict, empty_is_null=True, help_text='File names, each with why it is not in the destination.'),
        ),
        migrations.AlterField(
            model_name='referral',
            name='snapshot',
            field=core.fields.EncryptedJSONField(default=dict, empty_is_null=True),
        ),
        migrations.AlterField(
            model_name='referralfile',
            name='stored_as',
            field=core.fields.StoredFileField(blank=True, max_length=200),
        ),
        migrations.AlterField(
            model_name='storedsummary',
            name='stored_as',
            field=core.fields.StoredFileField(max_length=200),
        ),
        migrations.AddField(
            model_name='attempt',
            name='row_key',
            field=core.rowkeys.RowKeyField(),
        ),
        migrations.AddField(
            model_name='run',
            name='row_key',
            field=core.rowkeys.RowKeyField(),
        ),
        migrations.AddField(
            model_name='clearederror',
            name='row_key',
            field=core.rowkeys.RowKeyField(),
        ),
        migrations.AddField(
            model_name='delivery',
            name='row_key',
            field=core.rowkeys.RowKeyField(),
        ),
        migrations.AddField(
            model_name='inboundevent',
            name='row_key',
            field=core.rowkeys.RowKeyField(),
        ),
        migrations.AddField(
            model_name='referral',
            name='row_key',
            field=core.rowkeys.RowKeyField(),
        ),
        migrations.AddField(
            model_name='referralfile',
            name='row_key',
            field=core.rowkeys.RowKeyField(),
        ),
        migrations.AddField(
            model_name='version',
            name='row_key',
            field=core.rowkeys.RowKeyField(),
        ),
        migrations.AddField(
            model_name='storedsummary',
            name='row_key',
            field=core.rowkeys.RowKeyField(),
        ),
    ]
