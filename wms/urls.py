from django.contrib import admin
from django.urls import include, path

from wms.api import api

urlpatterns = [path("admin/", admin.site.urls), path("", include("marketplaces.urls")), path("", include("wms.desk.urls")), path("api/v1/", api.urls)]
