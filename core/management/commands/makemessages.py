"""`makemessages` that also finds our own sentences, which are marked by where they stand."""

from django.core.management.commands import makemessages


class Command(makemessages.Command):
    """Django's own, which finds the template of a `Cause` and the words of an `Advice`, too."""

    xgettext_options = [
        *makemessages.Command.xgettext_options,
        "--keyword=Cause:2",  # of core.text.sentences: key and sentence
        "--keyword=Cause:2,3",  # and the sentence for many
        "--keyword=Advice:2",  # of referrals.advice
        "--keyword=Term:1",  # of core.text.sentences, where it is not called _
    ]
