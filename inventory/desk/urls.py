"""Below /desk: bins, put-backs, missing goods and master data files."""

from django.urls import path

from inventory.desk import bins, imports, loose

urlpatterns = [
    path("bins", bins.bins, name="bins"),
    path("bins/generate", bins.generate, name="bin_generate"),
    path("bins/<int:bin_id>", bins.bin, name="bin"),
    path("bins/<int:bin_id>/count", bins.count, name="bin_count"),
    path("put-backs", loose.put_backs, name="put_backs"),
    path("put-backs/<int:task_id>/done", loose.done, name="put_back_done"),
    path("missing", loose.missing, name="missing"),
    path("missing/<int:balance_id>/write-off", loose.write_off, name="missing_write_off"),
    path("imports", imports.imports, name="imports"),
    path("imports/<slug:kind>", imports.form_or_upload, name="import"),
]
