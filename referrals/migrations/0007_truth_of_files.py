from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("referrals", "0006_reading")]

    operations = [
        migrations.AlterField(
            model_name="referralfile",
            name="size",
            field=models.PositiveBigIntegerField(
                help_text="As announced, until it is stored.", null=True
            ),
        ),
        migrations.AddField(
            model_name="referralfile",
            name="announced_hashes",
            field=models.TextField(
                blank=True,
                default="",
                help_text="As integrations.sources.content.hashes_of writes them.",
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="referralfile",
            name="warning",
            field=models.CharField(
                blank=True,
                default="",
                help_text="A cause of integrations.sources.warnings.",
                max_length=40,
            ),
            preserve_default=False,
        ),
    ]
