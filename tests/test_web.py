"""The web application as a browser meets it: the door, the guards, the headers, the refusals."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
import uvicorn
from sqlalchemy import delete, select, update
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app import clock, middleware
from app.database import begin
from app.middleware import SIGNED
from app.operations import passwords, users
from app.tenancy import GATE, SYSTEM, acting, admin_actor, vendor_actor
from app.transact import in_transaction
from app.web import NoSecret, create_app, walk_routes
from models.users import LoginSession, User, VendorUser
from tests import make
from tests.furnished import db, house
from tests.webclient import (
    ORIGIN,
    OWN,
    PASSWORD,
    Browser,
    House,
    application,
    email_of,
    furnish,
    settled,
)

__all__ = ["db", "house"]  # fixtures

COOKIE = "__Host-backroom"


@pytest.fixture(scope="module", autouse=True)
def outside_the_demo() -> Iterator[None]:
    with settled():
        yield


@pytest.fixture(scope="module")
def app() -> Starlette:
    return application()


@pytest.fixture
def browser(house: House, app: Starlette) -> Browser:
    return Browser(app)


def filled(path: str) -> str:
    """An address with something in each of its gaps."""
    gaps = {
        "{identity}": "customer", "{pk:path}": "1", "{pk}": "1", "{name}": "x", "{token}": "x",
        "{path}": "backroom.css",
    }  # fmt: skip
    for gap, value in gaps.items():
        path = path.replace(gap, value)
    while "{" in path:
        start, end = path.index("{"), path.index("}")
        path = path[:start] + "1" + path[end + 1 :]
    return path


# --- the door --------------------------------------------------------------------------------


def test_nobody_sees_the_panel_without_signing_in(browser: Browser) -> None:
    for way in walk_routes(browser.app):
        path = filled(way.path)
        if not path.startswith("/admin") or path.startswith(("/admin/login", "/admin/statics")):
            continue
        answer = browser.request(way.method, path, headers=OWN)
        if "/ajax/" in path:
            assert answer.status_code == 401, way
            continue
        assert answer.status_code == 303, way
        assert answer.headers["location"].startswith("/admin/login"), way


def test_programs_without_a_session_get_a_401(browser: Browser) -> None:
    asked = (
        ("/admin/customer/ajax/lookup?name=x&term=y", {}),
        ("/admin/customer/list", {"accept": "application/json"}),
        ("/admin/customer/list", {"x-requested-with": "XMLHttpRequest"}),
    )
    for path, headers in asked:
        answer = browser.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["code"] == "NobodyActs"


def test_signing_in_leads_to_the_page_that_was_wanted(browser: Browser) -> None:
    door = browser.get("/admin/customer/list?status=active&search=a%26b")
    way = door.headers["location"]
    page = browser.get(way)
    assert page.status_code == 200
    assert 'value="/admin/customer/list?status=active&amp;search=a%26b"' in page.text
    answer = browser.sign_in("staff@alpha.example", next="/admin/customer/list?status=active")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/admin/customer/list?status=active"


@pytest.mark.parametrize(
    "way",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "/admin//evil.example",
     "/admin/login", "javascript:alert(1)", "/admin/\r\nx: y", "/elsewhere"],
)  # fmt: skip
def test_signing_in_leads_nowhere_else(browser: Browser, way: str) -> None:
    answer = browser.sign_in("staff@alpha.example", next=way)
    assert answer.headers["location"] == "/admin/"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_hosts(browser: Browser) -> None:
    kept = browser.sign_in("staff@alpha.example").headers["set-cookie"]
    assert kept.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(kept.split("; "))
    assert "Domain" not in kept


def test_in_the_demo_the_cookie_works_without_https(house: House) -> None:
    with settled(DEMO="true", PUBLIC_URL="http://127.0.0.1:8000"):
        kept = Browser(create_app()).sign_in("staff@alpha.example").headers["set-cookie"]
    assert kept.startswith("backroom=")
    assert "Secure" not in kept
    assert "HttpOnly" in kept


def test_a_wrong_password_is_one_sentence_and_then_a_pause(browser: Browser) -> None:
    answer = browser.sign_in("staff@alpha.example", "not this one")
    assert answer.status_code == 400
    assert "E-mail or password is wrong: 4 tries are left before a pause." in answer.text
    assert 'value="staff@alpha.example"' in answer.text
    assert "not this one" not in answer.text
    assert "set-cookie" not in answer.headers
    for _ in range(4):
        browser.sign_in("staff@alpha.example", "not this one")
    paused = browser.sign_in("staff@alpha.example")
    assert paused.status_code == 429
    assert 0 < int(paused.headers["retry-after"]) <= 61
    assert "Too many tries" in paused.text


def test_a_session_that_was_planted_is_not_taken_over(browser: Browser) -> None:
    planted = "A" * 43
    browser.cookies.set(COOKIE, planted, domain="panel.example")
    browser.as_("staff@alpha.example")
    assert planted not in {c.value for c in browser.cookies.jar}
    other = Browser(browser.app, cookies={COOKIE: planted})
    assert other.get("/admin/").status_code == 303


def test_signing_in_renews_the_session(browser: Browser) -> None:
    first = browser.as_("staff@alpha.example").cookies[COOKIE]
    second = browser.as_("staff@alpha.example").cookies[COOKIE]
    assert first != second
    assert Browser(browser.app, cookies={COOKIE: first}).get("/admin/").status_code == 303


def test_a_copied_cookie_is_worth_nothing_after_sign_out(browser: Browser) -> None:
    copied = browser.as_("manager@alpha.example").cookies[COOKIE]
    thief = Browser(browser.app, cookies={COOKIE: copied})
    assert thief.get("/admin/").status_code == 200
    answer = browser.post("/admin/logout", headers=OWN)
    assert answer.status_code == 303
    assert browser.cookies.get(COOKIE) is None
    assert thief.get("/admin/").status_code == 303


def test_a_link_signs_nobody_out(browser: Browser) -> None:
    browser.as_("manager@alpha.example")
    assert browser.get("/admin/logout").status_code == 405
    assert browser.get("/admin/").status_code == 200


def test_a_session_lying_idle_is_at_the_door_again(browser: Browser) -> None:
    browser.as_("manager@alpha.example")
    now = datetime.now(UTC)
    with clock.stopped_at(now + timedelta(minutes=119)):
        assert browser.get("/admin/").status_code == 200
    with clock.stopped_at(now + timedelta(minutes=240)):
        assert browser.get("/admin/").status_code == 303


@pytest.mark.parametrize(
    "value", ["", "x", "A" * 43, "A" * 5000, "%00", '"', "é", "../../etc", "1", "null", "{}"]
)
def test_forged_cookies_open_nothing(browser: Browser, value: str) -> None:
    header = {"cookie": f"{COOKIE}={value}".encode()}
    answer = browser.get("/admin/", headers=header)  # type: ignore[arg-type]
    assert answer.status_code == 303


def test_the_demo_password_is_refused_outside_the_demo(browser: Browser) -> None:
    with settled(DEMO="true"):
        demo = passwords.hashed(passwords.DEMO_PASSWORD, email="x")
    with acting(SYSTEM), begin() as session:
        session.execute(update(User).values(password_hash=demo).where(User.role == "admin"))
    answer = browser.sign_in("admin@market.example", passwords.DEMO_PASSWORD)
    assert answer.status_code == 400
    assert "opens nothing here" in answer.text
    assert passwords.DEMO_PASSWORD not in browser.get("/admin/login").text


def test_a_removed_person_is_out_with_the_next_click(browser: Browser, house: House) -> None:
    browser.as_("staff@alpha.example")
    assert browser.get("/admin/").status_code == 200
    with acting(SYSTEM), begin() as session:
        session.execute(delete(VendorUser).filter_by(id=house.places["staff@alpha.example"]))
    assert browser.get("/admin/").status_code == 303


# --- vendors ---------------------------------------------------------------------------------


def test_an_admin_enters_a_vendor_and_leaves_it(browser: Browser, house: House) -> None:
    browser.as_("admin@market.example")
    form = {"vendor": str(house.vendors["beta"]), "next": "/admin/customer/details/7"}
    answer = browser.post("/admin/vendor", data=form, headers=OWN)
    assert answer.headers["location"] == "/admin/customer/list"
    with acting(vendor_actor(house.vendors["beta"])), begin() as session:
        assert session.scalar(select(LoginSession.id)) is None  # a vendor sees only one's own
    with acting(GATE), begin() as session:
        assert session.scalar(select(LoginSession.vendor_id)) == house.vendors["beta"]
    browser.post("/admin/vendor", data={"vendor": ""}, headers=OWN)
    with acting(GATE), begin() as session:
        assert session.scalar(select(LoginSession.vendor_id)) is None


@pytest.mark.parametrize("wanted", ["beta", "", "x", "-1", "9" * 30, "1 OR 1=1"])
def test_nobody_enters_a_vendor_they_do_not_work_for(
    browser: Browser, house: House, wanted: str
) -> None:
    browser.as_("manager@alpha.example")
    form = {"vendor": str(house.vendors.get(wanted, wanted))}
    assert browser.post("/admin/vendor", data=form, headers=OWN).status_code in (403, 404)
    with acting(GATE), begin() as session:
        assert session.scalar(select(LoginSession.vendor_id)) == house.vendors["alpha"]


# --- cross-site requests ---------------------------------------------------------------------

CROSS = [
    {},
    {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
    {"sec-fetch-site": "same-site", "origin": "https://evil.panel.example"},
    {"sec-fetch-site": "none"},
    {"sec-fetch-site": "cross-site", "origin": ORIGIN},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://panel.example"},
    {"origin": ORIGIN + ".evil.example"},
    {"referer": ORIGIN + "/admin/"},
]


@pytest.mark.parametrize("headers", CROSS, ids=str)
def test_no_route_hears_a_change_from_elsewhere(browser: Browser, headers: dict[str, str]) -> None:
    browser.as_("admin@market.example")
    browser.headers["accept"] = "application/json"  # a refusal is quicker said than drawn
    changing = {(filled(w.path), w.method) for w in walk_routes(browser.app)}
    if not headers:  # by whatever else it could be asked
        changing |= {(path, m) for path, _ in changing for m in ("POST", "PUT", "PATCH", "DELETE")}
    heard = [
        (path, method)
        for path, method in sorted(changing)
        if method not in ("GET", "HEAD", "OPTIONS")
        and not path.startswith(SIGNED)  # see tests/api and test_unsubscribe
        and browser.request(method, path, headers=headers).status_code != 403
    ]
    assert heard == []


@pytest.mark.parametrize("headers", [OWN, {"origin": ORIGIN}], ids=str)
def test_our_own_pages_are_heard(browser: Browser, headers: dict[str, str]) -> None:
    typed = {"username": "staff@alpha.example", "password": PASSWORD}
    assert browser.post("/admin/login", data=typed, headers=headers).status_code == 303


# --- headers ---------------------------------------------------------------------------------


# Most pages open for one of them, and most are refused to the other.
@pytest.mark.parametrize("role", ["admin", "analyst"])
def test_every_answer_carries_the_guards(browser: Browser, role: str) -> None:
    browser.as_(email_of(role))
    if role == "analyst":
        browser.headers["accept"] = "application/json"  # a refusal is quicker said than drawn
    for way in walk_routes(browser.app):
        path = filled(way.path)
        if path == "/admin/logout":
            continue
        answer = browser.request(way.method, path, headers=OWN)
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy, way
        assert "frame-ancestors 'none'" in policy, way
        assert answer.headers["x-content-type-options"] == "nosniff", way
        assert answer.headers["referrer-policy"] == "same-origin", way
        assert answer.headers["strict-transport-security"], way
        if "/statics/" not in path and "/assets/" not in path:
            assert answer.headers["cache-control"] == "no-store", way
        assert "Traceback" not in answer.text, way


def test_statics_are_kept_and_small(browser: Browser) -> None:
    answer = browser.get("/assets/backroom.css?v=1", headers={"accept-encoding": "gzip"})
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    plain = browser.get("/admin/statics/css/tabler.min.css")
    assert plain.headers["cache-control"] == "public, max-age=604800"
    assert browser.get("/assets/nothing.css").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/assets/../web.py", "/assets/%2e%2e/%2e%2e/app/web.py"])
def test_statics_end_at_their_folder(browser: Browser, path: str) -> None:
    assert browser.get(path).status_code == 404


# --- hostile input and trouble ---------------------------------------------------------------


def test_what_the_server_refuses_by_itself_is_a_sentence_of_the_house(browser: Browser) -> None:
    browser.as_("manager@alpha.example")
    multipart = {"content-type": "multipart/form-data; boundary=x"}
    answers = (
        browser.get("/admin/reports/revenue/run"),
        browser.post("/admin/reports/own/new", data={"name": "x" * 100_000}, headers=OWN),
        browser.post("/admin/reports/own/new", data={"measures": ["a"] * 9999}, headers=OWN),
        browser.post("/admin/reports/own/new", content=b"x", headers=OWN | multipart),
    )
    assert [answer.status_code for answer in answers] == [405, 400, 400, 400]
    said = ("only takes what a form sends: go back", *["more than the page takes: go back"] * 2,
            "cannot be read: go back")  # fmt: skip
    for answer, sentence in zip(answers, said, strict=True):
        assert sentence in answer.text


def test_the_nul_character_is_refused_everywhere(browser: Browser) -> None:
    browser.as_("manager@alpha.example")
    assert browser.get("/admin/customer/details/%00").status_code == 404
    assert browser.get("/link/%00").status_code == 404
    assert browser.get("/admin/customer/list?search=%00").status_code == 400
    bodies = (
        ("application/x-www-form-urlencoded", b"name=%00"),
        ("application/x-www-form-urlencoded", b"name=\0"),
        ("application/json", b'{"name": "\\u0000"}'),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="n"'
         b"\r\n\r\na\0b\r\n--x--\r\n"),
    )  # fmt: skip
    for kind, body in bodies:
        answer = browser.post(
            "/admin/tag/create", content=body, headers=OWN | {"content-type": kind}
        )
        assert answer.status_code == 400
        assert "This could not be done" in answer.text


@pytest.mark.parametrize(
    ("charset", "typed"),
    [
        ("unicode_escape", r"x\x00"), ("unicode_escape", r"x\ud800"), ("utf-7", "x+2AA-"),
        ('"UTF-7"', "x+AAA-"), ("punycode", "caf\u00e9"), ("utf-8; charset=utf-7", "x+2AA-"),
    ],
)  # fmt: skip
def test_forms_are_read_as_utf_8_only(browser: Browser, charset: str, typed: str) -> None:
    def posted(path: str, name: str, charset: str, text: str) -> httpx2.Response:
        part = f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n--b--\r\n'
        kind = f"multipart/form-data; boundary=b; charset={charset}"
        return browser.post(path, content=part.encode(), headers=OWN | {"content-type": kind})

    for path in ("/admin/login", "/admin/imports/upload"):
        assert posted(path, "username", charset, typed).status_code in (303, 415)
    browser.as_("manager@alpha.example")
    for path in ("/admin/tag/create", "/admin/imports/upload"):
        answer = posted(path, "name", charset, typed)
        assert answer.status_code == 415
        assert "send it as UTF-8" in answer.text
    assert posted("/admin/tag/create", "name", "UTF-8", "caf\u00e9").status_code == 303


def test_large_bodies_are_refused(browser: Browser) -> None:
    big = b"x" * (middleware.FORM_LIMIT + 1)
    assert browser.post("/admin/login", content=big, headers=OWN).status_code == 413
    pieces = iter([b"x" * 700_000] * 4)
    assert browser.post("/admin/login", content=pieces, headers=OWN).status_code == 413
    for said in ("-1", "x", "9" * 40):
        answer = browser.post(
            "/admin/login", content=b"a=b", headers=OWN | {"content-length": said}
        )
        assert answer.status_code == 413


def test_only_the_signed_in_may_send_large_files(browser: Browser) -> None:
    big = b"x" * (middleware.FORM_LIMIT + 1)
    path = middleware.UPLOADS[0]
    assert browser.post(path, content=big, headers=OWN).status_code == 303
    browser.as_("manager@alpha.example")
    assert browser.post(path, content=big, headers=OWN).status_code != 413


def boom(request: Request) -> Response:
    raise RuntimeError("SELECT secret FROM somewhere")


@pytest.mark.parametrize("inside", [True, False])
def test_what_nobody_foresaw_is_a_sentence_and_a_number(house: House, inside: bool) -> None:
    browser = Browser(app := create_app())
    router = app.state.panel.admin.router if inside else app.router
    router.routes.insert(0, Route("/boom", boom))
    browser.as_("manager@alpha.example")
    path = "/admin/boom" if inside else "/boom"
    answer = browser.get(path)
    assert answer.status_code == 500
    assert "Something went wrong; nothing was saved" in answer.text
    assert answer.headers["x-request-id"] in answer.text
    for told in ("SELECT", "Traceback", "RuntimeError", "boom("):
        assert told not in answer.text
    told = browser.get(path, headers={"accept": "application/json"}).json()
    assert told["message"] == "Something went wrong; nothing was saved."


def test_a_strange_host_is_not_answered(house: House) -> None:
    with settled(ALLOWED_HOSTS="panel.example"):
        browser = Browser(create_app())
        assert browser.get("/healthz").status_code == 200
        assert browser.get("/healthz", headers={"host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("secret", ["", "short"])
def test_without_a_secret_nothing_starts(secret: str) -> None:
    with settled(SECRET_KEY=secret), pytest.raises(NoSecret, match="SECRET_KEY is missing"):
        create_app()


# --- health ----------------------------------------------------------------------------------


def test_health_and_readiness(browser: Browser) -> None:
    assert browser.get("/healthz").json() == {"status": "ok"}
    with settled(REDIS_URL="redis://127.0.0.1:1/0"):
        answer = browser.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not ready", "database": "ok", "migrations": "ok", "redis": "not reachable",
    }  # fmt: skip


def test_the_first_address_leads_to_the_panel(browser: Browser) -> None:
    assert browser.get("/").headers["location"] == "/admin/"


# --- account, users, links -------------------------------------------------------------------


def test_one_ends_another_session_of_ones_own(browser: Browser) -> None:
    browser.as_("manager@alpha.example")
    other = Browser(browser.app).as_("manager@alpha.example")
    page = browser.get("/admin/account")
    assert page.status_code == 200
    assert page.text.count("/admin/account/end/") == 1
    url = "/admin/account/end/" + page.text.split("/admin/account/end/")[1].split('"')[0]
    stranger = Browser(browser.app).as_("staff@alpha.example")
    assert stranger.post(url, headers=OWN).status_code == 404
    assert other.get("/admin/").status_code == 200
    assert browser.post(url, headers=OWN).status_code == 303
    assert other.get("/admin/").status_code == 303
    assert browser.post("/admin/account/end/x", headers=OWN).status_code == 404


def test_one_signs_out_everywhere_else_and_changes_the_password(browser: Browser) -> None:
    browser.as_("manager@alpha.example")
    other = Browser(browser.app).as_("manager@alpha.example")
    assert browser.post("/admin/account/end-others", headers=OWN).status_code == 303
    assert other.get("/admin/").status_code == 303
    fields = ("current_password", "new_password", "repeat_password")

    def change(*typed: str) -> tuple[int, str]:
        form = dict(zip(fields, typed, strict=True))
        answer = browser.post("/admin/account/password", data=form, headers=OWN)
        return answer.status_code, answer.text

    assert change(PASSWORD, "one", "two")[0] == 400
    assert "too short" in change(PASSWORD, "one", "one")[1]
    assert "present password is wrong" in change("x", "entirely new", "entirely new")[1]
    assert change(PASSWORD, "entirely new", "entirely new")[0] == 303
    assert Browser(browser.app).sign_in("manager@alpha.example").status_code == 400
    Browser(browser.app).sign_in("manager@alpha.example", "entirely new")


def test_a_manager_invites_and_the_invited_signs_in(browser: Browser) -> None:
    browser.as_("manager@alpha.example")
    form = {"email": "new@alpha.example", "name": "Nia", "role": "staff"}
    page = browser.post("/admin/users/invite", data=form, headers=OWN)
    assert page.status_code == 200
    link = ORIGIN + "/link/" + page.text.split(f"{ORIGIN}/link/")[1].split('"')[0]
    assert link not in browser.get("/admin/users").text
    guest = Browser(browser.app)
    assert "new@alpha.example" in guest.get(link).text
    wanted = {"new_password": "entirely new", "repeat_password": "entirely new"}
    differ = guest.post(link, data=wanted | {"repeat_password": "x"}, headers=OWN)
    assert differ.status_code == 400
    assert guest.post(link, data=wanted).status_code == 403
    done = guest.post(link, data=wanted, headers=OWN)
    assert done.headers["location"] == "/admin/login?set=1"
    assert guest.get(link).status_code == 410
    assert guest.post(link, data=wanted, headers=OWN).status_code == 410
    assert guest.sign_in("new@alpha.example", "entirely new").status_code == 303


def test_users_are_managed_in_ones_own_vendor_only(browser: Browser, house: House) -> None:
    browser.as_("manager@alpha.example")
    page = browser.get("/admin/users").text
    assert "staff@alpha.example" in page
    assert "beta.example" not in page
    foreign = house.places["staff@beta.example"]
    for path, form in (
        ("/admin/users/remove", {"place": str(foreign)}),
        ("/admin/users/role", {"place": str(foreign), "role": "manager"}),
    ):
        browser.post(path, data=form, headers=OWN)
    reset = {"user": str(house.users["staff@beta.example"])}
    assert browser.post("/admin/users/reset", data=reset, headers=OWN).status_code == 404
    with acting(SYSTEM), begin() as session:
        assert session.get_one(VendorUser, foreign).role == "staff"
    own = {"place": str(house.places["staff@alpha.example"])}
    browser.post("/admin/users/role", data=own | {"role": "manager"}, headers=OWN)
    with acting(SYSTEM), begin() as session:
        place = session.get_one(VendorUser, house.places["staff@alpha.example"])
        assert place.role == "manager"
    browser.post("/admin/users/remove", data=own, headers=OWN)
    assert Browser(browser.app).sign_in("staff@alpha.example").status_code == 400


# --- many at once ----------------------------------------------------------------------------


@pytest.fixture
def served(fresh_database: str) -> Iterator[tuple[str, House]]:
    """A real server on a real port, committing for real."""
    house = furnish()
    with acting(SYSTEM), begin() as session:
        for slug, vendor_id in house.vendors.items():
            for n in range(3):
                make.tag(session, name=f"{slug} tag {n}", vendor_id=vendor_id)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with settled(DEMO="true", PUBLIC_URL=f"http://127.0.0.1:{port}"):
        config = uvicorn.Config(create_app(), host="127.0.0.1", port=port, log_level="error")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        deadline = time.monotonic() + 60
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.02)
        assert server.started
        yield f"http://127.0.0.1:{port}", house
        server.should_exit = True
        thread.join(20)


def test_no_vendor_sees_another_on_shared_connections(served: tuple[str, House]) -> None:
    base, _ = served
    cookies = {}
    for slug in ("alpha", "beta"):
        with acting(GATE):
            opened = in_transaction(
                users.sign_in,
                email=f"staff@{slug}.example",
                password=PASSWORD,
                address="127.0.0.1",
                device="x",
            )
        assert isinstance(opened, users.SignedIn)
        cookies[slug] = f"backroom={opened.token}"
    limits = httpx2.Limits(max_connections=3, max_keepalive_connections=3)
    with httpx2.Client(base_url=base, limits=limits, timeout=60) as client:

        def ask(n: int) -> tuple[int, bool, bool]:
            slug = ("alpha", "beta", "")[n % 3]
            headers = {"cookie": cookies[slug]} if slug else {}
            answer = client.get("/admin/tag/list", headers=headers)
            other = {"alpha": "beta tag", "beta": "alpha tag", "": " tag 1"}[slug]
            own = f"{slug} tag 1" in answer.text if slug else answer.status_code == 303
            return answer.status_code, own, other in answer.text

        with ThreadPoolExecutor(12) as pool:
            outcomes = list(pool.map(ask, range(120)))
    assert {status for status, _, _ in outcomes} <= {200, 303}
    assert all(own for _, own, _ in outcomes)
    assert not any(other for _, _, other in outcomes)


def test_refusals_for_programs_are_json(browser: Browser) -> None:
    browser.as_("manager@alpha.example")
    answer = browser.post("/admin/login", headers={"accept": "application/json"})
    assert answer.status_code == 403
    assert json.loads(answer.text)["message"].startswith("This came from another site")


def test_many_vendors_are_searched_not_printed_on_every_page(app: Starlette, house: House) -> None:
    with acting(admin_actor()), begin() as session:
        for number in range(14):
            make.vendor(session, name=f"Branch {number:02d}")
    browser = Browser(app).as_(email_of("admin"))
    page = browser.get("/admin/booking/list").text
    assert 'data-vendors="/admin/booking/choices/vendor"' in page
    assert page.count('name="vendor" value=') <= 12
    found = browser.get("/admin/booking/choices/vendor?term=Branch+13").json()["choices"]
    assert [choice["label"] for choice in found] == ["Branch 13"]
    assert found[0]["value"]
