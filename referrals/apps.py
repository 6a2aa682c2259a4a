from django.apps import AppConfig

FORMER_NAMES = {"importjob": "delivery", "importattempt": "attempt", "importstep": "step"}


class ReferralsConfig(AppConfig):
    name = "referrals"

    def ready(self) -> None:
        from celery.signals import worker_shutting_down

        from core import audit
        from core.audit import chain as audit_chain
        from core.encryption import rotation
        from core.timing import ending
        from integrations.hooks import (
            destination_released,
            destination_tested,
            listing_connected,
        )
        from mapping.hooks import mapping_stored
        from referrals.delivering import proving, resuming
        from referrals.intake import answering
        from referrals.record import names
        from referrals.record.removal import journal, retention
        from referrals.running import backlog, dispatcher

        for former, present in FORMER_NAMES.items():
            audit.renamed(f"referrals.{former}", f"referrals.{present}")
        backlog.register()
        dispatcher.beside(retention.purge_expired)
        dispatcher.beside(retention.sweep_regularly)
        dispatcher.beside(journal.note)
        dispatcher.beside(audit_chain.seal_regularly)
        dispatcher.beside(answering.forget_old_answers, seconds=600)
        rotation.register(names.renew)
        worker_shutting_down.connect(ending.end_in_time)
        mapping_stored.bind(resuming.resume_mapping)
        listing_connected.bind(resuming.resume_connection)
        destination_released.bind(resuming.resume_destination)
        destination_tested.bind(proving.prove_again)
