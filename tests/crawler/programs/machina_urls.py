"""Addresses of a small django-machina forum."""

from django.contrib.auth import views
from django.urls import include, path
from machina import urls

urlpatterns = [
    path("accounts/login/", views.LoginView.as_view(), name="login"),
    path("", include(urls)),
]
