from django.apps import AppConfig


class ReferralsConfig(AppConfig):
    name = "referrals"

    def ready(self) -> None:
        from core import rotation
        from referrals import backlog, checks, names, receivers  # noqa: F401 - registers them

        backlog.register()
        rotation.register(names.renew)
