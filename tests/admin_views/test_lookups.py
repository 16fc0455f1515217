"""What can stand on an order's line is found by name, SKU and kind, with its price."""

from app.database import begin
from app.tenancy import acting, vendor_actor
from tests import make
from tests.admin_views.panel_client import PanelClient, manager


def test_an_item_is_found_by_name_sku_and_kind(panel: PanelClient) -> None:
    vendor = make.new_vendor()
    with acting(vendor_actor(vendor)), begin() as session:
        product = make.product(session, name="Dry food 10%", variants=0)
        make.variant(session, product=product, sku="DF-10", price="42.50")
        make.variant(session, product=product, sku="DF-20", is_active=False)
        make.service(session, name="Grooming", price="30")
    panel.as_(manager(vendor))

    def found(term: str) -> list[tuple[str, str]]:
        url = "/admin/order/ajax/lookup"
        answer = panel.get(url, params={"name": "item", "term": term}).json()["results"]
        return [(line["text"], line.get("price", "")) for line in answer]

    assert found("dry") == [("Dry food 10%", "42.50")]
    assert found("10%") == [("Dry food 10%", "42.50")]
    assert found("df-10") == [("Dry food 10%", "42.50")]
    assert found("DF-20") == []
    assert found("groom") == [("Grooming", "30.00")]
    assert found("tip") == [("Tip", "")]
    assert found("%") == [("Dry food 10%", "42.50")]
    assert found("_") == []


def test_a_country_and_a_zone_are_found_by_their_names(panel: PanelClient) -> None:
    panel.as_(manager(make.new_vendor()))
    url = "/admin/vendor/ajax/lookup"
    zones = panel.get(url, params={"name": "time_zone", "term": "lisb"}).json()["results"]
    assert [z["id"] for z in zones] == ["Europe/Lisbon"]
