import core.fields
from django.db import migrations, models
from django.db.models import F


def know_files_by_their_keys(apps, schema_editor):
    apps.get_model("referrals", "ReferralFile").objects.update(identity=F("key"))


class Migration(migrations.Migration):

    dependencies = [
        ('referrals', '0005_what_a_crms_answers'),
    ]

    operations = [
        migrations.AddField(
            model_name='importjob',
            name='corrections',
            field=core.fields.EncryptedJSONField(default=list, help_text='What a person has to correct in the destination, in sentences.'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='needs_correction',
            field=models.BooleanField(default=False, help_text='Whether something is to be corrected there.'),
        ),
        migrations.AddField(
            model_name='inboundevent',
            name='warning_texts',
            field=core.fields.EncryptedJSONField(help_text='What came instead, by the number of its warning.', null=True),
        ),
        migrations.AddField(
            model_name='referral',
            name='reading',
            field=models.PositiveSmallIntegerField(default=0, help_text='By which version of reading the snapshot was made.'),
        ),
        migrations.AddField(
            model_name='referralfile',
            name='identity',
            field=models.CharField(blank=True, help_text='The key by which messages know it.', max_length=100),
        ),
        migrations.RunPython(know_files_by_their_keys, migrations.RunPython.noop),
        migrations.AlterField(
            model_name='clearederror',
            name='reason',
            field=models.CharField(blank=True, choices=[('rejected', 'The destination refused the referral'), ('misconfigured', 'The connection or the mapping is wrong'), ('unconfirmed', 'Nobody knows whether it arrived'), ('gave_up', 'All automatic tries are used up'), ('quarantined', 'It stopped its worker too often'), ('singled_out', 'The destination refuses this referral alone'), ('bug', 'Dovetail made a mistake'), ('withdrawn', 'Caredove withdrew the request')], max_length=16),
        ),
        migrations.AlterField(
            model_name='importjob',
            name='reason',
            field=models.CharField(blank=True, choices=[('rejected', 'The destination refused the referral'), ('misconfigured', 'The connection or the mapping is wrong'), ('unconfirmed', 'Nobody knows whether it arrived'), ('gave_up', 'All automatic tries are used up'), ('quarantined', 'It stopped its worker too often'), ('singled_out', 'The destination refuses this referral alone'), ('bug', 'Dovetail made a mistake'), ('withdrawn', 'Caredove withdrew the request')], max_length=16),
        ),
        migrations.AlterField(
            model_name='inboundevent',
            name='outcome',
            field=models.CharField(blank=True, choices=[('import_opened', 'Started an import'), ('import_revived', 'Sends a failed import again'), ('import_open', 'Its import is under way'), ('already_imported', 'Already imported'), ('waiting', 'Import waits for details'), ('no_trigger', 'No trigger matched'), ('trigger_off', 'Trigger config is off'), ('not_integrated', 'Listing is not integrated'), ('unknown_listing', 'Listing is unknown'), ('no_listing', 'Waits to learn its listing'), ('unknown_organization', 'Organization is unknown'), ('suspended', 'Organization is suspended'), ('plan_too_low', 'Plan does not include importing'), ('unknown_code', 'Unknown event code'), ('ignored', 'Recorded and ignored'), ('revoked', 'Referral was revoked'), ('forbidden', 'Source may not send for this organization'), ('dismissed', 'Its import was dismissed by a person'), ('routed', 'Routed requests are not included'), ('withdrawn', 'Request is withdrawn: a person decides'), ('unreadable', 'Could not be read')], max_length=30),
        ),
        migrations.AlterField(
            model_name='inboundevent',
            name='warnings',
            field=models.JSONField(default=list, help_text='Field and cause of each; earlier ones are sentences.'),
        ),
        migrations.AlterField(
            model_name='referralfile',
            name='key',
            field=models.CharField(help_text='Names its step, and its idempotency key: never changed.', max_length=100),
        ),
        migrations.AlterField(
            model_name='referralfile',
            name='state',
            field=models.CharField(choices=[('stored', 'Stored'), ('wanted', 'To be fetched'), ('unavailable', 'Cannot be had'), ('withdrawn', 'Withdrawn by the sender')], max_length=12),
        ),
    ]
