"""The guide, in the portal: docs/guide in the reader's language, and the section for each page."""

from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from workplace.guide import markup
from workplace.guide.sections import section_of

FOLDER = Path(settings.BASE_DIR) / "docs" / "guide"
PICTURES = "pictures"
TRANSLATED = "fr"  # the folder of what is in another language than English
START = "start"
# The chapters by their names in addresses, which are those of their files but for the first.
CHAPTERS = {
    START: _("Guide"),
    "support": _("For support staff"),
    "liaisons": _("For liaisons"),
    "mappings": _("Mappings"),
    "directory": _("For directory editors"),
    "administrators": _("For administrators"),
}


def urls(site: AdminSite) -> list[URLPattern]:
    """Return the paths of the guide."""
    return [
        path("guide/", site.admin_view(partial(chapter_view, site)), name="guide"),
        path("guide/<slug:chapter>/", site.admin_view(partial(chapter_view, site)), name="guide"),
        path(
            f"guide/{PICTURES}/<slug:picture>.png",
            site.admin_view(picture_view),
            name="guide_picture",
        ),
    ]


def help_url(request: HttpRequest) -> str:
    """Return the address of the guide's section for the page that is asked for."""
    match = request.resolver_match
    chapter, section = section_of(match.url_name or "" if match else "")
    return reverse("admin:guide", args=[chapter]) + (f"#{section}" if section else "")


def chapter_view(site: AdminSite, request: HttpRequest, chapter: str = START) -> HttpResponse:
    """Show a chapter."""
    if chapter not in CHAPTERS:
        raise Http404
    title, text = chapter_in_html(chapter, get_language() or "")
    chapters = [(reverse("admin:guide", args=[name]), CHAPTERS[name]) for name in CHAPTERS]
    shown = {"title": title, "text": text, "chapters": chapters}
    return TemplateResponse(request, "admin/guide.html", {**site.each_context(request), **shown})


def picture_view(request: HttpRequest, picture: str) -> HttpResponseBase:
    """Show a picture: in the reader's language where it was taken in it."""
    for folder in (*_folders(get_language() or ""), FOLDER):
        # By its name in the folder: no file system is asked for what somebody has typed.
        for file in (folder / PICTURES).glob("*.png"):
            if file.stem == picture:
                return FileResponse(file.open("rb"), content_type="image/png")
    raise Http404


def chapter_in_html(chapter: str, language: str) -> tuple[str, str]:
    """Return the title and the text of a chapter."""
    name = "README" if chapter == START else chapter
    folder = next(iter(_folders(language)), FOLDER)
    title, html = markup.to_html((folder / f"{name}.md").read_text("utf-8"), _address_of)
    return title, mark_safe(html)  # noqa: S308 - of files of ours, escaped there


def _folders(language: str) -> list[Path]:
    return [FOLDER / TRANSLATED] if language.startswith(TRANSLATED) else []


def _address_of(target: str) -> str:
    """Return the address in the portal of what a chapter links to; empty where it is not here."""
    file, _, section = target.partition("#")
    if file.startswith((f"{PICTURES}/", f"../{PICTURES}/")):
        return reverse("admin:guide_picture", args=[Path(file).stem])
    if not file:
        return f"#{section}"
    if Path(file).name != file:  # a document beside the guide
        return ""
    stem = Path(file).stem
    address: Any = reverse("admin:guide", args=[START if stem == "README" else stem])
    return f"{address}#{section}" if section else str(address)
