"""Pick list and manifest: papers of as many pages as it takes."""

from dataclasses import replace

import pytest

from labels.kinds import KINDS
from labels.templates import manifest, pick_list
from tests.labels.on_the_page import page_texts


@pytest.mark.parametrize("media", ["A4", "Letter"])
@pytest.mark.parametrize("count", [0, 1, 19, 24, 25, 26, 27, 28, 60, 250])
def test_a_pick_list_has_every_stop_once_and_in_order(media: str, count: int) -> None:
    stops = tuple(pick_list.Stop(bin=f"Z{n:05d}", sku=f"S{n}", quantity=1) for n in range(count))
    texts = page_texts(replace(KINDS["pick_list"].sample_on(media), stops=stops))
    assert [word for text in texts for word in text.split() if word.startswith("Z0")] == [stop.bin for stop in stops]
    assert f"{count} stops, {count} units" in texts[-1]
    assert [f"Page {n} of {len(texts)}" in text for n, text in enumerate(texts, start=1)] == [True] * len(texts)
    if count:
        assert all("Z0" in text for text in texts), "no page without a stop"


@pytest.mark.parametrize("media", ["A4", "Letter"])
@pytest.mark.parametrize("count", [1, 22, 27, 28, 29, 33, 34, 300])
def test_a_manifest_has_every_parcel_once_and_one_place_to_sign(media: str, count: int) -> None:
    parcels = tuple(
        manifest.ManifestParcel(tracking_number=f"WMX{n:05d}", order_reference="O", merchant="M", place="P", weight_g=100)
        for n in range(count)
    )
    texts = page_texts(replace(KINDS["manifest"].sample_on(media), parcels=parcels))
    assert [word for text in texts for word in text.split() if word.startswith("WMX")] == [one.tracking_number for one in parcels]
    assert f"{count} parcels, {count / 10:.2f} kg" in texts[-1]
    assert ["Signature" in text for text in texts] == [False] * (len(texts) - 1) + [True]
    assert all("WMX" in text for text in texts), "no page without a parcel"
