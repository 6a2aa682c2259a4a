from django.apps import AppConfig


class ReferralsConfig(AppConfig):
    name = "referrals"

    def ready(self) -> None:
        from core import rotation
        from referrals import (  # noqa: F401 - registers them
            backlog,
            checks,
            dispatching,
            names,
            receivers,
            retention,
        )

        backlog.register()
        dispatching.beside(retention.purge_expired)
        rotation.register(names.renew)
