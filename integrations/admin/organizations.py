"""Organizations and their service listings."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations import sentences
from integrations.admin.listing_import import ListingImport, import_url
from integrations.admin.shared import ConfigurationAdmin, Tool
from integrations.configuration.transfer import may_transfer
from integrations.models import Organization, ServiceListing, TriggerConfig


def importing(organization: Organization) -> str:
    """Return whether an organization's referrals are imported, and if not, why not."""
    if not organization.active:
        return f"Off: {sentences.SUSPENDED(organization=organization)}"
    if not organization.may_import():
        plan = organization.get_plan_display()
        return f"Off: {sentences.PLAN_TOO_LOW(organization=organization, plan=plan)}"
    return gettext("On")


class ServiceListingInline(admin.TabularInline):  # type: ignore[type-arg]
    model = ServiceListing
    extra = 0
    fields = ["caredove_id", "name"]
    show_change_link = True


@admin.register(Organization)
class OrganizationAdmin(ConfigurationAdmin):
    organization_path = "pk"
    list_display = ["name", "caredove_id", "plan", "active", "imports"]
    list_filter = ["plan", "active"]
    search_fields = ["name", "caredove_id"]
    fields = ["caredove_id", "name", "plan", "time_zone", "language", "active", "importing"]
    readonly_fields = ["importing"]
    inlines = [ServiceListingInline]

    @admin.display(description=_("importing"))
    def importing(self, organization: Organization) -> str:
        return importing(organization)

    @admin.display(description=_("imports"), boolean=True)
    def imports(self, organization: Organization) -> bool:
        return organization.may_import()

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        shown = {"may_import_configuration": may_transfer(request.user)}
        response: HttpResponse = super().changelist_view(request, (extra_context or {}) | shown)
        return response

    def tools(self, request: HttpRequest, obj: Organization) -> list[Tool]:
        tools = [
            Tool(gettext("Onboarding"), reverse("admin:onboarding", args=[obj.pk])),
            Tool(
                gettext("Configuration history"),
                reverse("admin:configuration_history", args=[obj.pk]),
            ),
        ]
        if request.user.has_perm("integrations.add_servicelisting"):
            tools.append(Tool(gettext("Import listings"), import_url(obj)))
        return tools

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not obj.may_import():
            self.message_user(
                request,
                gettext("Importing: {importing}").format(importing=importing(obj)),
                messages.WARNING,
            )


class TriggerConfigInline(admin.TabularInline):  # type: ignore[type-arg]
    """Where the referrals of a listing go; changed on its own page."""

    model = TriggerConfig
    fields = ["destination", "labels", "mapping", "enabled"]
    readonly_fields = ["destination", "labels", "mapping", "enabled"]
    show_change_link = True
    verbose_name_plural = _("goes to")

    @admin.display(description=_("triggers"))
    def labels(self, config: TriggerConfig) -> str:
        return config.labels()

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("destination", "mapping", "listing")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class CategoryFilter(admin.AllValuesFieldListFilter):
    """Offers the categories that there are, but no empty one."""

    def choices(self, changelist: Any) -> Any:
        return [choice for choice in super().choices(changelist) if choice["display"]]


@admin.register(ServiceListing)
class ServiceListingAdmin(ListingImport):
    organization_path = "organization"
    list_display = ["name", "goes_to", "organization", "caredove_id", "category", "active"]
    list_filter = ["active", ("category", CategoryFilter), "organization"]
    list_select_related = ["organization"]
    search_fields = ["name", "caredove_id", "organization__name"]
    fields = ["organization", "caredove_id", "name", "category", "active"]
    autocomplete_fields = ["organization"]

    def get_queryset(self, request: HttpRequest) -> Any:
        listings = super().get_queryset(request)
        return listings.prefetch_related("trigger_configs__destination")

    @admin.display(description=_("goes to"))
    def goes_to(self, listing: ServiceListing) -> str:
        url = reverse("admin:connect_listing", args=[listing.pk])
        configs = listing.trigger_configs.all()
        if not configs:
            return format_html('<a href="{}">Connect</a>', url)
        return format_html_join(
            ", ",
            '<a href="{}?destination={}">{}</a>{}',
            (
                (url, config.destination_id, config.destination, "" if config.enabled else " (off)")
                for config in configs
            ),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # Its destinations and its referrals are those of its organization.
        return ["organization"] if obj else []

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return [TriggerConfigInline] if obj else []

    def tools(self, request: HttpRequest, obj: ServiceListing) -> list[Tool]:
        history = reverse("admin:configuration_history", args=[obj.organization_id])
        tools = [Tool(gettext("Configuration history"), history)]
        if request.user.has_perm("integrations.add_triggerconfig"):
            tools.insert(
                0, Tool(gettext("Connect"), reverse("admin:connect_listing", args=[obj.pk]))
            )
        return tools
