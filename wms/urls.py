from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from wms.api import api
from wms.core import views

handler400 = "wms.core.api.gate.bad_request"
handler500 = "wms.core.views.failed"
urlpatterns = [
    # One way in for all, which counts failed attempts.
    path("admin/login/", RedirectView.as_view(pattern_name="sign_in", query_string=True)),
    path("admin/", admin.site.urls),
    path("", include("marketplaces.urls")),
    path("", include("wms.desk.urls")),
    path("api/v1/", api.urls),
    path("api/print-agent/v1/", include("labels.urls")),
    path("", views.home, name="home"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("sign-in", views.sign_in, name="sign_in"),
    path("sign-out", views.sign_out, name="sign_out"),
    path("i18n/language", views.set_language, name="set_language"),
    path("", include("wms.floor")),
]
