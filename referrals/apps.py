from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ReferralsConfig(AppConfig):
    name = "referrals"

    def ready(self) -> None:
        from referrals import backlog, checks, receivers, roles  # noqa: F401 - registers them

        backlog.register()
        # The last app to be migrated: by then every permission is there.
        post_migrate.connect(roles.install_roles, sender=self)
