"""The admin site: Django's, with a home page and the screens that belong to no single model."""

from functools import wraps
from importlib import import_module
from typing import Any
from urllib.parse import unquote

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, reverse
from django.utils.cache import add_never_cache_headers
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from workplace import home
from workplace.shell import shell_of

# Each has `urls(site)`, which returns the paths of its screens.
SCREENS: tuple[str, ...] = (
    "workplace.configuration",
    "workplace.connecting",
    "workplace.directory",
    "workplace.finding",
    "workplace.guide",
    "workplace.mapping_preview",
    "workplace.onboarding",
    "workplace.personal",
    "workplace.why",
)


class Workplace(admin.AdminSite):
    site_header = site_title = "Dovetail"
    site_url = None  # there is nothing to view but the admin
    enable_nav_sidebar = False  # one navigation, by what people do (shell.py)
    index_title = _("Home")
    index_template = "admin/home.html"

    def get_urls(self) -> list[URLResolver | URLPattern]:
        """Return the screens' own paths, then those of the models."""
        own: list[Any] = []
        for name in SCREENS:
            own += import_module(name).urls(self)
        return own + super().get_urls()

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Wrap a view; there is no page at an address that no database can look up.

        PostgreSQL refuses a NUL, SQLite a number of more than 64 bits.
        """
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if "\0" in unquote(request.get_full_path()):
                raise Http404
            try:
                answer = inner(request, *args, **kwargs)
                # Rendered here: the choices of a form ask the database only now.
                return answer.render() if isinstance(answer, TemplateResponse) else answer
            except OverflowError:
                raise Http404 from None

        return checked

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return what every page needs, with what the shell around it shows.

        Django's list of all models, which it makes for each page, is made for whoever asks: no
        page of ours does.
        """
        return {
            "site_title": self.site_title,
            "site_header": self.site_header,
            "site_url": self.site_url,
            "has_permission": self.has_permission(request),
            "available_apps": SimpleLazyObject(lambda: self.get_app_list(request)),
            "is_popup": False,
            "is_nav_sidebar_enabled": self.enable_nav_sidebar,
            "log_entries": SimpleLazyObject(lambda: self.get_log_entries(request)),
            "shell": shell_of(request),
        }

    def index(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        """Show the home page."""
        request.current_app = self.name
        context = {
            **self.each_context(request),
            "title": self.index_title,
            "subtitle": None,
            **home.context_of(request),
            **(extra_context or {}),
        }
        return TemplateResponse(request, self.index_template, context)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Lead to the one place to sign in; whoever has signed in already may not work here."""
        home = reverse("admin:index")
        if self.has_permission(request):
            return HttpResponseRedirect(home)
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next", home))

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Lead to the one place where people change their own password."""
        return HttpResponseRedirect(reverse("account_change_password"))

    def password_change_done(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Show Django's page, which names the account; no browser keeps it."""
        answer = super().password_change_done(request, extra_context)
        add_never_cache_headers(answer)
        return answer
