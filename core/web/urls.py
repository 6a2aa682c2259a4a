"""The addresses for those who run the portal."""

from django.urls import path

from core.web import views

urlpatterns = [
    path("health/live", views.live, name="live"),
    path("health/ready", views.ready, name="ready"),
    path("health/delivery", views.delivery, name="delivery"),
    # Their earlier names.
    path("healthz", views.live, name="healthz"),
    path("readyz", views.ready, name="readyz"),
    path("metrics", views.metrics, name="metrics"),
]
