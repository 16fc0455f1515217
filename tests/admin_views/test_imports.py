"""The pages of an import, from the file to the undo, as each role."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from app.database import begin
from app.settings import settings
from app.tenancy import acting, vendor_actor
from app.web import create_app
from tasks import imports as tasks
from tests.admin_views.customer_house import ALPHA, BETA, customer, post
from tests.webclient import OWN, Browser, House, furnish, settled

LIST = "Name,Email,Phone,City\nAnna Sousa,anna@example.com,+351912345678,Porto\nBen,broken@,,\n"


@pytest.fixture(autouse=True)
def outside_the_demo(tmp_path: Path) -> Iterator[None]:
    with settled(VAR=str(tmp_path)):
        yield


@pytest.fixture
def house(db: Connection) -> House:
    return furnish()


@pytest.fixture
def manager(house: House) -> Iterator[Browser]:
    with Browser(create_app()) as browser:
        yield browser.as_("manager@alpha.example")


def upload(browser: Browser, content: str | bytes = LIST, name: str = "l.csv", **form: str) -> Any:
    files = {"file": (name, content)}
    return browser.post("/admin/imports/upload", files=files, data=form, headers=OWN)


def work(house: House, slug: str = ALPHA) -> None:
    """What the worker would do with everything that was promised."""
    vendor = house.vendors[slug]
    with acting(vendor_actor(vendor)), begin() as session:
        promised = session.execute(
            text(
                "UPDATE outbox_messages SET done_at = now() WHERE done_at IS NULL"
                " AND task LIKE 'tasks.imports.%' RETURNING task, payload"
            )
        ).all()
    for task, payload in promised:
        with acting(vendor_actor(vendor, payload["user_id"])):
            getattr(tasks, task.rpartition(".")[2]).run(payload["job_id"])


def columns(**changes: str) -> dict[str, Any]:
    fields = {"column-0": "full_name", "column-1": "email", "column-2": "phone"}
    return fields | {"column-3": "city", "strategy": "fill", "keys": ["email", "phone"]} | changes


def mapped(browser: Browser, content: str = LIST) -> str:
    """The address of an uploaded and mapped list."""
    answer = upload(browser, content)
    assert answer.status_code == 303, answer.text
    base = str(answer.headers["location"]).removesuffix("/columns")
    assert post(browser, f"{base}/map", **columns()).headers["location"] == f"{base}/try"
    return base


def imported(browser: Browser, house: House, content: str = LIST) -> str:
    base = mapped(browser, content)
    work(house)
    assert post(browser, f"{base}/commit").status_code == 303
    work(house)
    return base


def test_a_list_goes_in_step_by_step(manager: Browser, house: House) -> None:
    assert "choose a file" in manager.get("/admin/imports").text
    base = mapped(manager)
    assert "data-poll" in manager.get(f"{base}/try").text
    assert manager.get(f"{base}/progress").json()["finished"] is False
    work(house)
    assert manager.get(f"{base}/progress").json()["finished"] is True
    tried = manager.get(f"{base}/try").text
    assert "Import 2 rows" in tried
    assert "Anna Sousa" in tried
    assert post(manager, f"{base}/commit").headers["location"] == f"{base}/run"
    assert "Importing" in manager.get(f"{base}/run").text
    work(house)
    assert manager.get(f"{base}/run").headers["location"] == f"{base}/result"
    result = manager.get(f"{base}/result")
    assert result.status_code == 200
    assert "rows imported" in result.text
    assert "Undo import" in result.text
    assert "l.csv" in manager.get("/admin/imports").text


def test_columns_are_shown_with_samples_and_can_be_changed(manager: Browser, house: House) -> None:
    base = str(upload(manager).headers["location"]).removesuffix("/columns")
    page = manager.get(f"{base}/columns").text
    assert "Anna Sousa" in page
    assert '<option value="email" selected>' in page
    twice = post(manager, f"{base}/map", **columns(**{"column-0": "email"}))
    assert twice.status_code == 400
    assert "Two columns go to the same field" in twice.text
    unknown = post(manager, f"{base}/map", **columns(**{"column-0": "password"}))
    assert unknown.status_code == 400
    nobody = {f"column-{n}": "" for n in range(4)}
    assert "No column says who" in post(manager, f"{base}/map", **columns(**nobody)).text


def test_a_problem_row_is_corrected_on_the_page(manager: Browser, house: House) -> None:
    base = imported(manager, house, "Name,Email,Phone,City\nAnna,a@example.com,,\n,broken@,,\n")
    page = manager.get(f"{base}/result?show=invalid").text
    action = page.split(f'action="{base}/fix/')[1].split('"')[0]
    answer = post(manager, f"{base}/fix/{action}".replace("&amp;", "&"), email="ben@example.com")
    assert answer.status_code == 303
    assert "became a new customer" in manager.get(answer.headers["location"]).text
    with acting(vendor_actor(house.vendors[ALPHA])), begin() as session:
        emails = set(session.scalars(text("SELECT email FROM customers")))
    assert emails == {"a@example.com", "ben@example.com"}


def test_the_same_person_is_asked_about_and_decided(manager: Browser, house: House) -> None:
    from datetime import date

    customer(house, full_name="Anna Sousa", birthday=date(1990, 2, 3), email="x@example.com")
    base = str(
        upload(manager, "Name,Email,Birthday\nAnna Sousa,a@example.com,1990-02-03\n").headers[
            "location"
        ]
    ).removesuffix("/columns")
    fields = {"column-0": "full_name", "column-1": "email", "column-2": "birthday"}
    post(manager, f"{base}/map", **fields, keys=["email", "name_birthday"], strategy="fill")
    work(house)
    assert "There is nothing to import." in manager.get(f"{base}/try").text
    post(manager, f"{base}/commit")
    work(house)
    page = manager.get(f"{base}/result").text
    assert "The same person?" in page
    row = page.split(f"{base}/decide/")[1].split("/")[0]
    for choice in ("new", "new"):
        answer = post(manager, f"{base}/decide/{row}/{choice}")
        assert answer.status_code == 303
    with acting(vendor_actor(house.vendors[ALPHA])), begin() as session:
        assert session.scalar(text("SELECT count(*) FROM customers")) == 2


def test_an_import_is_undone_from_its_page(manager: Browser, house: House) -> None:
    base = imported(manager, house)
    post(manager, f"{base}/undo")
    work(house)
    assert "taken back" in manager.get(f"{base}/result").text
    with acting(vendor_actor(house.vendors[ALPHA])), begin() as session:
        assert session.scalar(text("SELECT count(*) FROM customers")) == 0


def test_a_second_click_begins_no_second_import(manager: Browser, house: House) -> None:
    base = mapped(manager)
    work(house)
    for _ in range(3):
        assert post(manager, f"{base}/commit").headers["location"] == f"{base}/run"
    with acting(vendor_actor(house.vendors[ALPHA])), begin() as session:
        promised = "SELECT count(*) FROM outbox_messages WHERE task = 'tasks.imports.commit'"
        assert session.scalar(text(promised)) == 1


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"", "empty.csv"), (b"PK\x03\x04 workbook", "x.csv"), (b"\x00\xff\xfe\x00", "x.csv")],
)
def test_a_file_that_is_no_list_is_refused_in_a_sentence(
    manager: Browser, content: bytes, name: str
) -> None:
    answer = upload(manager, content, name)
    assert answer.status_code in (400, 303)
    assert "Traceback" not in answer.text


def test_a_file_past_the_limit_is_refused(manager: Browser, tmp_path: Path) -> None:
    with settled(VAR=str(tmp_path), IMPORT_MAX_BYTES="1000"):
        settings.cache_clear()
        answer = upload(manager, "Name\n" + "x" * 2000)
    assert answer.status_code == 400
    assert "larger than" in answer.text
    assert list((tmp_path).rglob("*.part")) == []


def test_another_vendors_list_is_not_there(manager: Browser, house: House) -> None:
    base = imported(manager, house)
    with Browser(create_app()) as browser:
        browser.as_(f"manager@{BETA}.example")
        for page in ("columns", "try", "run", "progress", "result"):
            assert browser.get(f"{base}/{page}").status_code == 404, page
        for command in ("map", "commit", "undo", "try-again", "fix/1", "decide/1/new"):
            assert post(browser, f"{base}/{command}").status_code == 404, command
    assert manager.get("/admin/imports/x/try").status_code == 404
    assert manager.get("/admin/imports/999999999999/try").status_code == 404


@pytest.mark.parametrize("who", ["staff@alpha.example", "analyst@market.example"])
def test_only_managers_and_admins_import(house: House, who: str) -> None:
    with Browser(create_app()) as browser:
        browser.as_(who)
        assert browser.get("/admin/imports").status_code == 403
        assert upload(browser).status_code == 403


def test_an_admin_chooses_the_vendor_first(house: House) -> None:
    with Browser(create_app()) as browser:
        browser.as_("admin@market.example")
        assert "Choose a vendor" in browser.get("/admin/imports").text
        assert "Choose the vendor" in upload(browser).text
        answer = upload(browser, vendor_id=str(house.vendors[BETA]))
        base = str(answer.headers["location"]).removesuffix("/columns")
        post(browser, f"{base}/map", **columns())
        work(house, BETA)
        post(browser, f"{base}/commit")
        work(house, BETA)
        assert "rows imported" in browser.get(f"{base}/result").text
    with acting(vendor_actor(house.vendors[BETA])), begin() as session:
        assert session.scalar(text("SELECT count(*) FROM customers WHERE channel = 'import'"))
