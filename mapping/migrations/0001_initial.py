import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('integrations', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='HistoricalMapping',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('destination_kind', models.CharField(max_length=50)),
                ('shipped', models.BooleanField(default=False, editable=False)),
                ('changed_at', models.DateTimeField(blank=True, editable=False)),
                ('organization', models.ForeignKey(blank=True, db_constraint=False, help_text='None: every organization may use it.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='integrations.organization')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical mapping',
                'verbose_name_plural': 'historical mappings',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='Mapping',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('destination_kind', models.CharField(max_length=50)),
                ('organization', models.ForeignKey(blank=True, help_text='None: every organization may use it.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='mappings', to='integrations.organization')),
                ('shipped', models.BooleanField(default=False, editable=False)),
                ('changed_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'ordering': ['name', 'pk'],
                'constraints': [models.UniqueConstraint(fields=('organization', 'destination_kind', 'name'), name='mapping_name_once_in_organization', violation_error_message='This organization has a mapping of this name already.'), models.UniqueConstraint(condition=models.Q(('organization__isnull', True)), fields=('destination_kind', 'name'), name='mapping_name_once_for_all_organizations', violation_error_message='There is a mapping of this name already.')],
            },
        ),
        migrations.CreateModel(
            name='HistoricalFieldRule',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('position', models.PositiveIntegerField(default=1)),
                ('target', models.CharField(max_length=100)),
                ('sources', models.JSONField(blank=True, default=list)),
                ('transforms', models.JSONField(blank=True, default=list)),
                ('mapping', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='mapping.mapping')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical field rule',
                'verbose_name_plural': 'historical field rules',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='FieldRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mapping', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rules', to='mapping.mapping')),
                ('position', models.PositiveIntegerField(default=1)),
                ('target', models.CharField(max_length=100)),
                ('sources', models.JSONField(blank=True, default=list)),
                ('transforms', models.JSONField(blank=True, default=list)),
            ],
            options={
                'ordering': ['position', 'pk'],
                'constraints': [models.UniqueConstraint(fields=('mapping', 'target'), name='target_filled_by_one_rule', violation_error_message='Another rule fills this field already.')],
            },
        ),
        migrations.CreateModel(
            name='HistoricalValueTable',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('name', models.SlugField()),
                ('fallback', models.CharField(blank=True, help_text='Stands for every value without an entry. Empty: such a value passes as sent.', max_length=255, verbose_name='anything else')),
                ('mapping', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='mapping.mapping')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical value table',
                'verbose_name_plural': 'historical value tables',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='ValueTable',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mapping', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='value_tables', to='mapping.mapping')),
                ('name', models.SlugField()),
                ('fallback', models.CharField(blank=True, help_text='Stands for every value without an entry. Empty: such a value passes as sent.', max_length=255, verbose_name='anything else')),
            ],
            options={
                'ordering': ['name'],
                'constraints': [models.UniqueConstraint(fields=('mapping', 'name'), name='value_table_name_once_in_mapping')],
            },
        ),
        migrations.CreateModel(
            name='HistoricalValueTableEntry',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('sent', models.CharField(max_length=255)),
                ('value', models.CharField(blank=True, max_length=255)),
                ('table', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='mapping.valuetable')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical value table entry',
                'verbose_name_plural': 'historical value table entries',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='ValueTableEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('table', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='entries', to='mapping.valuetable')),
                ('sent', models.CharField(max_length=255)),
                ('value', models.CharField(blank=True, max_length=255)),
            ],
            options={
                'verbose_name_plural': 'value table entries',
                'ordering': ['pk'],
                'constraints': [models.UniqueConstraint(fields=('table', 'sent'), name='value_sent_once_in_table')],
            },
        ),
        migrations.CreateModel(
            name='MappingVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mapping', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='mapping.mapping')),
                ('number', models.PositiveIntegerField()),
                ('content', models.JSONField()),
                ('author', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('author_name', models.CharField(blank=True, max_length=150)),
                ('saved_at', models.DateTimeField()),
                ('note', models.CharField(blank=True, max_length=500)),
            ],
            options={
                'ordering': ['-number'],
                'constraints': [models.UniqueConstraint(fields=('mapping', 'number'), name='version_number_once_in_mapping')],
            },
        ),
        migrations.CreateModel(
            name='MappingTest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mapping', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tests', to='mapping.mapping')),
                ('name', models.CharField(max_length=100)),
                ('document', models.JSONField()),
                ('time_zone', models.CharField(max_length=64)),
                ('expected', models.JSONField()),
                ('origin', models.CharField(max_length=200)),
                ('author_name', models.CharField(blank=True, max_length=150)),
                ('kept_at', models.DateTimeField()),
            ],
            options={
                'verbose_name': 'test case',
                'ordering': ['name'],
                'constraints': [models.UniqueConstraint(fields=('mapping', 'name'), name='test_case_name_once_in_mapping')],
            },
        ),
    ]
