"""The way in and out, the handheld's menu, and the language."""

from django.conf import settings
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.i18n import set_language as django_set_language

from wms.core import signing_in
from wms.core.errors import WmsError
from wms.core.floor.scenario import WAREHOUSE
from wms.core.models import User
from wms.core.permissions import requires, works_here

# Name, permission and label of what a handheld can do.
MENU = (
    ("receive", "inbound.receive_asn", _("Receive")),
    ("put-away", "inbound.receive_asn", _("Put away")),
    ("pick", "outbound.pick_order", _("Pick")),
    ("pack", "outbound.pack_order", _("Pack")),
    ("ship", "outbound.pack_order", _("Ship")),
    ("look-up", "inventory.view_stockbalance", _("Look up")),
    ("move", "inbound.receive_asn", _("Move")),
    ("count", "inbound.receive_asn", _("Count")),
)


@sensitive_post_parameters("password", "pin")
@never_cache
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """`username` + `password`, or `badge` + `pin`; `next` is where to go on. A refusal is the page again with the refusal's status."""
    error: WmsError | None = None
    going_on = request.POST.get("next") or request.GET.get("next", "")
    if request.method == "POST":
        sent = request.POST
        try:
            if "badge" in sent:
                user = signing_in.with_badge(request, badge=sent["badge"].strip(), pin=sent.get("pin", ""))
            else:
                user = signing_in.with_password(request, username=sent.get("username", "").strip(), password=sent.get("password", ""))
        except WmsError as refused:
            error = refused
        else:
            login(request, user, backend=signing_in.BACKEND)
            return _speaking(redirect(_safe(request, going_on) or "home"), user.language)
    page = {"error": error, "next": going_on, "by_badge": "badge" in request.POST or "badge" in request.GET}
    return render(request, "core/sign_in.html", page, status=error.status if error else 200)


def _safe(request: HttpRequest, url: str) -> str:
    return url if url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure()) else ""


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("sign_in")


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Everybody to where they work. Whoever works neither at the desk nor on the floor, such as a merchant's people, finds the API here."""
    user = request.user
    if not isinstance(user, User):
        return redirect("sign_in")
    if not works_here(user):
        return render(request, "core/home.html")
    if user.is_staff:
        try:
            return redirect("desk:board")
        except NoReverseMatch:
            return redirect("floor:menu")
    return redirect("floor:menu")


def failed(request: HttpRequest) -> HttpResponse:
    """The page of what nobody expected. Neither session nor person is asked for: they may be what failed."""
    return HttpResponse(render_to_string("500.html", {"request": request}), status=500)


@cache_control(max_age=24 * 3600, public=True)
@require_GET
def favicon(_request: HttpRequest) -> HttpResponse:
    """Where browsers look for the icon of what has no page around it: PDFs, the API, the administration."""
    return redirect(static("core/icon.svg"))


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Django's own, which also tells the user's record, so that the next handheld speaks it too."""
    language = request.POST.get("language", "")
    if isinstance(request.user, User) and language in dict(settings.LANGUAGES):
        User.objects.filter(pk=request.user.pk).update(language=language)
    return django_set_language(request)


def _speaking(response: HttpResponseRedirect, language: str) -> HttpResponse:
    if language:
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, max_age=365 * 24 * 3600, samesite="Lax")
    return response


@never_cache
@require_GET
@requires()
def menu(request: HttpRequest) -> HttpResponse:
    if WAREHOUSE not in request.session:
        return redirect(f"{reverse('floor:warehouse')}?next={request.path}")
    held = request.user.get_all_permissions()
    entries = [(f"/floor/{name}", label) for name, permission, label in MENU if permission in held]
    return render(request, "core/floor/menu.html", {"entries": entries, "languages": settings.LANGUAGES})
