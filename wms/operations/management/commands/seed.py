"""`wms seed`: the demo warehouse DEMO."""

from typing import Any

from django.core.management.base import BaseCommand

from wms.operations import demo


class Command(BaseCommand):
    help = "Make the demo warehouse DEMO where it is missing; prints its sign-ins."

    def handle(self, *args: Any, **options: Any) -> None:
        demo.seed()
        self.stdout.write(demo.DEMO_SIGN_INS)
