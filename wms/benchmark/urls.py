"""The real routes, and the floor of POSTed orders: endpoints of the same framework that parse the same body and do one durable INSERT."""

from django.db import connection, transaction
from django.http import HttpRequest
from django.urls import path
from ninja import NinjaAPI

from outbound.api.shapes import OrderIn
from wms.urls import urlpatterns as product

floor = NinjaAPI(title="Floor", urls_namespace="benchmark", docs_url=None, openapi_url=None)


@floor.post("/orders", auth=None)
def insert(request: HttpRequest, payload: OrderIn) -> dict[str, int]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO benchmark_order (reference, body) VALUES (%s, %s) RETURNING id", [payload.reference, payload.model_dump_json()]
        )
        return {"id": cursor.fetchone()[0]}


@floor.post("/orders/bulk", auth=None)
def insert_all(request: HttpRequest, payload: list[OrderIn]) -> dict[str, list[int]]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO benchmark_order (reference, body) SELECT * FROM unnest(%s::text[], %s::jsonb[]) RETURNING id",
            [[order.reference for order in payload], [order.model_dump_json() for order in payload]],
        )
        return {"ids": [key for (key,) in cursor.fetchall()]}


urlpatterns = [path("api/benchmark/", floor.urls), *product]
