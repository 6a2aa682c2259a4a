"""The widget: the search on other sites, by one script tag, or by a frame without scripts.

It shows only on the hosts in `embed_hosts`: browsers keep to `frame-ancestors`. The script makes a
frame in a shadow root, so that neither site's styles reach the other's.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse

from directory.fields import in_language
from directory.pages.phrases import phrases
from directory.pages.views import Page, SearchPage

_SCRIPT = Path(__file__).parent / "widget.js"
_HOST = re.compile(r"(?:\*\.)?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?::\d{1,5})?", re.ASCII)
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors "
)


def hosts(embed_hosts: list[str]) -> list[str]:
    """Return the hosts that may show the widget, as a policy names them; others are left out."""
    bare = (re.sub(r"^[a-z]+://", "", str(host)).rstrip("/") for host in embed_hosts)
    return [host for host in bare if _HOST.fullmatch(host)]


@cache
def _script() -> str:
    return _SCRIPT.read_text()


class EmbedPage(SearchPage):
    """The search in a frame of another site. Links open outside of it."""

    @property
    def by_script(self) -> bool:
        """Return whether the script made the frame: then it shows the emergency line itself."""
        return self.request.GET.get("by") == "script"

    def shown(
        self,
        template: str,
        context: Mapping[str, Any],
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        by = "&by=script" if self.by_script else ""
        more = {
            "form_url": f"{reverse('directory-embed')}?lang={self.language}{by}",
            "by_script": self.by_script,
        }
        name = "embed" if template == "search" else template
        return super().shown(name, {**more, **context}, status, headers)

    def _finished(self, response: HttpResponseBase) -> HttpResponseBase:
        allowed = hosts(self.directory.embed_hosts)
        if not allowed:
            raise Http404
        response["Content-Security-Policy"] = f"{_POLICY}{' '.join(allowed)}"
        response.xframe_options_exempt = True  # type: ignore[attr-defined]  # the policy decides
        return super()._finished(response)


class WidgetScript(Page):
    """The script, with what it has to know: where the frame is, and each language's words."""

    def get(self, request: HttpRequest) -> HttpResponse:
        allowed = hosts(self.directory.embed_hosts)
        if not allowed:
            raise Http404
        known = {
            "frame": request.build_absolute_uri(reverse("directory-embed")),
            "search": request.build_absolute_uri(reverse("directory-search")),
            "hosts": allowed,
            "words": dict(self._words()),
        }
        return HttpResponse(
            _script().replace("__KNOWN__", json.dumps(known, ensure_ascii=False)),
            content_type="text/javascript; charset=utf-8",
            headers={"Cross-Origin-Resource-Policy": "cross-origin"},
        )

    def _words(self) -> Iterator[tuple[str, dict[str, str]]]:
        directory = self.directory
        for language in directory.languages:
            words = phrases(language)
            emergency = in_language(directory.emergency, language, directory.languages)
            yield (
                language,
                {"emergency": emergency or words["emergency"], "title": words["search_title"]},
            )
