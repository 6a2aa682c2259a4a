import core.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
import workplace.models
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
            name='PreviewSeen',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='preview_seen', to='integrations.organization')),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            options={
                'verbose_name_plural': 'previews seen',
            },
        ),
        migrations.CreateModel(
            name='AlertSettings',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='alert_settings', to='integrations.organization')),
                ('digest_hour', models.PositiveSmallIntegerField(default=8, help_text="Hour of the daily digest, 0 to 23, in the organization's time zone.", validators=[django.core.validators.MaxValueValidator(23)])),
                ('oldest_hours', models.PositiveIntegerField(default=24, help_text='Hours after which an unfinished import is too old.', validators=[django.core.validators.MinValueValidator(1)], verbose_name='too old after')),
            ],
            options={
                'verbose_name_plural': 'alert settings',
                'ordering': ['organization__name'],
            },
        ),
        migrations.CreateModel(
            name='AlertRecipient',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='alert_recipients', to='integrations.organization')),
                ('channel', models.CharField(choices=[('email', 'E-mail'), ('webhook', 'Webhook')], default='email', max_length=10)),
                ('address', core.fields.EncryptedTextField(help_text='An e-mail address, or a URL.', max_length=500)),
                ('kinds', models.JSONField(default=workplace.models.every_alert_kind, validators=[workplace.models.check_alert_kinds])),
                ('active', models.BooleanField(default=True)),
                ('secret', core.fields.EncryptedTextField(editable=False, null=True)),
            ],
            options={
                'ordering': ['organization__name', 'pk'],
                'permissions': [('connect_webhook', 'Can let alerts go to webhooks')],
            },
        ),
        migrations.CreateModel(
            name='Trouble',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='integrations.organization')),
                ('destination', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='integrations.destination')),
                ('what', models.CharField(help_text='A cause, and the class of the answer.', max_length=40)),
                ('place', models.CharField(help_text="The destination's key, or nothing.", max_length=20)),
                ('began_at', models.DateTimeField()),
                ('last_at', models.DateTimeField(help_text='Its latest sign.')),
                ('told_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['-began_at'],
                'indexes': [models.Index(fields=['organization', 'place', 'what', '-began_at'], name='troubles_by_what')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('organization', 'place', 'what'), name='trouble_is_open_once')],
            },
        ),
        migrations.CreateModel(
            name='Alert',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='integrations.organization')),
                ('destination', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='integrations.destination')),
                ('kind', models.CharField(choices=[('failure', 'A new kind of failure, which needs somebody'), ('retrying', 'A destination in trouble, which is tried again by itself'), ('recovery', 'It works again'), ('too_old', 'An import is unfinished for too long'), ('digest', 'Every day, while errors are not cleared')], max_length=10)),
                ('cause', models.CharField(max_length=100)),
                ('hour', models.DateTimeField(help_text='The hour in which it is told once.')),
                ('made_at', models.DateTimeField()),
                ('facts', models.JSONField(default=dict, help_text='Counts, times and causes.')),
            ],
            options={
                'ordering': ['-made_at'],
                'indexes': [models.Index(fields=['-made_at'], name='alerts_by_time')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'cause', 'hour'), name='one_alert_for_cause_and_hour')],
            },
        ),
        migrations.CreateModel(
            name='AlertDelivery',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('alert', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='workplace.alert')),
                ('recipient', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='workplace.alertrecipient')),
                ('due_at', models.DateTimeField(null=True)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('sent_at', models.DateTimeField(null=True)),
                ('problem', models.TextField(blank=True, help_text='Of the last try.')),
            ],
            options={
                'verbose_name_plural': 'alert deliveries',
                'ordering': ['alert', 'recipient'],
                'indexes': [models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='alerts_to_send')],
                'constraints': [models.UniqueConstraint(fields=('alert', 'recipient'), name='alert_goes_to_each_once'), models.CheckConstraint(condition=models.Q(('due_at__isnull', True), ('sent_at__isnull', True), _connector='OR'), name='sent_alert_is_not_due')],
            },
        ),
    ]
