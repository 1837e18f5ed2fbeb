"""Many offers are tied at once, by people: to what is certain, to what they wrote or ticked, or by a file."""

from __future__ import annotations

import csv
import io
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from inventory.models import Sku
from marketplaces import channels, matching, suggestions
from marketplaces.models import Channel, Listing
from tests import make
from tests.marketplaces.test_suggestions import offer
from tests.marketplaces.test_unknown_goods import connect, send, statuses, work
from wms.core.errors import InvalidInput
from wms.core.models import OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def thing() -> Sku:
    return make.sku(make.merchant(), "MUG-1")


@pytest.fixture
def bowl(thing: Sku) -> Sku:
    return make.sku(thing.merchant, "BOWL-1")


@pytest.fixture
def channel(thing: Sku, bowl: Sku) -> Channel:
    """Two offers are certain, one nobody knows."""
    made = connect(thing, "OWN")
    offer(made, ("77", "mug 1", "A mug", ""), ("78", "bowl 1", "Bowl", ""), ("79", "WHO", "=1+1", ""))
    return made


def shown(channel: Channel) -> str:
    return suggestions.digest(matching.certain(suggestions.of(channel, suggestions.untied(channel))))


def tied() -> dict[str, str | None]:
    return dict(Listing.objects.order_by("external_id").values_list("external_id", "sku__code"))


NOTHING = {"77": None, "78": None, "79": None}


def test_all_that_is_certain_is_tied_at_once_and_what_waited_is_taken_in(channel):
    send(channel, "1", {"listing_id": "77", "quantity": 1}, {"listing_id": "900", "sku": "bowl1", "quantity": 1})
    assert statuses(channel) == {"1": "unmapped"}
    channel.listings.filter(external_id="78").delete()
    OutboxEvent.objects.all().delete()
    assert matching.accept_certain(channel=channel, digest=shown(channel)) == 2
    assert tied() == {"77": "MUG-1", "79": None, "900": "BOWL-1"}
    told = OutboxEvent.objects.get(handler__startswith="marketplaces.stock_sync.push_stale")
    assert len(told.payload["listing_ids"]) == 2
    work(channel)
    assert statuses(channel) == {"1": "imported"}


def test_what_was_not_shown_is_not_tied(channel, thing):
    digest = shown(channel)
    offer(channel, ("80", "M.U.G.1", "", ""))
    with pytest.raises(matching.SuggestionsChanged):
        matching.accept_certain(channel=channel, digest=digest)
    assert tied() == {**NOTHING, "80": None}


def test_who_ties_one_of_them_meanwhile_is_heeded(channel, bowl):
    """He has it in hand while all are accepted."""
    digest = shown(channel)

    def accept() -> object:
        try:
            return matching.accept_certain(channel=Channel.objects.get(), digest=digest)
        except matching.SuggestionsChanged as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor() as pool, transaction.atomic():
        channels.tie(listing=Listing.objects.get(external_id="77"), sku=bowl)
        answer = pool.submit(accept)
        wait([answer], timeout=1)
    assert isinstance(answer.result(), matching.SuggestionsChanged)
    assert tied() == {**NOTHING, "77": "BOWL-1"}


def test_what_people_wrote_is_tied_all_or_none(channel, thing, bowl):
    make.bundle(thing.merchant, {thing: 2}, "PAIR")
    stranger = make.sku(make.merchant(), "THEIRS")
    channels.tie(listing=Listing.objects.get(external_id="78"), sku=bowl)
    wrong = {"77": "MUG-1", "78": "MUG-1", "79": stranger.code, "900": "MUG-1"}
    with pytest.raises(InvalidInput) as refusal:
        matching.tie_many(channel=channel, codes=wrong)
    assert refusal.value.details["problems"] == [
        {"path": ["listing", "78"], "message": "bowl 1 is tied to BOWL-1 already: untie it first."},
        {"path": ["sku", "79"], "message": f"{thing.merchant.code} has no sku or bundle THEIRS."},
        {"path": ["listing", "900"], "message": "The shop has no listing 900."},
    ]
    assert tied() == {**NOTHING, "78": "BOWL-1"}
    assert matching.tie_many(channel=channel, codes={"77": "MUG-1", "78": "BOWL-1", "79": "PAIR"}) == 2
    assert tied()["77"] == "MUG-1"
    assert Listing.objects.get(external_id="79").bundle.code == "PAIR"


def test_what_a_person_untied_can_be_tied_again(channel, bowl):
    listing = Listing.objects.get(external_id="78")
    channels.tie(listing=listing, sku=bowl)
    channels.tie(listing=listing)
    assert matching.tie_many(channel=channel, codes={"78": "BOWL-1"}) == 1
    listing.refresh_from_db()
    assert (listing.sku, listing.untied) == (bowl, False)


def test_statements_do_not_grow_with_what_is_tied(channel, thing):
    def statements(keys: list[str]) -> int:
        offer(channel, *((key, f"X{key}", "", "") for key in keys))
        with CaptureQueriesContext(connection) as queries:
            assert matching.tie_many(channel=channel, codes=dict.fromkeys(keys, "MUG-1")) == len(keys)
        return len(queries)

    assert statements(["a"]) == statements([f"b{number}" for number in range(50)])


def rows(channel: Channel) -> list[dict[str, str]]:
    text = matching.export(channel)
    assert text.startswith("\ufeff")
    return sorted(csv.DictReader(io.StringIO(text[1:])), key=lambda row: row["listing"])


def file(*lines: str) -> bytes:
    return "\n".join(("listing,sku", *lines)).encode()


def test_a_file_that_comes_back_as_it_went_ties_what_is_certain(channel):
    assert rows(channel) == [
        {"listing": "77", "shop_sku": "mug 1", "title": "A mug", "barcode": "", "sku": "MUG-1", "suggestion": "MUG-1", "because": BECAUSE},
        {
            "listing": "78",
            "shop_sku": "bowl 1",
            "title": "Bowl",
            "barcode": "",
            "sku": "BOWL-1",
            "suggestion": "BOWL-1",
            "because": BECAUSE,
        },
        {"listing": "79", "shop_sku": "WHO", "title": "'=1+1", "barcode": "", "sku": "", "suggestion": "", "because": ""},
    ]
    answer = matching.import_ties(channel=channel, content=matching.export(channel).encode(), name="back.csv")
    assert (answer.rows, answer.changed) == (3, 2)
    assert tied() == {"77": "MUG-1", "78": "BOWL-1", "79": None}
    assert [row["listing"] for row in rows(channel)] == ["79"]
    again = matching.import_ties(channel=channel, content=file("77,MUG-1", "79,"), name="again.csv")
    assert (again.rows, again.changed) == (2, 0)


BECAUSE = "the same code, but for case, blanks and dashes"


@pytest.mark.parametrize("code", ["=1+1", "+49-7", "-X", "@home", "'=1", "''-2"])
def test_no_cell_of_a_file_is_a_formula_and_it_comes_back_as_it_was(channel, thing, code):
    """A shop's own id, its sku on some platforms, begins as its seller likes; and so does a code of ours."""
    made = make.sku(thing.merchant, code)
    offer(channel, (code, f"{code}.", "", ""))
    [row] = [row for row in rows(channel) if row["listing"].endswith(code)]
    assert {row[column] for column in ("listing", "sku", "suggestion")} == {f"'{code}"}
    assert matching.import_ties(channel=channel, content=matching.export(channel).encode(), name="back.csv").changed == 3
    assert Listing.objects.get(external_id=code).sku == made


def test_every_bad_row_of_a_file_is_named_and_none_is_tied(channel, bowl):
    channels.tie(listing=Listing.objects.get(external_id="78"), sku=bowl)
    with pytest.raises(InvalidInput) as refusal:
        matching.import_ties(
            channel=channel, content=file("77,MUG-1", "77,BOWL-1", "78,MUG-1", "79,NONE", "900,MUG-1", ",MUG-1"), name="bad.csv"
        )
    assert [tuple(problem["path"]) for problem in refusal.value.details["problems"]] == [
        ("rows", 3, "listing"),
        ("rows", 4, "listing"),
        ("rows", 5, "sku"),
        ("rows", 6, "listing"),
        ("rows", 7, "listing"),
    ]
    assert tied() == {**NOTHING, "78": "BOWL-1"}


class TestOnTheDesk:
    def test_the_channel_s_page_leads_there(self, channel, desk):
        """Whether all listings are shown or those that are not tied; of those with errors there is nothing to suggest."""
        button = f'href="/desk/channels/{channel.pk}/match"'
        shown = [desk.get(f"/desk/channels/{channel.pk}?show={show}").text.count(button) for show in ("", "unmapped", "failed")]
        assert shown == [1, 1, 0]

    def test_what_is_certain_stands_in_its_field_and_is_tied_with_one_press(self, channel, desk):
        page = desk.get(f"/desk/channels/{channel.pk}/match").content.decode()
        assert page.count('data-why="code" data-sure') == 2
        assert ('value="MUG-1"' in page, 'data-certain="2"' in page) == (True, True)
        answer = desk.post(f"/desk/channels/{channel.pk}/match/certain", {"digest": shown(channel)})
        assert (answer.status_code, answer["Location"]) == (303, f"/desk/channels/{channel.pk}/match")
        assert tied() == {"77": "MUG-1", "78": "BOWL-1", "79": None}

    def test_what_changed_meanwhile_is_shown_again(self, channel, desk):
        answer = desk.post(f"/desk/channels/{channel.pk}/match/certain", {"digest": "x"})
        assert (answer.status_code, b'data-error="suggestions_changed"' in answer.content) == (409, True)
        assert tied() == NOTHING

    def test_what_is_filled_in_or_ticked_is_tied(self, channel, thing, desk):
        Sku.objects.filter(pk=thing.pk).update(name="Who it is")
        Listing.objects.filter(external_id="79").update(title="Who is it?")
        page = desk.get(f"/desk/channels/{channel.pk}/match").content.decode()
        assert '<input type="checkbox" name="likely" value="79">' in page
        fields = {"listing": ["77", "78", "79"], "sku": ["BOWL-1", "", " "], "suggested": ["MUG-1", "BOWL-1", "MUG-1"], "likely": ["79"]}
        assert desk.post(f"/desk/channels/{channel.pk}/match/tie", fields).status_code == 303
        assert tied() == {"77": "BOWL-1", "78": None, "79": "MUG-1"}

    def test_a_fault_is_named_and_what_was_written_stands_there_still(self, channel, desk):
        fields = {"listing": ["77", "79"], "sku": ["MUG-1", "MUGG"], "suggested": ["", ""]}
        answer = desk.post(f"/desk/channels/{channel.pk}/match/tie", fields)
        page = answer.content.decode()
        assert (answer.status_code, page.count('value="MUGG"'), 'data-path="sku.79"' in page) == (422, 1, True)
        assert tied() == NOTHING

    def test_what_no_page_sends_is_refused_as_what_is_not_there(self, channel, desk):
        fields = {"listing": ["9\x0000"], "sku": ["MUG-1"], "suggested": [""]}
        assert desk.post(f"/desk/channels/{channel.pk}/match/tie", fields).status_code == 422
        assert tied() == NOTHING

    def test_a_file_goes_down_and_up(self, channel, desk):
        answer = desk.get(f"/desk/channels/{channel.pk}/match.csv")
        assert (answer["Content-Type"], answer["Content-Disposition"]) == (
            "text/csv; charset=utf-8",
            'attachment; filename="OWN-not-tied.csv"',
        )
        upload = SimpleUploadedFile("ties.csv", answer.content)
        assert desk.post(f"/desk/channels/{channel.pk}/match/upload", {"file": upload}).status_code == 303
        assert tied() == {"77": "MUG-1", "78": "BOWL-1", "79": None}
        bad = desk.post(f"/desk/channels/{channel.pk}/match/upload", {"file": SimpleUploadedFile("bad.csv", file("79,NONE"))})
        assert (bad.status_code, b'data-path="rows.2.sku"' in bad.content) == (422, True)

    def test_what_orders_wait_for_is_proposed_on_the_channels_page(self, channel, desk):
        send(channel, "1", {"listing_id": "900", "sku": "MUG_1", "quantity": 1})
        channel.listings.filter(external_id="77").delete()
        page = desk.get(f"/desk/channels/{channel.pk}").content.decode()
        assert ('data-suggestion="MUG-1"' in page, 'name="sku" value="MUG-1"' in page) == (True, True)
        assert tied() == {"78": None, "79": None}
