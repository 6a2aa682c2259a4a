"""Where the guide says more about a page: by the name of its URL, the chapter and the section."""

from fnmatch import fnmatchcase

# The first row that fits a name decides. A section is its heading's, as GitHub names it.
SECTIONS: tuple[tuple[str, str, str], ...] = (
    ("index", "support", "in-the-morning"),
    ("find", "start", "on-every-page"),
    ("settings", "start", "your-settings"),
    ("guide*", "start", ""),
    ("why*", "support", "one-referral-why-is-it-not-in-crms"),
    ("referrals_delivery_clear_errors", "support", "clear-errors"),
    ("referrals_delivery_dismiss", "support", "dismiss"),
    ("referrals_delivery_changelist", "support", "the-work-list"),
    ("referrals_delivery_*", "support", "whose-turn-it-is-and-what-to-press"),
    ("referrals_bulkretry_*", "support", "send-several-again"),
    ("referrals_inboundevent_*", "support", "events"),
    ("referrals_run_*", "support", "runs"),
    ("referrals_destinationjob_*", "support", "runs"),
    ("referrals_sent_to", "support", "runs"),
    ("referrals_start_job", "support", "runs"),
    ("referrals_referral_send*", "support", "send-by-secure-e-mail"),
    ("referrals_referral_download*", "support", "download-a-referral"),
    ("referrals_referral_changelist", "support", "one-referral-why-is-it-not-in-crms"),
    ("referrals_referral_*", "support", "the-page-of-a-referral"),
    ("referrals_retentionperiod_*", "administrators", "retention"),
    ("workplace_alertrecipient_*", "liaisons", "who-receives-alerts"),
    ("workplace_alertsettings_*", "administrators", "alert-settings"),
    ("workplace_alert_*", "support", "when-an-alert-comes"),
    ("integrations_servicelisting_import", "liaisons", "bring-in-your-listings"),
    ("integrations_servicelisting_export", "liaisons", "bring-in-your-listings"),
    ("integrations_servicelisting_*history", "liaisons", "see-what-was-changed-and-undo-it"),
    ("integrations_triggerconfig_*history", "liaisons", "see-what-was-changed-and-undo-it"),
    ("integrations_servicelisting_*", "liaisons", "connect-a-listing"),
    ("integrations_triggerconfig_*", "liaisons", "connect-a-listing"),
    ("connect_*", "liaisons", "connect-a-listing"),
    ("onboarding*", "liaisons", "start-a-new-organization"),
    ("configuration_history", "liaisons", "see-what-was-changed-and-undo-it"),
    ("configuration_*", "liaisons", "taking-a-configuration-elsewhere"),
    ("mapping_tests", "mappings", "test-cases"),
    ("mapping_remove_test", "mappings", "test-cases"),
    ("mapping_preview*", "mappings", "try-it"),
    ("mapping_paste", "mappings", "value-tables"),
    ("mapping_put_back", "mappings", "save-compare-go-back"),
    ("mapping_mapping_history", "mappings", "save-compare-go-back"),
    ("mapping_mapping_change", "mappings", "read-the-page"),
    ("mapping_*", "mappings", "start-with-a-copy"),
    ("integrations_destination_*", "administrators", "destinations"),
    ("integrations_source_*", "administrators", "sources"),
    ("integrations_organization_*", "administrators", "organizations"),
    ("auth_*", "administrators", "people-and-roles"),
    ("password_change*", "start", "your-settings"),
    ("access_apitoken_*", "administrators", "api-tokens"),
    ("core_auditevent_*", "administrators", "audit"),
    ("directory_*_confidential", "directory", "confidential-entries"),
    ("directory_*_history", "directory", "history"),
    ("directory_corrections", "directory", "corrections"),
    ("directory_undecided", "directory", "decisions"),
    ("directory_quality*", "directory", "quality"),
    ("directory_data_partner*", "directory", "data-partners"),
    ("directory_*agreement", "directory", "data-partners"),
    ("directory_duplicate*", "directory", "duplicates"),
    ("directory_supplier*", "directory", "suppliers"),
    ("directory_file*", "directory", "files"),
    ("directory_download", "directory", "files"),
    ("directory_*", "directory", "services-agencies-and-locations"),
)
ANY_PAGE = ("start", "on-every-page")


def section_of(name: str) -> tuple[str, str]:
    """Return the chapter and the section about the page with this URL name."""
    for pattern, chapter, section in SECTIONS:
        if fnmatchcase(name, pattern):
            return chapter, section
    return ANY_PAGE
