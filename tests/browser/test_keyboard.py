"""The panel without a mouse."""

from playwright.sync_api import expect

from tests.browser.visiting import Visit

ADMIN = "admin@market.example"
LIST = "/admin/customer/list"
WITHOUT_RING = """() => {
  const at = document.activeElement, around = at.closest('.bk-find, .chip') || at;
  const ring = e => { const s = getComputedStyle(e); return s.outlineStyle + s.boxShadow; };
  return [ring(at) + ring(around) === 'nonenonenonenone' ? at.outerHTML.slice(0, 99) : ''];
}"""


def test_slash_finds_arrows_and_enter_open_escape_closes(visit: Visit) -> None:
    visitor = visit(ADMIN)
    visitor.open(LIST)
    keys = visitor.page.keyboard
    keys.press("/")
    expect(visitor.page.locator("[data-search]")).to_be_focused()
    keys.press("Escape")
    expect(visitor.page.locator("[data-search]")).not_to_be_focused()
    keys.press("Control+k")
    expect(visitor.page.locator("[data-find]")).to_be_focused()
    keys.press("Escape")

    keys.press("f")
    chip = visitor.page.locator("details.chip[open]")
    expect(chip).to_have_count(1)
    keys.press("Escape")
    expect(chip).to_have_count(0)
    keys.press("?")
    dialog = visitor.page.locator("#keys-dialog")
    expect(dialog).to_be_visible()
    keys.press("Escape")
    expect(dialog).to_be_hidden()

    second = visitor.page.locator("[data-row]").nth(1)
    name = second.locator("[data-open]").inner_text()
    keys.press("ArrowDown")
    keys.press("ArrowDown")
    keys.press("x")
    expect(second.locator(".select-box")).to_be_checked()
    keys.press("x")
    keys.press("Enter")
    visitor.page.wait_for_url("**/customer/details/*")
    assert visitor.page.locator("h1").inner_text() == name


def test_n_opens_a_new_one_and_letters_stay_in_fields(visit: Visit) -> None:
    visitor = visit("staff@alpha.example")
    visitor.open(LIST)
    visitor.page.locator("[data-search]").fill("")
    visitor.page.locator("[data-search]").press("n")
    assert visitor.page.url.endswith(LIST)
    visitor.page.keyboard.press("Escape")
    visitor.page.keyboard.press("n")
    visitor.page.wait_for_url("**/create*")
    visitor.open(LIST)
    visitor.page.keyboard.press("g")
    visitor.page.keyboard.press("o")
    visitor.page.wait_for_url("**/admin/order/list")


def test_everything_has_a_visible_focus(visit: Visit) -> None:
    visitor = visit(ADMIN)
    visitor.open(LIST)
    bare = []
    for _ in range(12):
        visitor.page.keyboard.press("Tab")
        bare += [one for one in visitor.page.evaluate(WITHOUT_RING) if one]
    assert not bare
