"""An import job becomes a delivery, with its attempts and steps.

Ids stay, and with them every idempotency key. Encrypted values stay as they were written: their
fields name the context of then. Permissions that groups and people have are the same rows under
a new name. The audit trail is never changed: `core.audit` knows what its names of then mean.
"""

from django.db import migrations, models

import django.db.models.deletion
import core.fields

MODELS = {"importjob": "delivery", "importattempt": "attempt", "importstep": "step"}
ACTIONS = ("add", "change", "delete", "view", "decide")


def rename(apps, names):
    permissions = apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="referrals"
    )
    for old, new in names.items():
        for action in ACTIONS:
            renamed = {"codename": f"{action}_{new}"}
            if action != "decide":
                renamed["name"] = f"Can {action} {new}"
            permissions.filter(codename=f"{action}_{old}").update(**renamed)


def forwards(apps, schema_editor):
    rename(apps, MODELS)


def backwards(apps, schema_editor):
    rename(apps, {new: old for old, new in MODELS.items()})


class Migration(migrations.Migration):

    dependencies = [
        ("referrals", "0008_purge_what_was_left"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.RemoveConstraint("clearederror", "error_is_cleared_once"),
        migrations.RemoveConstraint("bulkretryitem", "import_once_in_bulk_retry"),
        migrations.RemoveConstraint("importattempt", "attempt_number_once_in_job"),
        migrations.RemoveConstraint("importstep", "step_once_in_job"),
        migrations.RemoveConstraint("importjob", "one_job_for_referral_and_destination"),
        migrations.RemoveConstraint("importjob", "queued_job_has_a_time"),
        migrations.RemoveConstraint("importjob", "imported_job_has_an_external_id"),
        migrations.RemoveConstraint("importjob", "running_job_has_a_lease"),
        migrations.RenameModel("ImportJob", "Delivery"),
        migrations.RenameModel("ImportAttempt", "Attempt"),
        migrations.RenameModel("ImportStep", "Step"),
        migrations.RenameField("attempt", "job", "delivery"),
        migrations.RenameField("step", "job", "delivery"),
        migrations.RenameField("clearederror", "job", "delivery"),
        migrations.RenameField("bulkretryitem", "job", "delivery"),
        migrations.RenameIndex("delivery", new_name="deliveries_due", old_name="jobs_due"),
        migrations.RenameIndex("delivery", new_name="deliveries_leased", old_name="jobs_leased"),
        migrations.RenameIndex("delivery", new_name="deliveries_uncleared", old_name="jobs_with_uncleared_error"),
        migrations.RenameIndex("delivery", new_name="deliveries_uncleared_by_reason", old_name="jobs_uncleared_by_reason"),
        migrations.RenameIndex("delivery", new_name="deliveries_cleared", old_name="jobs_with_cleared_error"),
        migrations.RenameIndex("delivery", new_name="deliveries_by_state", old_name="jobs_by_state"),
        migrations.RenameIndex("delivery", new_name="deliveries_by_time", old_name="jobs_by_time"),
        migrations.RenameIndex("delivery", new_name="deliveries_by_external_id", old_name="jobs_by_external_id"),
        migrations.RenameIndex("delivery", new_name="deliveries_by_status_code", old_name="jobs_by_status_code"),
        migrations.RenameIndex("delivery", new_name="deliveries_by_trigger", old_name="jobs_by_trigger"),
        migrations.RenameIndex("delivery", new_name="deliveries_of_a_destination", old_name="jobs_of_a_destination"),
        migrations.RenameIndex("delivery", new_name="deliveries_imported", old_name="jobs_imported"),
        migrations.RenameIndex("delivery", new_name="deliveries_failed", old_name="jobs_failed"),
        migrations.RenameIndex("delivery", new_name="deliveries_not_let_through", old_name="jobs_not_let_through"),
        migrations.AlterModelOptions(
            name='attempt',
            options={'ordering': ['delivery', 'number']},
        ),
        migrations.AlterModelOptions(
            name='clearederror',
            options={'ordering': ['delivery', 'cleared_at']},
        ),
        migrations.AlterModelOptions(
            name='delivery',
            options={'ordering': ['-opened_at'], 'permissions': [('decide_delivery', 'Can retry, dismiss and clear imports')], 'verbose_name_plural': 'deliveries'},
        ),
        migrations.AlterField(
            model_name='attempt',
            name='body',
            field=core.fields.EncryptedTextField(context='referrals.importattempt.body', default='', help_text="The destination's answer, capped."),
        ),
        migrations.AlterField(
            model_name='attempt',
            name='message',
            field=core.fields.EncryptedTextField(context='referrals.importattempt.message', default=''),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='closed_why',
            field=core.fields.EncryptedTextField(context='referrals.importjob.closed_why', default='', help_text='Why it was dismissed.'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='corrections',
            field=core.fields.EncryptedJSONField(context='referrals.importjob.corrections', default=list, help_text='What a person has to correct in the destination, in sentences.'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='destination',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='integrations.destination'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='message',
            field=core.fields.EncryptedTextField(context='referrals.importjob.message', default='', help_text='The last problem, for people.'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='missing_files',
            field=core.fields.EncryptedJSONField(context='referrals.importjob.missing_files', default=dict, help_text='File names, each with why it is not in the destination.'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='opened_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='opened_deliveries', to='referrals.inboundevent'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='referral',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='referrals.referral'),
        ),
        migrations.AddConstraint(
            model_name='attempt',
            constraint=models.UniqueConstraint(fields=('delivery', 'number'), name='attempt_number_once_in_delivery'),
        ),
        migrations.AddConstraint(
            model_name='bulkretryitem',
            constraint=models.UniqueConstraint(fields=('bulk_retry', 'delivery'), name='import_once_in_bulk_retry'),
        ),
        migrations.AddConstraint(
            model_name='clearederror',
            constraint=models.UniqueConstraint(fields=('delivery', 'error_at'), name='error_is_cleared_once'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.UniqueConstraint(fields=('referral', 'destination'), name='one_delivery_for_referral_and_destination'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'queued'), _negated=True), ('due_at__isnull', False), _connector='OR'), name='queued_delivery_has_a_time'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'imported'), _negated=True), ('external_id__isnull', False), _connector='OR'), name='imported_delivery_has_an_external_id'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'running'), ('lease_token__isnull', False), ('lease_until__isnull', False)), models.Q(models.Q(('state', 'running'), _negated=True), ('lease_token__isnull', True)), _connector='OR'), name='running_delivery_has_a_lease'),
        ),
        migrations.AddConstraint(
            model_name='step',
            constraint=models.UniqueConstraint(fields=('delivery', 'name'), name='step_once_in_delivery'),
        ),
        migrations.RunPython(forwards, backwards),
    ]
