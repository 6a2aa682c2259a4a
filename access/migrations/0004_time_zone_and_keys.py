from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('access', '0003_api_tokens'),
    ]

    operations = [
        migrations.AddField(
            model_name='personalsettings',
            name='single_keys',
            field=models.BooleanField(default=True, help_text='Whether keys without Ctrl are shortcuts.'),
        ),
        migrations.AddField(
            model_name='personalsettings',
            name='time_zone',
            field=models.CharField(blank=True, help_text="Empty: the portal's.", max_length=64),
        ),
    ]
