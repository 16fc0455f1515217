"""A vendor's people see their own, whatever they type into the address."""

import pytest

from tests.browser.visiting import PHONE, WIDE, Visit, Visitor

NOUNS = {
    "customer": ("details", "edit"),
    "booking": ("details", "edit"),
    "order": ("details", "edit"),
    "task": ("details", "edit"),
    "service": ("details", "edit"),
    "membership": ("details",),
    "coupon": ("details",),
    "tag": ("details",),
}
MISSING = "This page is not here"


def test_lists_show_ones_own_only(visit: Visit) -> None:
    visitor = visit("staff@alpha.example")
    for noun in ("customer", "booking", "order", "service"):
        assert visitor.open(f"/admin/{noun}/list") == 200
        assert "Alpha" in visitor.html
        assert "Beta" not in visitor.html.replace("Beta-", "")
    visitor.open("/admin/customer/list?search=Beta Person")
    assert visitor.page.locator("[data-row]").count() == 0


@pytest.mark.parametrize("role", ["manager", "staff"])
def test_ids_of_another_vendor_lead_nowhere(visit: Visit, role: str) -> None:
    visitor = visit(f"{role}@alpha.example", PHONE if role == "staff" else WIDE)
    things = visitor.running.things
    paths = [
        f"/admin/{noun}/{page}/{things[f'beta {noun}']}"
        for noun, pages in NOUNS.items()
        for page in pages
    ]
    paths += [f"/admin/imports/{things['beta import']}/{page}" for page in ("columns", "result")]
    paths += [f"/admin/customer/{things['alpha customer']}/merge?with={things['beta customer']}"]
    drawn = {status: path for path in paths if (status := refused(visitor, path))}
    assert set(drawn) <= {403, 404}
    for path in (*drawn.values(), paths[0]):  # one refusal looks like the other
        visitor.open(path)
        assert not visitor.find_faults(), path
    assert visitor.page.get_by_role("heading", name=MISSING).is_visible()
    visitor.shot(f"another-vendor-{role}")


def refused(visitor: Visitor, path: str) -> int:
    """How a page is refused that is not drawn, and tells nothing of the other vendor."""
    answer = visitor.page.request.get(visitor.running.url(path))
    assert "Beta" not in answer.text(), path
    return answer.status


def test_what_is_asked_behind_the_page_stays_inside_too(visit: Visit) -> None:
    visitor = visit("staff@alpha.example")
    visitor.open("/admin/customer/list")
    found = visitor.page.evaluate(
        """async () => {
          const paths = ['lookup/customer?term=Beta', 'duplicates?full_name=Beta Person 01',
                         'values/service?term=beta', 'values/tag'];
          const ask = p => fetch('/admin/customer/' + p).then(r => r.text());
          return Promise.all(paths.map(ask));
        }"""
    )
    assert not [text for text in found if "Beta" in text or "beta" in text], found


def test_no_such_record_is_a_page_that_says_so(visit: Visit) -> None:
    visitor = visit("staff@alpha.example")
    for number in ("0", "-1", "999999999999999999999", "x", "1%00"):
        assert refused(visitor, f"/admin/customer/details/{number}") in (400, 404), number
    assert visitor.open("/admin/customer/details/1'--") in (400, 404)
    assert not visitor.find_faults()
