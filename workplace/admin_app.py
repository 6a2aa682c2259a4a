"""Django's admin, on our site. A module of its own: Django loads it before any model."""

from django.contrib.admin.apps import SimpleAdminConfig


class WorkplaceAdminConfig(SimpleAdminConfig):
    """Its screens are loaded with the URLs: of our programs, only the web server needs them."""

    default_site = "workplace.site.Workplace"
