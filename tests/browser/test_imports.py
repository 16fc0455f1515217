"""A customer list on its way in, step by step, by people who press buttons."""

from playwright.sync_api import FilePayload, expect

from models.customers import Customer
from tests.browser import papers
from tests.browser.visiting import PHONE, Visit, Visitor

ADMIN = "admin@market.example"


def upload(visitor: Visitor, name: str, kind: str, content: bytes) -> None:
    """Choose a vendor and a file, and have it read."""
    visitor.open("/admin/imports")
    visitor.check()
    send(visitor, name, kind, content)
    visitor.page.get_by_role("heading", name="Which column is what?").wait_for()


def send(visitor: Visitor, name: str, kind: str, content: bytes) -> None:
    """Search the vendor, choose the file, press the button."""
    vendor = visitor.page.get_by_role("combobox", name="Vendor")
    vendor.fill("bet")
    visitor.page.get_by_role("option", name="Beta").click()
    expect(vendor).to_have_value("Beta")
    payload = FilePayload(name=name, mimeType=kind, buffer=content)
    visitor.page.locator("input[type=file]").set_input_files(payload)
    visitor.button("Read the file").click()


def try_out(visitor: Visitor) -> None:
    visitor.button("Try it out").click()
    visitor.page.get_by_role("heading", name="What would happen").wait_for()


def bring_in(visitor: Visitor, rows: int) -> None:
    visitor.button(f"Import {rows} rows").click()
    visitor.page.get_by_text(f"{rows} rows imported").wait_for()


def numbers(visitor: Visitor) -> dict[str, str]:
    """What the tiles say: outcome and number."""
    tiles = visitor.page.locator(".bucket b")
    return dict(tiles.evaluate_all("all => all.map(b => [b.dataset.count, b.textContent.trim()])"))


def test_a_csv_comes_in_is_corrected_and_goes_again(visit: Visit) -> None:
    visitor, tag = visit(ADMIN, PHONE), "csv390"
    upload(visitor, "kunden ü.csv", "text/csv", papers.spreadsheet(tag))
    visitor.check_both("import-columns")
    for column, field in enumerate(("full_name", "email", "phone", "city", "tags")):
        expect(visitor.page.locator(f"[name=column-{column}]")).to_have_value(field)
    try_out(visitor)
    visitor.check_both("import-try")
    expected = {"created": "3", "updated": "0", "unchanged": "0", "skipped_duplicate": "1"}
    assert numbers(visitor) == expected | {"invalid": "1"}
    mine = Customer.email.like(f"%@{tag}.example")
    assert visitor.running.count("beta", mine) == 0
    bring_in(visitor, 3)
    visitor.check_both("import-result")
    assert numbers(visitor) == expected | {"invalid": "1"}
    assert visitor.running.count("beta", mine, Customer.full_name == "José Conceição") == 1

    visitor.page.get_by_label("E-mail, line 6").fill(f"fixed@{tag}.example")
    visitor.button("Save row").click()
    visitor.toast("became a new customer")
    assert numbers(visitor) == expected | {"created": "4", "invalid": "0"}
    assert visitor.running.count("beta", mine) == 4

    visitor.button("Undo import").click()
    visitor.page.get_by_role("dialog").get_by_role("button", name="Undo import").click()
    visitor.page.get_by_text("rows were taken back").wait_for()
    visitor.check_both("import-undone")
    assert visitor.running.count("beta", mine, Customer.archived_at.is_(None)) == 0


def test_a_printed_list_comes_in(visit: Visit) -> None:
    visitor = visit(ADMIN)
    upload(visitor, "list.pdf", "application/pdf", papers.printed("paper"))
    visitor.shot("import-pdf-columns")
    try_out(visitor)
    assert numbers(visitor)["created"] == "40"
    visitor.page.get_by_role("link", name="Next").click()
    visitor.page.get_by_text("p. 2").first.wait_for()
    bring_in(visitor, 40)
    assert visitor.running.count("beta", Customer.email.like("%@paper.example")) == 40


def test_a_file_that_is_no_list_is_refused_in_a_sentence(visit: Visit) -> None:
    visitor = visit(ADMIN)
    visitor.open("/admin/imports")
    send(visitor, "list.csv", "text/csv", b"PK\x03\x04" + b"\x00" * 99)
    alert = visitor.page.get_by_role("alert")
    alert.wait_for()
    assert ":" in alert.inner_text()
    expect(visitor.page.get_by_role("combobox", name="Vendor")).to_have_value("Beta")
    visitor.shot("import-refused")


def test_rows_are_corrected_before_and_decided_after_the_import(visit: Visit) -> None:
    visitor = visit(ADMIN, PHONE, dark=True)
    upload(visitor, "many.csv", "text/csv", papers.spreadsheet("many"))
    try_out(visitor)
    visitor.page.locator(".bucket", has_text="Problem").click()
    visitor.page.get_by_label("E-mail, line 6").fill("still@")
    visitor.button("Try again").click()
    visitor.toast("is no e-mail address")
    expect(visitor.page.get_by_label("E-mail, line 6")).to_have_value("still@")
    visitor.page.get_by_label("E-mail, line 6").fill("fixed@many.example")
    visitor.page.keyboard.press("Enter")
    visitor.toast("will become a new customer")
    assert numbers(visitor)["invalid"] == "0"
    bring_in(visitor, 4)

    visitor.page.locator(".bucket", has_text="Duplicate").click()
    visitor.page.get_by_text("1 repeats another row of the file").wait_for(state="attached")
    visitor.shot("import-duplicates")
    visitor.button("Add all as new").click()
    asked = visitor.page.get_by_role("dialog")
    asked.get_by_role("button", name="Add all as new").click()
    visitor.page.get_by_text("5 rows imported").wait_for()
    assert numbers(visitor)["skipped_duplicate"] == "0"
    mine = Customer.email.like("%@many.example")
    assert visitor.running.count("beta", mine) == 5
    assert not visitor.find_faults()


def test_what_runs_is_stopped_and_begun_again(visit: Visit) -> None:
    visitor = visit(ADMIN)
    people = "".join(f"Person {n},s{n}@stop.example\n" for n in range(30_000))
    upload(visitor, "long.csv", "text/csv", f"Name,Email\n{people}".encode())
    visitor.button("Try it out").click()
    visitor.button("Stop").click()
    visitor.page.get_by_text("Somebody stopped this list").wait_for()
    visitor.shot("import-stopped")
    visitor.check()
    assert visitor.running.count("beta", Customer.email.like("%@stop.example")) == 0
    visitor.page.get_by_role("link", name="Back to the columns").click()
    visitor.page.get_by_role("heading", name="Which column is what?").wait_for()
    visitor.open("/admin/imports")
    assert "long.csv" in visitor.text()
