"""Endpoints are found with the kinds of sources: the column lists none. The database is as before."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('referrals', '0012_versions_alone'),
    ]

    operations = [
        migrations.AlterField(
            model_name='inboundevent',
            name='door',
            field=models.CharField(help_text="The name of an endpoint of its source's kind.", max_length=10, verbose_name='endpoint'),
        ),
    ]
