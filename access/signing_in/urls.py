"""What we use of django-allauth: no signing up, and no e-mail addresses of people's own."""

from allauth.account import views
from django.conf import settings
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from access import language
from access.signing_in import provider

urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("language/", language.choose, name="account_language"),
    path("logout/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("signup/", RedirectView.as_view(pattern_name="account_login"), name="account_signup"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", views.password_change, name="account_change_password"),
    path("password/set/", views.password_set, name="account_set_password"),
    path("second-factor/", include("allauth.mfa.urls")),
    path(
        "provider/login/",
        provider.sign_in,
        {"provider_id": provider.PROVIDER},
        name="openid_connect_login",
    ),
    path(
        "provider/callback/",
        provider.callback,
        {"provider_id": provider.PROVIDER},
        name="openid_connect_callback",
    ),
    path("provider/link/", provider.link, name="link_to_provider"),
]

if settings.EMAIL_READY:
    urlpatterns += [
        path("password/reset/", views.password_reset, name="account_reset_password"),
        path("password/reset/done/", views.password_reset_done, name="account_reset_password_done"),
        re_path(
            r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
            views.password_reset_from_key,
            name="account_reset_password_from_key",
        ),
        path(
            "password/reset/key/done/",
            views.password_reset_from_key_done,
            name="account_reset_password_from_key_done",
        ),
    ]
