import os

from django.core.wsgi import get_wsgi_application

from wms import garbage

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wms.settings")
application = get_wsgi_application()
garbage.settle()
