import django.db.models.deletion
import integrations.models
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0001_initial'),
        ('mapping', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalTriggerConfig',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('on', models.JSONField(default=list, validators=[integrations.models.check_trigger_keys], verbose_name='triggers')),
                ('include_routed', models.BooleanField(default=False, help_text='Received: include requests routed from another organization.')),
                ('enabled', models.BooleanField(default=True)),
                ('listing', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='integrations.servicelisting')),
                ('destination', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='integrations.destination')),
                ('mapping', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='mapping.mapping')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical trigger config',
                'verbose_name_plural': 'historical trigger configs',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='TriggerConfig',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('listing', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='trigger_configs', to='integrations.servicelisting')),
                ('destination', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='trigger_configs', to='integrations.destination')),
                ('on', models.JSONField(default=list, validators=[integrations.models.check_trigger_keys], verbose_name='triggers')),
                ('include_routed', models.BooleanField(default=False, help_text='Received: include requests routed from another organization.')),
                ('mapping', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='mapping.mapping')),
                ('enabled', models.BooleanField(default=True)),
            ],
            options={
                'ordering': ['listing__name', 'destination__name'],
                'constraints': [models.UniqueConstraint(fields=('listing', 'destination'), name='listing_and_destination_connect_once')],
            },
        ),
    ]
