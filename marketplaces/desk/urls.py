"""Below /desk: channels."""

from django.urls import path

from marketplaces.desk import addresses, buyers, channels, connecting, disconnecting, drift, matching, oversold, places

urlpatterns = [
    path("buyers", buyers.buyers, name="buyers"),
    path("buyers/erase", buyers.erase, name="buyers_erase"),
    path("buyers/requests/<int:key>/answered", buyers.answered, name="buyers_answered"),
    path("oversold", oversold.oversold, name="oversold"),
    path("orders/<int:order_id>/oversold", oversold.order_oversold, name="order_oversold"),
    path("channels", channels.channels, name="channels"),
    path("channels/connect", connecting.form_or_connect, name="channel_connect"),
    path("channels/<int:channel_id>", channels.channel, name="channel"),
    path("channels/<int:channel_id>/drift", drift.page, name="channel_drift"),
    *(path(f"channels/<int:channel_id>/drift/{does}", drift.act, {"does": does}, name=f"channel_drift_{does}") for does in drift.ACTIONS),
    path("channels/<int:channel_id>/compare", channels.compare, name="channel_compare"),
    path("channels/<int:channel_id>/places", places.page, name="channel_places"),
    path("channels/<int:channel_id>/places/set", places.act, name="channel_places_set"),
    path("channels/<int:channel_id>/orders/<int:key>/address", addresses.page, name="channel_address"),
    path("channels/<int:channel_id>/orders/<int:key>/address/set", addresses.act, name="channel_address_set"),
    path("channels/<int:channel_id>/keys", connecting.change_keys, name="channel_keys"),
    path("channels/<int:channel_id>/disconnect", disconnecting.form_or_disconnect, name="channel_disconnect"),
    path("channels/<int:channel_id>/try", connecting.try_out, name="channel_try"),
    path("channels/<int:channel_id>/match", matching.page, name="channel_match"),
    path("channels/<int:channel_id>/match.csv", matching.export, name="channel_match_file"),
    path("channels/<int:channel_id>/match/tie", matching.tie, name="channel_match_tie"),
    path("channels/<int:channel_id>/match/certain", matching.tie_certain, name="channel_match_certain"),
    path("channels/<int:channel_id>/match/upload", matching.upload, name="channel_match_upload"),
    path("channels/<int:channel_id>/nothing", matching.nothing, name="channel_nothing"),
    path("channels/<int:channel_id>/nothing/take-back", matching.take_back, name="channel_nothing_take_back"),
    path("channels/<int:channel_id>/tie", channels.tie, name="channel_tie"),
    *(path(f"channels/<int:channel_id>/{does}", channels.act, {"does": does}, name=f"channel_{does}") for does in channels.ACTIONS),
]
