"""Every page that the menu leads to: sound as it is sent, and no wider than the window."""

import re

import pytest

from tests.browser.house import HOSTILE
from tests.browser.visiting import PHONE, WIDE, Visit, Visitor

WHO = {"admin": "admin@market.example", "manager": "manager@alpha.example"}
WORKED_WITH = ("customer", "booking", "order")
"""Whose pages show a vendor's people something else than the marketplace."""
NOUN = re.compile(r"/admin/([a-z-]+)/list$")


def links(visitor: Visitor, selector: str) -> list[str]:
    """The paths that links on the page lead to, each once."""
    found = visitor.page.locator(selector).evaluate_all("all => all.map(a => a.pathname)")
    return list(dict.fromkeys(found))


def looked_at(visitor: Visitor, path: str, *, picture: str = "") -> list[str]:
    """Open a page on the phone and at the desk, whichever was last first; what is wrong with it."""
    faults = looked_at_once(visitor, path, picture=picture)
    if visitor.status != 200:
        return faults
    turned = PHONE if visitor.width == WIDE[0] else WIDE
    visitor.page.set_viewport_size({"width": turned[0], "height": turned[1]})
    return faults + [fault for fault in seen(visitor, picture) if fault not in faults]


def looked_at_once(visitor: Visitor, path: str, *, picture: str = "") -> list[str]:
    """Open a page in the window as it is; what is wrong with it."""
    if (status := visitor.open(path)) != 200:
        return [f"{status} at {path}"]
    return seen(visitor, picture)


def seen(visitor: Visitor, picture: str) -> list[str]:
    """What is wrong with the page as it stands, and a picture of it."""
    if picture:
        visitor.shot(picture)
    return visitor.find_faults()


def pages_of(visitor: Visitor, noun: str) -> list[str]:
    """What the list that is open leads to: one record, its form, a new one."""
    record = links(visitor, f"[data-row] a[href*='/{noun}/details/']")[:1]
    return record + links(visitor, f".bk-head a[href*='/admin/{noun}/create']")[:1]


@pytest.mark.parametrize("role", WHO)
def test_every_page_of_the_menu_is_sound(visit: Visit, role: str) -> None:
    """Forms, records, and all that is wide, are looked at as admin: a manager's are less by the
    vendor, and as they are sent they are looked at by `test_every_view`."""
    visitor, forms = visit(WHO[role], PHONE), role == "admin"
    look = looked_at if forms else looked_at_once
    visitor.open("/admin/")
    menu = links(visitor, ".bk-nav a")
    assert len(menu) > 10
    faults, seen = look(visitor, "/admin/", picture=f"{role}-today"), {"/admin/"}
    for path in menu:
        noun = NOUN.search(path)
        word = noun[1] if noun else path.strip("/").replace("/", "-")
        faults += look(visitor, path, picture=f"{role}-{word}-list")
        for inner in pages_of(visitor, word) if noun else ():
            kind = next((k for k in ("details", "edit", "create") if k in inner), "page")
            if inner not in seen and (forms or (kind == "details" and word in WORKED_WITH)):
                faults += look(visitor, inner, picture=f"{role}-{word}-{kind}")
            seen.add(inner)
            for form in links(visitor, f".bk-head a[href*='/admin/{word}/edit/']")[:forms]:
                faults += look(visitor, form, picture=f"{role}-{word}-edit")
    faults += [fault for path in ("/admin/account",) for fault in look(visitor, path)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_names_break_no_page(visit: Visit, word: str) -> None:
    visitor = visit(WHO["admin"])
    number = visitor.running.things[f"alpha {word}"]
    faults = looked_at(visitor, f"/admin/customer/details/{number}", picture=f"hostile-{word[:5]}")
    shown = visitor.page.locator("h1").text_content() or ""
    assert HOSTILE[word].strip("\u202e") in shown
    faults += looked_at(visitor, f"/admin/customer/list?search={HOSTILE[word][:30]}")
    faults += looked_at(visitor, f"/admin/message/create?customer={number}")
    assert not faults, "\n".join(faults)
