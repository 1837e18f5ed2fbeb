"""Keys hold scopes in place of rights, and may have an end."""

from django.db import migrations, models

# As wms.core.scopes says today.
SCOPES = {
    "orders:read": ("outbound.view_order", "outbound.view_parcel"),
    "orders:write": ("outbound.accept_order", "outbound.cancel_order"),
    "asns:read": ("inbound.view_asn",),
    "asns:write": ("inbound.announce_asn",),
    "skus:read": ("inventory.view_sku", "inventory.view_barcode"),
    "skus:write": ("inventory.add_sku", "inventory.change_sku"),
    "stock:read": ("inventory.view_availability", "inventory.view_stockbalance", "inventory.view_warehouse"),
}


def to_scopes(apps, schema_editor):
    for key in apps.get_model("core", "ApiKey").objects.all():
        key.scopes = [scope for scope, rights in SCOPES.items() if set(rights) <= set(key.scopes)]
        key.save(update_fields=["scopes"])


def to_rights(apps, schema_editor):
    for key in apps.get_model("core", "ApiKey").objects.all():
        key.scopes = [right for scope in key.scopes for right in SCOPES.get(scope, ())]
        key.save(update_fields=["scopes"])


class Migration(migrations.Migration):
    dependencies = [("core", "0002_letterheads_and_files")]

    operations = [
        migrations.AddField("apikey", "expires_at", models.DateTimeField(null=True, verbose_name="works until")),
        migrations.AlterField("apikey", "scopes", models.JSONField(default=list, verbose_name="scopes")),
        migrations.RunPython(to_scopes, to_rights),
    ]
