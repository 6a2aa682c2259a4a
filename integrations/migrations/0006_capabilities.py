"""What is known of what destinations can do becomes recorded capabilities.

Proofs, and "it cannot be searched", are carried over with the day of the upgrade as their date. The
stored options `look_up` and `repeat_files` do not tell a choice from a default: nobody has declared
them, so they are kept as *declared at upgrade*. Those destinations go on as before.
"""

from django.db import migrations, models
from django.utils import timezone

DECLARED = {"crms": {"search_finds": "look_up", "recognizes_keys": "repeat_files"}}
FILTERS_NOT = "It listed another referral than the one that was asked for."


def record(apps, schema_editor):
    at = timezone.now().isoformat()
    for destination in apps.get_model("integrations", "Destination").objects.iterator():
        kept = {}
        options = dict(destination.options or {})
        for name, option in DECLARED.get(destination.kind, {}).items():
            # An option that an earlier version did not store was yes.
            options.setdefault(option, True)
            kept[name] = {"declared": {"yes": bool(options[option]), "by": None, "at": at}}
        for name, found in found_out(destination).items():
            found |= {"of": destination.search_of, "at": at}
            kept.setdefault(name, {})["found"] = found
        if kept:
            changed = ["capabilities", *(["options"] if options != destination.options else [])]
            destination.capabilities, destination.options = kept, options
            destination.save(update_fields=changed)


def found_out(destination):
    if not destination.search_of:
        return {}
    if destination.search_refused:
        return {"search_finds": finding(False, destination.search_refused, refused=True)}
    if not destination.search_finds:
        return {}
    filters = finding(True) if destination.search_filters else finding(False, FILTERS_NOT)
    return {"search_finds": finding(True), "search_filters": filters}


def finding(yes, because="", refused=False):
    return {"yes": yes, "because": because, "refused": refused}


class Migration(migrations.Migration):
    dependencies = [("integrations", "0005_limits")]

    operations = [
        migrations.AddField(
            model_name="destination",
            name="capabilities",
            field=models.JSONField(
                default=dict,
                editable=False,
                help_text="What is proved or declared of it: integrations.capabilities.",
            ),
        ),
        migrations.RunPython(record, migrations.RunPython.noop, elidable=False),
        migrations.RemoveField(model_name="destination", name="search_finds"),
        migrations.RemoveField(model_name="destination", name="search_filters"),
        migrations.RemoveField(model_name="destination", name="search_refused"),
        migrations.AlterField(
            model_name="destination",
            name="search_of",
            field=models.CharField(
                blank=True,
                editable=False,
                help_text="Hash of the options that the search was last asked with.",
                max_length=64,
            ),
        ),
    ]
