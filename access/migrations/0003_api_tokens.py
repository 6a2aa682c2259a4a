import access.models
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('access', '0002_personal_settings'),
        ('integrations', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='ApiToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='Which script uses it, so that you know it in a year.', max_length=100)),
                ('digest', models.CharField(editable=False, max_length=64, unique=True)),
                ('expires_at', models.DateTimeField(help_text='Within a year. After it the token opens nothing.', validators=[access.models.check_expiry])),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('used_at', models.DateTimeField(editable=False, null=True, verbose_name='last used at')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='api_tokens', to='integrations.organization')),
            ],
            options={
                'verbose_name': 'API token',
                'ordering': ['organization', 'name', 'pk'],
            },
        ),
    ]
