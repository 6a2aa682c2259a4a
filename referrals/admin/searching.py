"""Looking for a referral by an id of it or by the registrant's name.

What is looked for is posted. An id that names something goes on into the URL, so that a page can be
reloaded and gone back to. Anything else may be a name: only its digest goes on, sealed, and it is
neither kept nor shown again.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from core import audit, encryption
from referrals.models import RegistrantName
from referrals.record import names

CONTEXT = "referrals.search"
NAME_VAR = "name"
LONGEST = 400  # characters of a name
NOTHING_FOUND = _("Nothing was found. Search this list by a full reference or ID.")


class NameFilter(admin.ListFilter):
    """Narrows a list to the name that was searched for; says so, and not which."""

    title = "name"
    template = "admin/referrals/searched.html"
    names: ClassVar[tuple[str, ...]] = (NAME_VAR,)  # in the URL

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.path: str = model_admin.referral_path
        self.sealed: str | None = (params.pop(NAME_VAR, None) or [None])[-1]

    def has_output(self) -> bool:
        return self.sealed is not None

    def expected_parameters(self) -> list[str | None]:
        return list(self.names)

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield {"name": NAME_VAR, "value": self.sealed}
        yield {"without": changelist.get_query_string(remove=[NAME_VAR])}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        named = RegistrantName.objects.filter(digest__in=unsealed(self.sealed or ""))
        return queryset.filter(**{f"{self.path}__in": named.values("referral")})


class SearchedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A list of rows that belong to referrals, to which `referral_path` leads from a row."""

    referral_path: ClassVar[str] = ""  # empty where a row belongs to no single referral
    listed: ClassVar[str] = ""  # what the audit trail calls the rows; else as the model is called
    search_help_text = _(
        "A reference or another id, or the registrant's first and last name, whole. "
        "Accents, capitals and the order of the names do not matter."
    )

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        filters = super().get_list_filter(request)
        return [*filters, NameFilter] if self.referral_path else [*filters]

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(sensitive_post_parameters()(self.search_view))
        return [path("search/", view, name=self._url_name("search")), *super().get_urls()]

    def search_view(self, request: HttpRequest) -> HttpResponse:
        """Take what is looked for, and show the list of what is found."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = reverse(f"admin:{self._url_name('changelist')}")
        # No database takes a NUL.
        asked = request.POST.get(SEARCH_VAR, "").replace("\0", "").strip()[:LONGEST]
        sought = self._sought(request, asked) if asked else {}
        return HttpResponseRedirect(f"{found}?{urlencode(sought)}" if sought else found)

    def _sought(self, request: HttpRequest, asked: str) -> dict[str, str]:
        rows, _distinct = self.get_search_results(request, self.get_queryset(request), asked)
        by_id = rows.exists()
        audit.record(request, f"search {self.rows_key()}", by="id" if by_id else "name")
        if by_id:
            return {SEARCH_VAR: asked}
        if self.referral_path:
            return {NAME_VAR: sealed(names.find(asked))}
        self.message_user(request, NOTHING_FOUND, messages.WARNING)
        return {}

    def rows_are(self) -> str:
        return self.listed or str(self.model._meta.verbose_name_plural)

    def rows_key(self) -> str:
        """Return what the audit trail calls the rows: the same in every language."""
        with translation.override("en-ca"):
            return self.rows_are()

    def _url_name(self, view: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{view}"


def sealed(digests: list[str]) -> str:
    """Return the digests as a part of a URL that nobody else can read."""
    return urlsafe_b64encode(encryption.encrypt(",".join(digests).encode(), CONTEXT)).decode()


def unsealed(value: str) -> list[str]:
    """Return the digests; raises IncorrectLookupParameters for what is not ours."""
    try:
        return encryption.decrypt(urlsafe_b64decode(value), CONTEXT).decode().split(",")
    except (ValueError, encryption.EncryptionError) as error:
        raise IncorrectLookupParameters from error
