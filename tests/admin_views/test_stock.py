"""Stock on screen: received, counted and written off by dialogs, with the ledger beside it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.database import begin
from app.operations import bookings, stock
from app.tenancy import acting, vendor_actor
from models.products import Product, Variant
from models.stock import Consumable, StockMove
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, manager, staff
from tests.admin_views.reading import leaks, text_of


@pytest.fixture
def vendor(panel: PanelClient) -> int:
    vendor = make.new_vendor()
    panel.as_(manager(vendor))
    return vendor


def counted(vendor: int, pieces: int = 10, **fields: Any) -> int:
    """A variant of Shampoo whose stock is counted."""
    with acting(vendor_actor(vendor)), begin() as session:
        product = make.product(session, name="Shampoo", variants=0)
        variant = make.variant(session, product=product, tracks_stock=True, **fields)
        if pieces:
            make.stock_move(session, variant=variant, on_hand=pieces)
        return variant.id


def numbers(vendor: int, variant_id: int) -> tuple[int, int]:
    with acting(vendor_actor(vendor)), begin() as session:
        variant = session.get_one(Variant, variant_id)
        return variant.on_hand, variant.reserved


def pressed(panel: PanelClient, variant_id: int, verb: str, **words: str) -> str:
    """What the stock's page says after a dialog was sent."""
    answer = panel.post(f"/admin/variant/do/{variant_id}/{verb}", data=words)
    assert answer.status_code == 303, text_of(answer.text)
    page = panel.get(f"/admin/variant/details/{variant_id}")
    assert leaks(page.text) is None
    return text_of(page.text)


def test_the_ledger_tells_every_move(panel: PanelClient, vendor: int) -> None:
    number = counted(vendor, option="1 l")
    assert "Received." in pressed(panel, number, "receive", quantity="5", reason="Delivery 7")
    counting = panel.get(f"/admin/variant/details/{number}").text
    assert 'name="seen" value="15"' in counting
    pressed(panel, number, "adjust", counted="12", reason="Counted again", seen="15")
    pressed(panel, number, "write-off", quantity="2", reason="Broken")
    with acting(vendor_actor(vendor)), begin() as session:
        order = make.order(session, variant=session.get_one(Variant, number))
        stock.reserve(session, order_id=order.id)
        told = f"Order {order.number}"
    page = text_of(panel.get(f"/admin/variant/details/{number}").text)
    assert numbers(vendor, number) == (10, 1)
    for words in ("Shampoo, 1 l", "Received +5", "Delivery 7", "Counted −3", "Written off −2",
                  "Broken", told, "9 low at 0"):  # fmt: skip
        assert words in page, words


@pytest.mark.parametrize(
    ("verb", "words", "said"),
    [
        ("receive", {"quantity": ""}, "no whole number"),
        ("receive", {"quantity": "0"}, "from 1 to 1,000,000"),
        ("receive", {"quantity": "-4"}, "from 1 to 1,000,000"),
        ("receive", {"quantity": "1.5"}, "no whole number"),
        ("receive", {"quantity": "NaN"}, "no whole number"),
        ("receive", {"quantity": "9" * 40}, "no whole number"),
        ("receive", {"quantity": "{said}"}, "no whole number"),
        ("adjust", {"counted": "-1", "reason": "x"}, "from 0 to"),
        ("adjust", {"counted": "3", "reason": ""}, "Say why"),
        ("adjust", {"counted": "3", "reason": "x", "seen": "9"}, "changed this meanwhile"),
        ("adjust", {"counted": "3", "reason": "x", "seen": "0"}, "changed this meanwhile"),
        ("adjust", {"counted": "10", "reason": "x"}, "10 on hand already"),
        ("write-off", {"quantity": "11", "reason": "x"}, "write 10 or fewer"),
        ("write-off", {"quantity": "1"}, "Say why"),
    ],
)
def test_what_cannot_be_is_a_sentence(
    panel: PanelClient, vendor: int, verb: str, words: dict[str, str], said: str
) -> None:
    number = counted(vendor)
    assert said in pressed(panel, number, verb, **words)
    assert numbers(vendor, number) == (10, 0)


def test_staff_receive_and_managers_count(panel: PanelClient, vendor: int) -> None:
    number = counted(vendor)
    panel.as_(staff(vendor))
    assert "Received." in pressed(panel, number, "receive", quantity="5")
    for verb in ("adjust", "write-off"):
        assert panel.post(f"/admin/variant/do/{number}/{verb}").status_code == 403
    page = panel.get(f"/admin/variant/details/{number}").text
    assert "do-receive" in page
    assert "do-adjust" not in page


def test_what_is_not_counted_says_so(panel: PanelClient, vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        number = make.variant(session).id
    page = panel.get(f"/admin/variant/details/{number}").text
    assert "Its stock is not counted" in page
    assert "do-receive" not in page
    assert "as it stands now" in pressed(panel, number, "receive", quantity="5")


def test_the_list_finds_what_runs_low(panel: PanelClient, vendor: int) -> None:
    made: dict[str, Callable[[], int]] = {
        "PLENTY": lambda: counted(vendor, 10, sku="PLENTY", low_stock=2),
        "FEW": lambda: counted(vendor, 2, sku="FEW", low_stock=2),
        "NONE": lambda: counted(vendor, 0, sku="NONE"),
        "FOREIGN": lambda: counted(make.new_vendor(), 0, sku="FOREIGN"),
    }
    for make_one in made.values():
        make_one()

    def listed(query: str) -> set[str]:
        page = text_of(panel.get(f"/admin/variant/list?{query}").text)
        return {sku for sku in made if sku in page}

    assert listed("") == {"PLENTY", "FEW", "NONE"}
    assert listed("stock=low") == {"FEW", "NONE"}
    assert listed("stock=out") == {"NONE"}
    assert listed("stock=there") == {"PLENTY", "FEW"}
    assert listed("stock=owed") == set()
    assert listed("search=few") == {"FEW"}
    assert listed("search=shampoo&stock=nope") == {"PLENTY", "FEW", "NONE"}


def test_a_long_ledger_is_read_page_by_page(panel: PanelClient, vendor: int) -> None:
    number = counted(vendor, 0)
    with acting(vendor_actor(vendor)), begin() as session:
        ids = [
            stock.receive(session, variant_id=number, quantity=1, reason=f"[{n}]").id
            for n in range(120)
        ]
    seen, url = [], f"/admin/variant/details/{number}"
    for _ in range(3):
        page = panel.get(url).text
        words = text_of(page)
        seen.append([n for n in range(120) if f"[{n}]" in words])
        for n in seen[-1]:
            assert f"Received +1 – {n + 1} [{n}]" in words
        url = f"/admin/variant/details/{number}?before={ids[seen[-1][0]]}"
    assert seen == [list(range(70, 120)), list(range(20, 70)), list(range(20))]
    for odd in ("abc", "-1", str(2**70), str(ids[0] - 1)):
        assert panel.get(f"/admin/variant/details/{number}?before={odd}").status_code == 200


def test_a_product_says_once_what_its_variants_have_alike(panel: PanelClient, vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        tax = make.tax_class(session, name="Reduced").id
    rows = {
        "name": "Dry food", "options": "Size, Flavour", "variants-count": "2",
        "variants-0-sku": "D-1", "variants-0-price": "10", "variants-0-option": "1 kg",
        "variants-0-low_stock": "3", "variants-0-is_active": "y", "variants-1-sku": "D-9",
        "variants-1-price": "80", "variants-1-option": "9 kg", "variants-1-is_active": "y",
        "tracks_stock": "y", "warranty_months": "24", "tax_class": str(tax),
        "tax_class_text": "Reduced",
    }  # fmt: skip
    answer = panel.post("/admin/product/create", data=rows)
    assert answer.status_code == 303, text_of(answer.text)
    page = answer.headers["location"]
    words = text_of(panel.get(page).text)
    for said in ("Size, Flavour", "Reduced", "24 months", "counted"):
        assert said in words
    with acting(vendor_actor(vendor)), begin() as session:
        one, nine = session.scalars(select(Variant).order_by(Variant.id))
        kept = [(v.low_stock, v.tax_class_id, v.warranty_months) for v in (one, nine)]
        assert kept == [(3, tax, 24), (0, tax, 24)]
        stock.receive(session, variant_id=nine.id, quantity=4)
    edit = page.replace("details", "edit")
    typed = panel.form_values(edit)
    assert (typed["tax_class"], typed["options"]) == (str(tax), "Size, Flavour")
    without = {k: v for k, v in typed.items() if k != "tracks_stock"}
    refused = panel.post(edit, data=without)
    assert refused.status_code == 400
    assert "There is stock of Dry food, 9 kg" in text_of(refused.text)
    same = panel.post(edit, data=typed | {"variants-1-option": "1 KG"})
    assert "told apart by their option" in text_of(same.text)
    odd = panel.post(edit, data=typed | {"warranty_months": "-1", "variants-0-low_stock": "x"})
    assert odd.status_code == 400
    assert panel.post(edit, data=typed | {"name": "Food"}).status_code == 303


def test_what_a_service_uses_up_leaves_the_shelf(panel: PanelClient, vendor: int) -> None:
    number = counted(vendor)
    with acting(vendor_actor(vendor)), begin() as session:
        service = make.service(session, name="Colouring")
        loose, service_id = make.variant(session).id, service.id
    form = {"service": str(service_id), "variant": str(number), "quantity": "3"}
    for changed, said in (
        ({"variant": str(loose)}, "is not counted"),
        ({"quantity": "0"}, "from 1 to 1,000"),
        ({"quantity": "-1"}, "from 1 to 1,000"),
        ({"variant": str(counted(make.new_vendor()))}, "not here"),
    ):
        refused = panel.post("/admin/consumable/create", data=form | changed)
        assert refused.status_code == 400
        assert said in text_of(refused.text)
    assert panel.post("/admin/consumable/create", data=form).status_code == 303
    twice = panel.post("/admin/consumable/create", data=form)
    assert "uses this up already" in text_of(twice.text)
    page = text_of(panel.get(f"/admin/service/details/{service_id}").text)
    assert "What it uses up" in page
    assert "3 ×" in page
    with acting(vendor_actor(vendor)), begin() as session:
        used = session.scalars(select(Consumable)).one()
        booking = make.booking(
            session, service=used.service, starts_at=make.NOON - timedelta(days=1)
        )
        bookings.complete(session, booking_id=booking.id)
    assert numbers(vendor, number) == (7, 0)
    assert "Used up −3" in text_of(panel.get(f"/admin/variant/details/{number}").text)


def test_the_marketplace_receives_for_the_vendor_whose_it_is(
    panel: PanelClient, vendor: int
) -> None:
    number = counted(vendor)
    panel.as_(admin())
    assert "Received." in pressed(panel, number, "receive", quantity="5")
    with acting(vendor_actor(vendor)), begin() as session:
        assert session.scalars(select(StockMove.on_hand).order_by(StockMove.id)).all() == [10, 5]


def test_a_product_that_was_never_sold_can_go(panel: PanelClient, vendor: int) -> None:
    with acting(vendor_actor(vendor)), begin() as session:
        variant = make.variant(session)
        make.order(session, variant=variant)
        sold = variant.product_id
        never = make.product(session).id
    for number, left in ((never, False), (sold, True), (product_of(vendor, counted(vendor)), True)):
        panel.post(f"/admin/product/remove/{number}")
        with acting(vendor_actor(vendor)), begin() as session:
            assert (session.get(Product, number) is not None) == left


def product_of(vendor: int, variant_id: int) -> int:
    with acting(vendor_actor(vendor)), begin() as session:
        return session.get_one(Variant, variant_id).product_id


def test_today_counts_what_runs_low_and_leads_to_it(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    panel.as_(staff(vendor))
    assert "Running low" not in panel.get("/admin/").text
    with acting(vendor_actor(vendor)), begin() as session:
        make.stock_move(session, variant=make.variant(session, low_stock=2, sku="RARE"), on_hand=2)
        make.stock_move(session, variant=make.variant(session, low_stock=2, sku="MANY"), on_hand=9)
    page = panel.get("/admin/").text
    assert "Running low" in page
    assert "/admin/variant/list?stock=low" in page
    found = panel.get("/admin/variant/list?stock=low").text
    assert "RARE" in found
    assert "MANY" not in found
