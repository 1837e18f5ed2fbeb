"""What an outbox event is about, in words for people."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# By topic, as settings.OUTBOX_ROUTES has them.
WORDS: dict[str, Promise] = {
    "stock.changed": _("Stock has changed: shops get their new numbers"),
    "sku.entered": _("A sku was entered: orders that wait for it are taken in"),
    "stock.arrived": _("Goods have arrived: short orders get them"),
    "stock.lost": _("Goods are gone: orders that counted on them are short"),
    "pick.short": _("A picker found too little: other bins are looked for"),
    "order.shipped": _("Orders have left: their shops are to hear of it"),
    "order.cancelled": _("Orders were cancelled here: their shops are to hear of it"),
    "parts.forgotten": _("Orders that were begun and given up are looked for"),
    "order.held": _("Orders wait for a decision: pickers leave them"),
    "ship_by.moved": _("A shop has moved a ship-by: the order follows"),
    "buyer.deleted": _("Buyers are to be forgotten"),
    "parcel.packed": _("A parcel is packed: its label is printed"),
    "goods.received": _("Goods were received: their labels are printed"),
    "channel.gone": _("A shop was disconnected: it is asked to send no more messages"),
    "labels.wanted": _("A set of labels is made"),
    "order.told": _("Orders have changed: webhooks tell their merchant"),
    "stock.told": _("Stock has changed: webhooks tell its merchant"),
    "asn.received": _("An ASN is counted: webhooks tell its merchant"),
    "channel.stale": _("A shop gets new numbers"),
    "channel.shown": _("A shop shows another number than ours: it gets ours"),
    "channel.left": _("A place that a channel has left is told 0"),
    "channel.submitted": _("Numbers that a shop still works on are asked after"),
    "channel.heard": _("Orders of a shop are taken in"),
    "channel.offered": _("Listings that a shop has sent are read"),
    "channel.queued": _("A shop's messages are fetched from its queue"),
    "channel.lapsed": _("A shop is asked again to push its changes"),
    "channel.aged": _("A shop is asked whether its open orders are still what it said"),
    "parcel.left": _("Parcels have left: their shop gets the tracking numbers"),
    "order.withdrawn": _("A shop is told of orders that were cancelled here"),
    "webhook.due": _("A webhook message is sent to a merchant"),
    "webhook.replay": _("A merchant's webhook messages are sent again"),
}
