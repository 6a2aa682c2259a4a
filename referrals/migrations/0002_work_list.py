import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """What the work list filters by and searches, in columns and indexes of its own."""

    dependencies = [("referrals", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name='RegistrantName',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key_id', models.CharField(db_index=True, max_length=8)),
                ('digest', models.CharField(db_index=True, max_length=64)),
            ],
        ),
        migrations.AddField(
            model_name='importjob',
            name='connection_failed_at',
            field=models.DateTimeField(help_text='When the destination last did not work for this import.', null=True),
        ),
        migrations.AddField(
            model_name='importjob',
            name='lacks_files',
            field=models.BooleanField(default=False, help_text='Whether there are missing files.'),
        ),
        migrations.AddField(
            model_name='importjob',
            name='last_status_code',
            field=models.PositiveSmallIntegerField(help_text='HTTP, of the last attempt; NO_ANSWER when it got none.', null=True),
        ),
        migrations.AddIndex(
            model_name='importjob',
            index=models.Index(fields=['last_status_code', '-opened_at'], name='jobs_by_status_code'),
        ),
        migrations.AddIndex(
            model_name='importjob',
            index=django.contrib.postgres.indexes.GinIndex(fields=['triggers'], name='jobs_by_trigger', opclasses=['jsonb_path_ops']),
        ),
        migrations.AddIndex(
            model_name='importjob',
            index=models.Index(fields=['destination', '-opened_at'], name='jobs_of_a_destination'),
        ),
        migrations.AddIndex(
            model_name='importjob',
            index=models.Index(condition=models.Q(('imported_at__isnull', False)), fields=['destination', '-imported_at'], name='jobs_imported'),
        ),
        migrations.AddIndex(
            model_name='importjob',
            index=models.Index(condition=models.Q(('error_at__isnull', False)), fields=['destination', '-error_at'], name='jobs_failed'),
        ),
        migrations.AddIndex(
            model_name='importjob',
            index=models.Index(condition=models.Q(('connection_failed_at__isnull', False)), fields=['destination', '-connection_failed_at'], name='jobs_not_let_through'),
        ),
        migrations.AddIndex(
            model_name='inboundevent',
            index=models.Index(fields=['state', '-received_at'], name='events_by_state'),
        ),
        migrations.AddIndex(
            model_name='inboundevent',
            index=models.Index(fields=['outcome', '-received_at'], name='events_by_outcome'),
        ),
        migrations.AddIndex(
            model_name='inboundevent',
            index=models.Index(fields=['source', '-received_at'], name='events_by_source'),
        ),
        migrations.AddField(
            model_name='registrantname',
            name='referral',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='names', to='referrals.referral'),
        ),
        migrations.AddConstraint(
            model_name='registrantname',
            constraint=models.UniqueConstraint(fields=('referral', 'digest'), name='name_once_in_referral'),
        ),
    ]
