"""Django's admin, on our site. A module of its own: Django loads it before any model."""

from django.contrib.admin.apps import AdminConfig


class WorkplaceAdminConfig(AdminConfig):
    default_site = "workplace.site.Workplace"
