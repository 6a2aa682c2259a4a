"""The paths of the public pages."""

from django.urls import path

from directory.pages import views

urlpatterns = [
    path("directory/", views.SearchPage.as_view(), name="directory-search"),
    path("directory/services/<str:hsds_id>", views.ServicePage.as_view(), name="directory-service"),
]
