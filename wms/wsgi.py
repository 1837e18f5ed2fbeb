import os

from django.core.wsgi import get_wsgi_application
from django.template import engines
from django.urls import reverse

from wms import garbage

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wms.settings")
application = get_wsgi_application()
# All pages and operations, which a look-up loads: each child of the web server would have them for itself with its first request.
engines.all()
reverse("home")
garbage.settle()
