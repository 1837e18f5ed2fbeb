"""What a merchant's papers carry: its logo and its own text."""

from __future__ import annotations

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from labels import letterheads
from wms.core import desk
from wms.core.errors import NotFound
from wms.core.models import Letterhead
from wms.desk import merchants

PNG_START = b"\x89PNG"


@desk.action(shows=merchants.merchant, permission="core.change_letterhead")
def keep(request: HttpRequest, merchant_id: int) -> HttpResponse:
    """Fields: text, logo (a PNG or JPEG file, blank leaves the old one), without_logo."""
    found = merchants.find(merchant_id)
    file = request.FILES.get("logo")
    logo: bytes | None = None
    if request.POST.get("without_logo"):
        logo = b""
    elif isinstance(file, UploadedFile):
        # One byte more than allowed is enough to see that it is too much.
        logo = file.read(letterheads.LOGO_BYTES_MAX + 1)
    letterheads.keep(merchant_id=found.pk, text=request.POST.get("text", ""), logo=logo, by=desk.actor(request))
    return desk.done(request, _("The letterhead is kept."), "desk:merchant", merchant_id=found.pk)


@desk.page
def logo(request: HttpRequest, merchant_id: int) -> HttpResponse:
    found = letterheads.letterhead_of(merchants.find(merchant_id).pk)
    if not found.logo:
        raise NotFound(what=str(Letterhead._meta.get_field("logo").verbose_name), key=merchant_id)
    kind = "image/png" if found.logo.startswith(PNG_START) else "image/jpeg"
    return HttpResponse(found.logo, content_type=kind, headers={"X-Content-Type-Options": "nosniff"})
