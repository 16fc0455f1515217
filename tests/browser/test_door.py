"""In and out of the panel."""

from playwright.sync_api import Route

from tests.browser.visiting import PHONE, WIDE, Visit
from tests.webclient import PASSWORD

ADMIN = "admin@market.example"


def test_one_signs_in_and_out_by_the_menu(visit: Visit) -> None:
    visitor = visit(None, PHONE)
    visitor.open("/admin/customer/list")
    visitor.check_both("sign-in")
    visitor.sign_in(ADMIN, "not the password")
    visitor.page.get_by_role("alert").wait_for()
    visitor.sign_in(ADMIN, PASSWORD)
    visitor.page.wait_for_selector(".bk-app")
    visitor.shot("today")
    visitor.page.get_by_label("account").click()
    visitor.button("Sign out").click()
    visitor.page.get_by_role("heading", name="Sign in").wait_for()
    visitor.open("/admin/customer/list")
    assert visitor.page.get_by_role("heading", name="Sign in").is_visible()


def test_a_session_ended_elsewhere_leads_to_the_door(visit: Visit) -> None:
    here = visit("staff@beta.example", own=True)
    here.open("/admin/customer/list")
    there = visit("staff@beta.example", own=True)
    there.page.get_by_label("account").click()
    there.page.get_by_role("link", name="Account and sign-ins").click()
    there.shot("account")
    there.button("End all others").click()
    there.page.wait_for_load_state()
    here.page.reload()
    here.page.get_by_role("heading", name="Sign in").wait_for()


def test_the_theme_stays_as_chosen(visit: Visit) -> None:
    visitor = visit(ADMIN, WIDE)
    visitor.open("/admin/customer/list")
    root = visitor.page.locator("html")
    assert root.get_attribute("data-bs-theme") == "light"
    visitor.page.get_by_label("Switch between light and dark").click()
    assert root.get_attribute("data-bs-theme") == "dark"
    visitor.open("/admin/customer/list")
    assert root.get_attribute("data-bs-theme") == "dark"
    visitor.shot("customers-dark")


def test_a_script_that_got_lost_on_the_way_is_asked_for_again(visit: Visit) -> None:
    visitor, lost = visit(ADMIN, WIDE), []

    def lose(route: Route) -> None:
        lost.append(route.request.url)
        if len(lost) == 1:
            route.abort("aborted")
        else:
            route.continue_()

    visitor.page.route("**/assets/backroom.js*", lose)
    visitor.open("/admin/message-template/create")
    visitor.page.wait_for_function("() => window.Backroom && window.Backroom.later")
    assert len(lost) == 2
