"""Customers found, filtered, tagged, made, merged and edited, as people do it."""

import re
from urllib.parse import parse_qsl, urlsplit

from playwright.sync_api import expect

from models.customers import Customer, CustomerMerge
from models.tags import CustomerTag
from tests.browser.visiting import PHONE, WIDE, Visit, Visitor

ADMIN = "admin@market.example"
LIST = "/admin/customer/list"
NAMES = "[data-row] [data-open]"


def names(visitor: Visitor) -> list[str]:
    """The names on the page of the list."""
    return visitor.page.locator(NAMES).all_inner_texts()


def query(visitor: Visitor) -> list[tuple[str, str]]:
    """What the address says."""
    return parse_qsl(urlsplit(visitor.page.url).query)


def choose_category(visitor: Visitor, name: str) -> None:
    """Open the chip, tick a category, press the button that tells the result."""
    chip = visitor.page.locator("#filter-service_category")
    chip.locator("summary").click()
    chip.get_by_text(name, exact=True).click()
    chip.get_by_role("button", name=re.compile("^Show")).click()
    visitor.page.wait_for_url("**service_category=*")  # the chip is there before the rows are


def test_a_category_filters_and_stands_in_the_address(visit: Visit) -> None:
    visitor = visit(ADMIN, PHONE)
    visitor.open(LIST)
    choose_category(visitor, "Pets")
    expect(visitor.page.locator(".chip.on")).to_contain_text("Service category: Pets")
    assert ("service_category", str(visitor.running.things["pets"])) in query(visitor)
    found = names(visitor)
    assert len(found) == 20
    assert all(int(name[-2:]) % 3 == 0 for name in found)
    visitor.check_both("customers-filtered")
    visitor.page.reload()
    assert names(visitor) == found
    visitor.page.get_by_label("Remove filter Service category").click()
    visitor.page.wait_for_url(lambda url: "service_category" not in url)
    expect(visitor.page.locator(".chip.on")).to_have_count(0)
    assert not [k for k, _ in query(visitor) if k == "service_category"]
    assert len(names(visitor)) == 25


def test_all_that_match_are_tagged_and_untagged_again(visit: Visit) -> None:
    visitor = visit(ADMIN)
    hair = visitor.running.things["hair"]
    visitor.open(f"{LIST}?service_category={hair}")
    visitor.page.get_by_label("Select this page").check()
    visitor.page.get_by_role("button", name="Select all 40 that match").click()
    expect(visitor.page.locator("[data-bulk-text]")).to_contain_text("All 40")
    bulk = visitor.page.locator("[data-bulk]")
    bulk.locator("summary", has_text="Add tag").click()
    visitor.shot("customers-bulk")
    bulk.locator("#bulk-add_tag").fill("curly")
    bulk.get_by_role("button", name="Add tag").click()
    visitor.page.get_by_role("dialog").get_by_role("button", name="Add tag").click()
    toast = visitor.toast("40")
    visitor.shot("customers-tagged")
    assert _tagged(visitor, "curly") == 40
    toast.get_by_role("button", name="Undo").click()
    visitor.toast("undone")
    assert _tagged(visitor, "curly") == 0


def _tagged(visitor: Visitor, name: str) -> int:
    count = 0
    for slug in ("alpha", "beta"):
        with visitor.running.at(slug) as session:
            count += session.query(CustomerTag).filter(CustomerTag.tag.has(name=name)).count()
    return count


def test_a_phone_is_found_in_another_notation(visit: Visit) -> None:
    visitor = visit(ADMIN)
    wanted = "Phone Owner"
    visitor.running.customer(full_name=wanted, phone="+351913222111")
    for typed in ("913 222 111", "+351 913-222-111", "00351913222111"):
        visitor.open(LIST)
        visitor.page.locator("[data-search]").fill(typed)
        visitor.page.locator("[data-search]").press("Enter")
        visitor.page.wait_for_url("**search=*")
        assert names(visitor) == [wanted], typed


def test_a_likely_duplicate_is_shown_while_typing(visit: Visit) -> None:
    visitor = visit("staff@alpha.example", PHONE)
    who = "Known Already"
    visitor.running.customer(full_name=who, phone="+351913440390")
    visitor.open("/admin/customer/create")
    visitor.check()
    visitor.page.get_by_role("textbox", name="Phone").fill("913440390")
    found = visitor.page.locator("#duplicates")
    found.get_by_role("link", name=who).wait_for()
    visitor.check_both("customer-duplicate")
    visitor.page.get_by_role("textbox", name="Phone").fill("")
    visitor.page.get_by_label("Name").fill("Someone New")
    visitor.button("Save customer").click()
    visitor.page.get_by_role("heading", name="Someone New").wait_for()
    assert visitor.running.count("alpha", Customer.full_name == "Someone New") == 1


def test_two_files_become_one_and_two_again(visit: Visit) -> None:
    visitor = visit("manager@alpha.example", PHONE)
    stays = visitor.running.customer(full_name="Merge Stays", email="m@stays.example")
    goes = visitor.running.customer(full_name="Merge Goes", note="Likes tea")
    assert visitor.open(f"/admin/customer/{stays}/merge?with={goes}") == 200
    visitor.check_both("customer-merge")
    visitor.button("Merge these two").click()
    toast = visitor.toast("one now")
    both = Customer.full_name.like("Merge %")
    assert visitor.running.count("alpha", both, Customer.archived_at.is_(None)) == 1
    toast.get_by_role("button", name="Undo").click()
    visitor.toast("file of its own again")
    assert visitor.running.count("alpha", both, Customer.archived_at.is_(None)) == 2
    with visitor.running.at("alpha") as session:
        merge = session.query(CustomerMerge).filter(CustomerMerge.survivor_id == stays).one()
        assert merge.merged_id == goes


def test_the_second_of_two_editors_keeps_what_was_typed(visit: Visit) -> None:
    first, second = visit("manager@alpha.example", WIDE), visit("staff@alpha.example", WIDE)
    number = first.running.customer(full_name="Edited Twice")
    for visitor in (first, second):
        visitor.open(f"/admin/customer/details/{number}")
        visitor.page.locator("[data-key=e]").click()
    first.page.locator("#c-name").fill("Edited First")
    first.page.get_by_role("button", name="Save contact").click()
    first.toast("saved")
    second.page.locator("#c-name").fill("Edited Second")
    second.page.get_by_role("button", name="Save contact").click()
    sentence = second.page.locator("#contact [role=alert]")
    expect(sentence).to_contain_text("changed")
    expect(second.page.locator("#c-name")).to_have_value("Edited Second")
    second.shot("customer-changed-meanwhile")
    assert first.running.count("alpha", Customer.full_name == "Edited First") == 1
