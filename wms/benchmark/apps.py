from django.apps import AppConfig


class BenchmarkConfig(AppConfig):
    name = "wms.benchmark"
    label = "benchmark"
