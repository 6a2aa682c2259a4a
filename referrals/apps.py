from django.apps import AppConfig

FORMER_NAMES = {"importjob": "delivery", "importattempt": "attempt", "importstep": "step"}


class ReferralsConfig(AppConfig):
    name = "referrals"

    def ready(self) -> None:
        from core import audit, rotation
        from referrals import (  # noqa: F401 - registers them
            backlog,
            checks,
            dispatching,
            names,
            receivers,
            retention,
        )

        for former, present in FORMER_NAMES.items():
            audit.renamed(f"referrals.{former}", f"referrals.{present}")
        backlog.register()
        dispatching.beside(retention.purge_expired)
        rotation.register(names.renew)
