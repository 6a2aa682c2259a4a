from django.apps import AppConfig


class ReferralsConfig(AppConfig):
    name = "referrals"

    def ready(self) -> None:
        from referrals import backlog, checks, receivers  # noqa: F401 - registers them

        backlog.register()
