"""The whole matrix against every route, and the doors by which no customer leaves."""

import re
from collections.abc import Iterator

import pytest
from sqladmin.models import ModelView
from starlette.applications import Starlette

from admin_views.access import BUILT_IN, MATRIX, ROLES, allowed, as_markdown
from app.database import begin
from app.tenancy import PanelRole, acting, vendor_actor
from app.web import Way, walk_routes
from tests import make
from tests.furnished import db, house
from tests.webclient import OWN, Browser, House, application, email_of, settled

__all__ = ["db", "house"]  # fixtures

FREE = {
    "/", "/healthz", "/readyz", "/link/{token}", "/assets/{path}", "/admin/statics/{path}",
    "/admin/login", "/admin/logout", "/admin/vendor", "/admin/", "/api/v1/me",
    "/unsubscribe/{token}", "/feeds/{secret}.ics", "/api/v1/gateways/{gateway}/{vendor:int}/events",
    "/api/v1/gateways/{provider}/messages", "/api/v1/memberships",
}  # fmt: skip
"""What needs no rule: open to all, or guarded by its own test."""

RECORDS = {"pk:path": "999999999", "pk": "999999999", "name": "nothing", "path": "x"}


@pytest.fixture(scope="module", autouse=True)
def outside_the_demo() -> Iterator[None]:
    with settled():
        yield


@pytest.fixture(scope="module")
def app() -> Starlette:
    return application()


def guarded(app: Starlette) -> list[Way]:
    return [w for w in walk_routes(app) if w.path not in FREE]


def filled(path: str, **gaps: str) -> str:
    """The address with its gaps filled; what is not named is 1."""
    return re.sub(r"{([^}]+)}", lambda gap: (RECORDS | gaps).get(gap[1], "1"), path)


def screens(app: Starlette, way: Way) -> list[str]:
    """The screens that a route serves."""
    identity = way.rule[0] if way.rule else None
    views = [v.identity for v in app.state.panel.views if isinstance(v, ModelView)]
    return [identity] if identity else views


def test_every_route_has_a_rule(app: Starlette) -> None:
    missing = [w for w in guarded(app) if w.rule is None or not w.rule[1]]
    assert missing == [], "name it in admin_views/access.py"


def test_every_screen_is_in_the_matrix(app: Starlette) -> None:
    assert {v.identity for v in app.state.panel.views} - set(MATRIX) == set()


def test_nothing_of_the_stock_panel_is_left_that_nobody_needs(app: Starlette) -> None:
    names = {w.name for w in walk_routes(app)}
    assert names.isdisjoint({"export", "import", "file_download", "file_preview"})
    assert not any(name.startswith("action-") for name in names)
    assert [w.method for w in walk_routes(app) if w.path == "/admin/logout"] == ["POST"]


@pytest.mark.parametrize("role", ROLES)
def test_the_matrix_holds_on_every_route(app: Starlette, house: House, role: PanelRole) -> None:
    browser = Browser(app).as_(email_of(role))
    browser.headers["accept"] = "application/json"  # a refusal is quicker said than drawn
    checked = 0
    for way in guarded(app):
        assert way.rule is not None
        for identity in screens(app, way):
            if any(allowed(role, identity, action) for action in way.rule[1]):
                continue
            answer = browser.request(way.method, filled(way.path, identity=identity), headers=OWN)
            assert answer.status_code == 403, (way, identity)
            checked += 1
    assert checked > (0 if role in (PanelRole.ADMIN, PanelRole.MANAGER) else 20)


def test_an_unknown_screen_is_nobodys(app: Starlette, house: House) -> None:
    browser = Browser(app).as_(email_of("admin"))
    for word in ("nothing", "login-session", "one-time-link", "sign-in-attempt", "api-token"):
        assert browser.get(f"/admin/{word}/list").status_code in (403, 404)


def test_the_analyst_has_no_customer_screen() -> None:
    held = {identity for identity in MATRIX if MATRIX[identity][PanelRole.ANALYST]}
    assert held == {"today", "account", "reports"}  # figures, without anybody in them


def test_staff_read_the_catalogue_and_write_their_customers() -> None:
    for identity in ("service", "product", "package", "membership-plan", "coupon", "staff-member"):
        assert allowed(PanelRole.STAFF, identity, "list")
        assert not allowed(PanelRole.STAFF, identity, "edit")
        assert allowed(PanelRole.MANAGER, identity, "edit")
    for identity in ("customer", "booking", "order", "task", "customer-tag"):
        assert allowed(PanelRole.STAFF, identity, "edit")
    for action in ("merge", "forget", "delete", "import"):
        assert not allowed(PanelRole.STAFF, "customer", action)
        assert allowed(PanelRole.MANAGER, "customer", action)


def test_nobody_may_export() -> None:
    words = {"export", "download", "csv"}
    for grants in MATRIX.values():
        for role in ROLES:
            assert words.isdisjoint(grants[role])


@pytest.mark.parametrize("identity", ["", "nothing", "customers", "*"])
def test_what_is_not_named_is_refused(identity: str) -> None:
    for role in (*ROLES, PanelRole.SYSTEM):
        for action in ("list", "edit", "*", ""):
            assert not allowed(role, identity, action)


def test_the_readme_table_names_every_screen_and_role() -> None:
    lines = as_markdown().splitlines()
    assert lines[0] == "| screen | admin | analyst | manager | staff |"
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[2:]] == list(MATRIX)


# --- no export -------------------------------------------------------------------------------

MANY = 130
ASK = "?pageSize=100000&page_size=100000&size=100000&limit=100000&format=csv&export=1&term=guest"
KINDS = ("text/html", "application/json", "text/plain", "text/css", "text/javascript", "image/")


@pytest.fixture
def crowd(house: House) -> House:
    with acting(vendor_actor(house.vendors["alpha"])), begin() as session:
        for n in range(MANY):
            make.customer(session, full_name=f"Guest {n}", email=f"guest{n}@crowd.example")
    return house


def closed(role: PanelRole, way: Way, identity: str) -> bool:
    """Whether the matrix refuses it, which has its own test."""
    if way.rule is None or not identity or way.path in FREE:
        return False
    return not any(allowed(role, identity, action) for action in way.rule[1])


@pytest.mark.parametrize("role", ROLES)
def test_what_is_allowed_opens_and_customers_leave_by_no_door(
    app: Starlette, crowd: House, role: PanelRole
) -> None:
    """Each page without anything asked of it is opened by `test_pages_open_for_those_who_may`."""
    browser = Browser(app).as_(email_of(role))
    for way in walk_routes(app):
        if way.method != "GET":
            continue
        own = (way.rule and way.rule[0]) or ""
        for identity in screens(app, way) if "{identity}" in way.path else [own]:
            if closed(role, way, identity):
                continue
            answer = browser.get(filled(way.path, identity=identity) + ASK)
            told = (role, way.path, identity)
            assert answer.status_code < 500 or way.path == "/readyz", (told, answer.text[-500:])
            if way.name == "list" or way.path in ("/admin/account", "/admin/users"):
                assert answer.status_code == 200, told
            assert len(set(re.findall(r"guest\d+@crowd\.example", answer.text))) <= 100, told
            assert len(set(re.findall(r"Guest \d+", answer.text))) <= 100, told
            assert "attachment" not in answer.headers.get("content-disposition", ""), told
            kind = answer.headers.get("content-type", "text/html")
            assert kind.startswith(KINDS), told
            if role is PanelRole.ANALYST:
                assert "crowd.example" not in answer.text, told
                assert "Guest " not in answer.text, told


def test_the_export_addresses_are_gone(app: Starlette, house: House) -> None:
    """As admin, who would be told of what is there: for nobody else there is more."""
    browser = Browser(app).as_(email_of("admin"))
    browser.headers["accept"] = "application/json"  # a refusal is quicker said than drawn
    for view in app.state.panel.views:
        for kind in ("csv", "json", "xlsx", "pdf"):
            for method in ("GET", "POST"):
                path = f"/admin/{view.identity}/export/{kind}"
                assert browser.request(method, path, headers=OWN).status_code in (404, 405)
        stock = browser.post(f"/admin/{view.identity}/import", headers=OWN)
        assert stock.status_code in (404, 405)
        for word in ("download", "preview"):
            file = browser.get(f"/admin/{view.identity}/1/name/{word}/")
            assert file.status_code == 404


def test_built_in_routes_are_all_ruled(app: Starlette) -> None:
    names = {w.name for w in walk_routes(app) if "{identity}" in w.path}
    assert names <= set(BUILT_IN)
