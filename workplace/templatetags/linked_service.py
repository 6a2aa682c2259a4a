"""What the directory says of a listing, on the page of the listing."""

from typing import Any

from django import template
from django.urls import reverse

from access.roles import EDIT_DIRECTORY, SEE_LINKED_SERVICE
from directory import linking
from directory.models import Directory, ListingLink, Service
from directory.pages import records
from directory.pages.phrases import phrases
from workplace.directory.shared import language_for

register = template.Library()


@register.inclusion_tag("admin/directory/linked.html")
def linked_service(user: Any, listing: Any) -> dict[str, Any]:
    """Show the public view of the service that a listing is, and whether their names differ.

    Nothing that is confidential is in it, whoever looks.
    """
    if listing is None or not user.has_perm(SEE_LINKED_SERVICE):
        return {}
    links = ListingLink.objects.select_related("service__entry", "listing")
    link, directory = links.filter(listing=listing.pk).first(), Directory.objects.first()
    if link is None or directory is None:
        return {}
    language = language_for(directory)
    return {
        "link": link,
        "record": records.public(link.service, directory, language),
        "w": phrases(language),
        "is_open": link.service.status == Service.Status.ACTIVE,
        "names_differ": linking.names_differ(link),
        "page_url": reverse("directory-service", args=[link.service.entry.hsds_id]),
        "edit_url": (
            reverse("admin:directory_service", args=[link.service.entry.hsds_id])
            if user.has_perm(EDIT_DIRECTORY)
            else ""
        ),
    }
