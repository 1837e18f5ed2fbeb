from django.contrib import admin
from django.urls import include, path

from wms.api import api
from wms.core import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("marketplaces.urls")),
    path("", include("wms.desk.urls")),
    path("api/v1/", api.urls),
    path("", views.home, name="home"),
    path("sign-in", views.sign_in, name="sign_in"),
    path("sign-out", views.sign_out, name="sign_out"),
    path("i18n/language", views.set_language, name="set_language"),
    path("", include("wms.floor")),
]
