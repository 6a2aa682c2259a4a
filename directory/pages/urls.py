"""The paths of the public pages."""

from django.urls import path

from directory.pages import views, widget

urlpatterns = [
    path("directory/verify/<str:token>", views.VerifyPage.as_view(), name="directory-verify"),
    path("directory/", views.SearchPage.as_view(), name="directory-search"),
    path("directory/embed", widget.EmbedPage.as_view(), name="directory-embed"),
    path("directory/widget.js", widget.WidgetScript.as_view(), name="directory-widget"),
    path("directory/services/<str:hsds_id>", views.ServicePage.as_view(), name="directory-service"),
    path(
        "directory/services/<str:hsds_id>/correct",
        views.CorrectPage.as_view(),
        name="directory-correct",
    ),
]
