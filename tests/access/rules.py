"""Who may open which view of the admin: the whole table, and what it means for an answer.

The first row that fits a view's name decides. A permission opens it to whoever has it;
`{app}` and `{model}` are those of the view's model.
"""

from fnmatch import fnmatchcase
from typing import Any

from access.roles import ROLES
from tests.addresses import View

ANYBODY, NOBODY = "anybody", "nobody"  # of those who have signed in
DEEDS = (
    "take",
    "assign",
    "snooze",
    "wake",
    "undo",
    "retry",
    "dismiss",
    "clear_errors",
    "it_is_there",
    "it_is_not_there",
)
READ_ONLY = (
    "inboundevent",
    "delivery",
    "referral",
    "bulkretry",
    "run",
    "destinationjob",
    "alert",
    "auditevent",
)
SEE_ALL = "access.see_all_organizations"

RULES: tuple[tuple[str, str], ...] = (
    *((f"*_{model}_{verb}", NOBODY) for model in READ_ONLY for verb in ("add", "delete")),
    ("index", ANYBODY),
    ("find", ANYBODY),
    ("guide*", ANYBODY),
    ("settings", ANYBODY),
    ("jsi18n", ANYBODY),
    ("password_change*", ANYBODY),
    ("logout", ANYBODY),
    ("view_on_site", NOBODY),  # no row of ours has a page outside the admin
    ("app_list", "integrations.view_organization"),  # of the app that has it
    ("auth_user_password_change", "auth.change_user"),
    ("auth_user_reset_second_factor", "auth.change_user"),
    ("auth_user_unlink", "auth.change_user"),
    ("configuration_history", "integrations.view_organization"),
    ("configuration_*", SEE_ALL),
    ("directory_*", NOBODY),  # the planted portal has no directory
    ("connect_listing", "integrations.view_triggerconfig"),
    ("connect_others", "integrations.change_triggerconfig"),
    ("onboarding", "integrations.view_organization"),
    ("onboarding_credentials", "integrations.add_sourcecredential"),
    ("onboarding_*", "integrations.change_triggerconfig"),
    ("mapping_preview_keep", "mapping.change_mapping"),
    ("mapping_preview*", "mapping.view_mapping"),
    ("mapping_put_back", "mapping.change_mapping"),
    ("mapping_paste", "mapping.change_mapping"),
    ("mapping_tests", "mapping.view_mapping"),
    ("mapping_remove_test", "mapping.change_mapping"),
    ("why*", "integrations.view_servicelisting"),  # liaisons are told, without the person
    ("*_inboundevent_body", "referrals.read_body"),
    ("*_inboundevent_account", "referrals.read_body"),
    ("*_delivery_answer", "referrals.view_delivery"),
    *((f"*_delivery_{deed}", "referrals.decide_delivery") for deed in DEEDS),
    ("referrals_sent_to", "referrals.view_referral"),
    ("*_delivery_replay", "referrals.decide_delivery"),
    ("*_delivery_save_view", "referrals.view_delivery"),
    ("*_delivery_delete_view", "referrals.view_delivery"),
    ("*_delivery_export", "referrals.view_delivery"),
    ("*_referral_note", "referrals.decide_delivery"),
    ("*_referral_hold", "referrals.place_legal_hold"),
    ("*_referral_release", "referrals.place_legal_hold"),
    ("*_referral_send*", "referrals.send_referral"),
    ("*_bulkretry_progress", "referrals.view_bulkretry"),
    ("*_bulkretry_search", "referrals.view_bulkretry"),
    ("*_bulkretry_changelist", "referrals.view_bulkretry"),
    ("*_bulkretry_change", "referrals.view_bulkretry"),
    ("*_bulkretry_history", "referrals.view_bulkretry"),
    ("*_bulkretry_*", "referrals.decide_delivery"),
    ("referrals_start_job", "referrals.decide_delivery"),
    ("*_run_repeat", "referrals.decide_delivery"),
    ("*_destination_confirm", "integrations.change_destination"),
    ("*_destination_test", "integrations.change_destination"),
    ("*_source_add_credential", "integrations.add_sourcecredential"),
    ("*_servicelisting_import", "integrations.add_servicelisting"),
    ("*_servicelisting_export", "integrations.view_servicelisting"),
    ("*_alertrecipient_test", "workplace.change_alertrecipient"),
    ("*_alertrecipient_secret", "workplace.connect_webhook"),
    ("*_changelist", "{app}.view_{model}"),
    ("*_add", "{app}.add_{model}"),
    ("*_delete", "{app}.delete_{model}"),
    ("*_simple_history", "{app}.view_{model}"),
    ("*", "{app}.view_{model}"),
)


def needed(view: View) -> str:
    """Return the permission that a view needs, ANYBODY or NOBODY."""
    rule = next(needs for name, needs in RULES if fnmatchcase(view.name, name))
    model = view.admin.model._meta if view.admin else None
    return rule.format(
        app=model.app_label if model else "?", model=model.model_name if model else "?"
    )


def may(role: str, view: View) -> bool:
    """Return whether a person of this role may open the view, of their own organization."""
    rule = needed(view)
    if rule in (ANYBODY, NOBODY):
        return rule == ANYBODY
    held = ROLES.get(role.title(), ())
    return rule in held and (not _is_for_those_who_see_all(view.admin) or SEE_ALL in held)


def _is_for_those_who_see_all(model_admin: Any) -> bool:
    """Rows without an organization are shown to those alone who see all of them."""
    return model_admin is not None and not getattr(model_admin, "organization_path", None)


def opened(*responses: Any) -> bool:
    """Return whether one of the answers, to GET and POST, was no refusal."""
    return not all(refused(response) for response in responses)


def refused(response: Any) -> bool:
    """Not allowed, not there, or, as Django's admin says that, back to the first page."""
    home = response.status_code == 302 and response["Location"].partition("?")[0] == "/admin/"
    return home or response.status_code in (403, 404, 405)


def asks_to_sign_in(response: Any) -> bool:
    return response.status_code == 302 and "/login/" in response["Location"]
