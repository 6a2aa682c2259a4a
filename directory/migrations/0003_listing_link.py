import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0010_destination_allow_list'),
        ('directory', '0002_towns'),
    ]

    operations = [
        migrations.CreateModel(
            name='ListingLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('listing', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='directory_link', to='integrations.servicelisting')),
                ('service', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='listing_links', to='directory.service')),
            ],
        ),
    ]
