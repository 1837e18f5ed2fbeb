"""Who may open an edge: declared on the view, checked before anything else happens."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from wms.core.models import User

View = Callable[..., HttpResponse]


def works_here(user: object) -> bool:
    """Whether somebody is of the warehouse's own people: not a merchant's."""
    return isinstance(user, User) and user.is_active and user.merchant_id is None and (user.is_floor or user.is_staff)


def requires(permission: str = "") -> Callable[[View], View]:
    """A page for the warehouse's own people who hold `permission`: others are sent to sign in, or refused with 403."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            user = request.user
            if not user.is_authenticated:
                return redirect_to_login(request.get_full_path() if request.method == "GET" else request.path)
            if not works_here(user) or (permission and not user.has_perm(permission)):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate
