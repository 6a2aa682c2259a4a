"""What people choose from, and a first page for a choice on which the rest of a form depends."""

from typing import Any

from django.contrib import admin
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext


def choose_first(
    model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, form: Form, title: str = ""
) -> HttpResponse:
    """Return a page that asks; its answer comes back in the query of the same URL."""
    opts = model_admin.model._meta
    context = {
        **model_admin.admin_site.each_context(request),
        "title": title or gettext("Add %s") % opts.verbose_name,
        "opts": opts,
        "form": form,
    }
    return TemplateResponse(request, "admin/choose_first.html", context)


def choose_only(field: Any) -> None:
    """Leave out the admin's links that add, change and delete what a field chooses from."""
    for link in ("can_add_related", "can_change_related", "can_delete_related", "can_view_related"):
        setattr(field.widget, link, False)
