from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "alerts"

    def ready(self) -> None:
        from alerts.running import look_and_send
        from referrals.running import dispatcher

        dispatcher.beside(look_and_send)
