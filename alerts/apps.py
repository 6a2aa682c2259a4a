from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "alerts"

    def ready(self) -> None:
        from alerts.running import look_and_send, look_at_the_portal_and_send
        from core.web import health
        from referrals.running import dispatcher

        dispatcher.beside(look_and_send)
        dispatcher.beside(look_at_the_portal_and_send, seconds=30)
        health.not_delivering.bind(look_at_the_portal_and_send)
