from django.apps import AppConfig
from django.db.models.signals import post_migrate


class WorkplaceConfig(AppConfig):
    name = "workplace"

    def ready(self) -> None:
        from access import roles
        from directory import taking_in
        from directory.data_partners import notices
        from directory.exporting import requested, scheduled
        from directory.pulling import running as pulling
        from referrals.running import dispatcher
        from workplace import names

        names.translate()
        # The last app to be migrated: by then every permission is there.
        post_migrate.connect(roles.install_roles, sender=self)
        dispatcher.beside(taking_in.beside())
        dispatcher.beside(notices.beside())
        dispatcher.beside(pulling.beside())
        dispatcher.beside(scheduled.beside())
        dispatcher.beside(requested.beside())
