from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CoreConfig(AppConfig):
    name = "wms.core"
    label = "core"
    verbose_name = _("People and merchants")
    default_auto_field = "django.db.models.BigAutoField"
