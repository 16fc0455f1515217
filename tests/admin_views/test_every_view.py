"""Every screen of every noun, for every role: it opens, or says why not, and leaks nothing."""

import base64
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, select
from sqlalchemy.orm import Session
from starlette.datastructures import QueryParams

from admin_views.access import allowed
from admin_views.base import HouseView
from admin_views.lists import Address
from admin_views.panel import view_classes
from app import clock
from app.database import begin
from app.tenancy import Actor, acting, admin_actor, vendor_actor
from models.points import LoyaltyEntry
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, analyst, manager, staff
from tests.admin_views.reading import leaks, text_of

LINK_IN_LINK = re.compile(r"<a\s[^>]*>(?:(?!</a>).)*<a\s", re.DOTALL)
VIEWS: dict[str, Any] = {
    view.identity: view for view in view_classes() if issubclass(view, HouseView)
}
Make = Callable[[Session], Any]
MAKE: dict[str, Make] = {
    "booking": make.booking,
    "class-session": lambda s: make.class_session(s, starts_at=clock.now() + timedelta(days=2)),
    "waitlist-entry": make.waitlist_entry,
    "segment": make.segment,
    "order": lambda s: make.order(s, status="draft", number=None, placed_at=None),
    "shipment": lambda s: make.shipment(s, order=make.order(s)),
    "shipping-method": make.shipping_method,
    "invoice": lambda s: make.invoice(s, order=make.order(s)),
    "cover": lambda s: make.cover(s, line=make.order(s).lines[0]),
    "warranty-claim": lambda s: make.warranty_claim(
        s, cover=make.cover(s, line=make.order(s).lines[0])
    ),
    "message": make.message,
    "message-template": make.message_template,
    "task": make.task,
    "message-rule": make.message_rule,
    "usage": make.usage,
    "package": make.package,
    "package-holding": make.holding,
    "membership-plan": make.plan,
    "membership": make.membership,
    "coupon": make.coupon,
    "loyalty-program": make.program,
    "loyalty-tier": make.tier,
    "loyalty-rule": make.loyalty_rule,
    "reward": make.reward,
    "loyalty-account": lambda s: make.lot(s).account,
    "loyalty-entry": lambda s: s.scalars(
        select(LoyaltyEntry).where(LoyaltyEntry.lot_id == make.lot(s).id)
    ).one(),
    "coupon-redemption": lambda s: make.coupon_redemption(
        s, coupon=make.coupon(s), order=make.order(s)
    ),
    "coupon-code": lambda s: make.coupon_code(s, coupon=make.coupon(s)),
    "tag": make.tag,
    "service": make.service,
    "product": make.product,
    "variant": lambda s: make.stock_move(s, variant=make.variant(s)).variant,
    "consumable": lambda s: make.consumable(
        s, service=make.service(s), variant=make.stock_move(s, variant=make.variant(s)).variant
    ),
    "staff-member": make.staff_member,
    "staff-service": lambda s: make.staff_service(
        s, service=make.service(s), staff=make.staff_member(s)
    ),
    "booking-series": make.series,
    "time-off": lambda s: make.time_off(
        s, starts_at=clock.now(), ends_at=clock.now() + timedelta(days=1)
    ),
    "resource": make.resource,
    "service-resource": lambda s: make.service_resource(
        s, service=make.service(s), resource=make.resource(s)
    ),
    "tax-class": make.tax_class,
    "cancellation-policy": lambda s: make.policy(s, service_id=make.service(s).id),
    "customer": make.customer,
    "consent": make.consent,
    "customer-preference": make.preference,
    "customer-interest": make.interest,
    "saved-view": make.saved_view,
    "bulk-job": make.bulk_job,
    "outbox-message": make.outbox_message,
}
OF_THE_HOUSE: dict[str, Make] = {"category": make.category, "person": make.person}
ROLES = {
    "manager": manager,
    "staff": staff,
    "admin": lambda _: admin(),
    "analyst": lambda _: analyst(),
}


def made(identity: str, vendor: int) -> int:
    """The id of a new record of a noun."""
    if identity == "vendor":
        return vendor
    if identity in OF_THE_HOUSE:
        with acting(admin_actor()), begin() as session:
            return int(OF_THE_HOUSE[identity](session).id)
    if identity == "audit-entry":
        made("task", vendor)
        with acting(vendor_actor(vendor)), begin() as session:
            from models.audit import AuditEntry

            return int(session.query(AuditEntry.id).order_by(AuditEntry.id.desc()).first()[0])
    with acting(vendor_actor(vendor)), begin() as session:
        return int(MAKE[identity](session).id)


def known() -> list[str]:
    """The screens that these tests know how to fill."""
    return sorted(i for i in VIEWS if i in {*MAKE, *OF_THE_HOUSE, "vendor", "audit-entry"})


def actor_of(role: str, vendor: int) -> Actor:
    return ROLES[role](vendor)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("identity", known())
def test_pages_open_for_those_who_may(panel: PanelClient, identity: str, role: str) -> None:
    vendor = make.new_vendor()
    number = made(identity, vendor)
    actor = actor_of(role, vendor)
    panel.as_(actor)
    view = VIEWS[identity]
    for action, path in (
        ("list", "list"),
        ("details", f"details/{number}"),
        ("create", "create"),
        ("edit", f"edit/{number}"),
    ):
        possible = {"create": view.can_create, "edit": view.can_edit}.get(action, True)
        answer = panel.get(f"/admin/{identity}/{path}")
        may = allowed(actor.panel_role, identity, action) and possible
        assert answer.status_code == (200 if may else 403), (path, text_of(answer.text)[-400:])
        assert leaks(answer.text) is None
        assert not LINK_IN_LINK.search(answer.text), "a browser would end the first one there"


IMPOSSIBLE = (
    "0", "-1", "abc", "1;2", "99999999999999999999999", "9223372036854775807", "%C2%B2", "1e3",
    "..%2F..%2Fetc", "%27%20OR%201=1--", "1%0A", "%F0%9F%92%A9",
)  # fmt: skip


@pytest.mark.parametrize("identity", known())
def test_ids_that_cannot_be_are_pages_that_are_not_here(panel: PanelClient, identity: str) -> None:
    panel.as_(manager(make.new_vendor()))
    for pk in IMPOSSIBLE:
        # a refusal is drawn once for each page, and else said, which is quicker
        drawn = {} if pk == IMPOSSIBLE[-1] else {"accept": "application/json"}
        for path in (f"details/{pk}", f"edit/{pk}"):
            answer = panel.get(f"/admin/{identity}/{path}", headers=drawn)
            assert answer.status_code in (403, 404), (path, answer.status_code)
            assert leaks(answer.text) is None, path
        for path in (f"remove/{pk}", f"do/{pk}/cancel"):
            answer = panel.post(f"/admin/{identity}/{path}", headers=drawn)
            assert answer.status_code in (403, 404, 405), (path, answer.status_code)


HOSTILE = (
    "search=%25%27%22%5C_%00", "search=" + "a" * 5000, "search=%F0%9F%92%A9&sort=id;drop",
    "sort=vendor_id&size=99999999999999999999", "size=-5", "size=0", "size=abc", "after=%%%",
    "after=bm90IGpzb24", "before=W10", "after=WzEsMiwzLDRd", "page=99999999999", "page=abc",
    "vendor=abc&vendor=99999999999999999999", "status=nope&status=", "kind=%27", "category=-1",
    "day_from=2026-13-45&day_to=99999-01-01", "active=maybe", "columns=id&columns=search",
    "pageSize=abc", "error=Call+0800", "due_from=0001-01-01&due_to=9999-12-31",
    "customer=9223372036854775808", "at_from=1900-01-01&at_to=2200-01-01", "search=%7F%01",
)  # fmt: skip


def bundles() -> list[tuple[str, ...]]:
    """The hostile queries put together, as many as do not name the same thing twice."""
    found: list[dict[str, str]] = []
    for query in HOSTILE:
        names = [part.split("=")[0] for part in query.split("&")]
        home = next((b for b in found if b.keys().isdisjoint(names)), None)
        if home is None:
            found.append(home := {})
        home |= dict.fromkeys(names, query)
    return [tuple(dict.fromkeys(bundle.values())) for bundle in found]


@pytest.mark.parametrize("queries", bundles(), ids=len)
def test_no_address_of_a_list_fails(panel: PanelClient, queries: tuple[str, ...]) -> None:
    """Asked all at once; where one of them is refused, the others are asked alone as well."""
    panel.as_(manager(make.new_vendor()))
    for identity in known():
        asked = ["&".join(queries)]
        while asked:
            query = asked.pop()
            answer = panel.get(f"/admin/{identity}/list?{query}")
            assert answer.status_code in (200, 400, 403), (identity, query, answer.status_code)
            assert leaks(answer.text) is None
            assert "Call 0800" not in answer.text
            if answer.status_code == 400 and query not in queries:
                asked += queries


@pytest.mark.parametrize("value", ["\ud800", "x\x00", 5, [1], {}, "1" * 5000])
def test_no_cursor_that_somebody_made_up_fails(panel: PanelClient, value: Any) -> None:
    panel.as_(manager(make.new_vendor()))
    for identity in known():
        for sort in VIEWS[identity].sorts:
            params = QueryParams({"sort": sort})
            mark = Address.read(params, ()).fingerprint
            body = json.dumps([value, 1, 0, mark]).encode()
            cursor = base64.urlsafe_b64encode(body).decode().rstrip("=")
            answer = panel.get(f"/admin/{identity}/list?sort={sort}&after={cursor}")
            assert answer.status_code in (200, 403), (identity, sort)


def test_no_endpoint_is_open_to_an_action_by_get_or_to_an_export(panel: PanelClient) -> None:
    panel.as_(admin())
    for identity in known():
        for path in ("export/csv", "export/json", "action/delete?pks=1", "1/name/download/"):
            assert panel.get(f"/admin/{identity}/{path}").status_code in (404, 405)
        assert panel.post(f"/admin/{identity}/import").status_code in (404, 405)
        assert panel.delete(f"/admin/{identity}/delete?pks=1").status_code in (404, 405)


@pytest.fixture
def statements(db: Connection) -> Any:
    """Every statement that reaches the database meanwhile."""
    seen: list[str] = []

    def note(_: Any, __: Any, sql: str, *___: Any) -> None:
        if "set_config" not in sql and "SAVEPOINT" not in sql:
            seen.append(sql)

    event.listen(db, "before_cursor_execute", note)
    yield seen
    event.remove(db, "before_cursor_execute", note)


@pytest.mark.parametrize("role", ["manager", "admin"])
@pytest.mark.parametrize("identity", known())
def test_a_list_costs_the_same_for_one_row_and_for_five(
    panel: PanelClient, statements: list[str], identity: str, role: str
) -> None:
    vendor = make.new_vendor()
    panel.as_(actor_of(role, vendor))
    made(identity, vendor)
    panel.get(f"/admin/{identity}/list")
    statements.clear()
    panel.get(f"/admin/{identity}/list")
    one = len(statements)
    for _ in range(4):
        made(identity, make.new_vendor() if identity == "vendor" else vendor)
    statements.clear()
    panel.get(f"/admin/{identity}/list")
    assert len(statements) == one, statements
    assert one <= 16
