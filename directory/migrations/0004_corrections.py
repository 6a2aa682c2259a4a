import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('directory', '0003_listing_link'),
    ]

    operations = [
        migrations.CreateModel(
            name='Correction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('field', models.CharField(blank=True, max_length=40)),
                ('language', models.CharField(max_length=35)),
                ('text', models.TextField()),
                ('was', models.TextField(blank=True)),
                ('at', models.DateTimeField()),
                ('state', models.CharField(choices=[('open', 'to be reviewed'), ('accepted', 'accepted'), ('refused', 'refused')], default='open', max_length=10)),
                ('decided_by', models.CharField(blank=True, max_length=150)),
                ('decided_at', models.DateTimeField(null=True)),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='corrections', to='directory.entry')),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(condition=models.Q(('state', 'open')), fields=['entry'], name='correction_open')],
            },
        ),
    ]
