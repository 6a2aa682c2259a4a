import core.fields
import django.db.models.deletion
import integrations.models
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalOrganization',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('caredove_id', models.CharField(db_index=True, max_length=64, verbose_name='Caredove id')),
                ('name', models.CharField(max_length=200)),
                ('plan', models.CharField(choices=[('essential', 'Essential'), ('advanced_cbo', 'Advanced CBO'), ('enterprise', 'Enterprise')], default='advanced_cbo', help_text='Importing needs Advanced CBO or higher.', max_length=20)),
                ('time_zone', models.CharField(default='America/Toronto', max_length=64, validators=[integrations.models.check_time_zone])),
                ('active', models.BooleanField(default=True, help_text='Off: events are kept, nothing is imported.')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical organization',
                'verbose_name_plural': 'historical organizations',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Organization',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('caredove_id', models.CharField(max_length=64, unique=True, verbose_name='Caredove id')),
                ('name', models.CharField(max_length=200)),
                ('plan', models.CharField(choices=[('essential', 'Essential'), ('advanced_cbo', 'Advanced CBO'), ('enterprise', 'Enterprise')], default='advanced_cbo', help_text='Importing needs Advanced CBO or higher.', max_length=20)),
                ('time_zone', models.CharField(default='America/Toronto', max_length=64, validators=[integrations.models.check_time_zone])),
                ('active', models.BooleanField(default=True, help_text='Off: events are kept, nothing is imported.')),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='HistoricalServiceListing',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('caredove_id', models.CharField(db_index=True, max_length=64, verbose_name='Caredove id')),
                ('name', models.CharField(max_length=300)),
                ('category', models.CharField(blank=True, help_text='As Caredove groups it.', max_length=200)),
                ('active', models.BooleanField(default=True, help_text='Off: Caredove does not list it any more. What it still sends is imported.', verbose_name='listed in Caredove')),
                ('organization', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='integrations.organization')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical service listing',
                'verbose_name_plural': 'historical service listings',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='ServiceListing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='listings', to='integrations.organization')),
                ('caredove_id', models.CharField(max_length=64, unique=True, verbose_name='Caredove id')),
                ('name', models.CharField(max_length=300)),
                ('category', models.CharField(blank=True, help_text='As Caredove groups it.', max_length=200)),
                ('active', models.BooleanField(default=True, help_text='Off: Caredove does not list it any more. What it still sends is imported.', verbose_name='listed in Caredove')),
            ],
            options={
                'ordering': ['organization__name', 'name'],
            },
        ),
        migrations.CreateModel(
            name='HistoricalSource',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('name', models.CharField(db_index=True, max_length=100)),
                ('kind', models.CharField(choices=[('caredove', 'Caredove')], default='caredove', max_length=20)),
                ('active', models.BooleanField(default=True)),
                ('attachment_hosts', models.JSONField(blank=True, default=list, help_text='Attachments named by URL are fetched from these hosts only.', validators=[integrations.models.check_hosts])),
                ('fetch_username', models.CharField(blank=True, max_length=200)),
                ('fetch_password', core.fields.EncryptedTextField(blank=True, null=True)),
                ('fetch_token', core.fields.EncryptedTextField(blank=True, help_text='Instead of a user name and password.', null=True)),
                ('listings_url', models.CharField(blank=True, help_text='Its part before /Service/, such as https://caredove.example/api/native_v1.', max_length=300, validators=[integrations.models.check_address], verbose_name='address of the listing API')),
                ('listings_username', models.CharField(blank=True, max_length=200, verbose_name='user name for the listing API')),
                ('listings_password', core.fields.EncryptedTextField(blank=True, null=True, verbose_name='password for the listing API')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical source',
                'verbose_name_plural': 'historical sources',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Source',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True)),
                ('kind', models.CharField(choices=[('caredove', 'Caredove')], default='caredove', max_length=20)),
                ('active', models.BooleanField(default=True)),
                ('attachment_hosts', models.JSONField(blank=True, default=list, help_text='Attachments named by URL are fetched from these hosts only.', validators=[integrations.models.check_hosts])),
                ('fetch_username', models.CharField(blank=True, max_length=200)),
                ('fetch_password', core.fields.EncryptedTextField(blank=True, null=True)),
                ('fetch_token', core.fields.EncryptedTextField(blank=True, help_text='Instead of a user name and password.', null=True)),
                ('listings_url', models.CharField(blank=True, help_text='Its part before /Service/, such as https://caredove.example/api/native_v1.', max_length=300, validators=[integrations.models.check_address], verbose_name='address of the listing API')),
                ('listings_username', models.CharField(blank=True, max_length=200, verbose_name='user name for the listing API')),
                ('listings_password', core.fields.EncryptedTextField(blank=True, null=True, verbose_name='password for the listing API')),
                ('organizations', models.ManyToManyField(blank=True, help_text='None chosen: it may send for all of them.', to='integrations.organization')),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='HistoricalSource_organizations',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('source', models.ForeignKey(blank=True, db_constraint=False, db_tablespace='', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='integrations.source')),
                ('organization', models.ForeignKey(blank=True, db_constraint=False, db_tablespace='', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='integrations.organization')),
                ('history', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, to='integrations.historicalsource')),
                ('m2m_history_id', models.AutoField(primary_key=True, serialize=False)),
            ],
            options={
                'verbose_name': 'HistoricalSource_organizations',
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalSourceCredential',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('scheme', models.CharField(choices=[('basic', 'HTTP Basic'), ('signature', 'Standard Webhooks signature')], default='basic', max_length=10)),
                ('key', models.CharField(blank=True, max_length=100, verbose_name='key id')),
                ('created_at', models.DateTimeField(blank=True, editable=False)),
                ('active', models.BooleanField(default=True)),
                ('source', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='integrations.source')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical source credential',
                'verbose_name_plural': 'historical source credentials',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='SourceCredential',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='credentials', to='integrations.source')),
                ('scheme', models.CharField(choices=[('basic', 'HTTP Basic'), ('signature', 'Standard Webhooks signature')], default='basic', max_length=10)),
                ('key', models.CharField(blank=True, max_length=100, verbose_name='key id')),
                ('secret_hash', models.CharField(blank=True, editable=False, max_length=300)),
                ('signing_secret', core.fields.EncryptedTextField(blank=True, editable=False, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('active', models.BooleanField(default=True)),
            ],
            options={
                'ordering': ['source', 'scheme', 'pk'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('scheme', 'basic')), fields=('key',), name='basic_key_names_one_credential'), models.CheckConstraint(condition=models.Q(models.Q(('scheme', 'basic'), ('signing_secret__isnull', True), models.Q(('secret_hash', ''), _negated=True)), models.Q(('scheme', 'signature'), ('secret_hash', ''), ('signing_secret__isnull', False)), _connector='OR'), name='credential_holds_the_secret_of_its_scheme')],
            },
        ),
        migrations.CreateModel(
            name='HistoricalDestination',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('kind', models.CharField(max_length=50)),
                ('options', core.fields.EncryptedJSONField(blank=True, default=dict)),
                ('organization', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='integrations.organization')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical destination',
                'verbose_name_plural': 'historical destinations',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Destination',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='destinations', to='integrations.organization')),
                ('name', models.CharField(max_length=100)),
                ('kind', models.CharField(max_length=50)),
                ('options', core.fields.EncryptedJSONField(blank=True, default=dict)),
                ('held_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('held_reason', core.fields.EncryptedTextField(blank=True, editable=False, null=True)),
                ('checked_at', models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                'ordering': ['organization__name', 'name'],
                'constraints': [models.UniqueConstraint(fields=('organization', 'name'), name='destination_name_once_in_organization'), models.CheckConstraint(condition=models.Q(('held_at__isnull', True), ('held_reason__isnull', False), _connector='OR'), name='held_destination_has_a_reason')],
            },
        ),
    ]
