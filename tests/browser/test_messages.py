"""From a template to a delivered message: changed, looked at, tried on oneself, written."""

from playwright.sync_api import expect

from tests.browser.visiting import Visit

MANAGER = "manager@alpha.example"


def test_a_template_becomes_a_delivered_message(visit: Visit) -> None:
    visitor = visit(MANAGER)
    page, running = visitor.page, visitor.running
    ana = running.customer(full_name="Ana <b>Alves", email="ana@letters.example")
    visitor.open("/admin/message-template/words")
    page.get_by_role("link", name="New template").click()
    page.get_by_label("Name").fill("Your scarf")
    page.get_by_label("Subject").fill("It is here")
    page.get_by_label("Text").fill("Hello {{frist_name}}")
    page.get_by_role("button", name="Save template").click()
    expect(page.get_by_text("There is no field {{frist_name}}").first).to_be_visible()
    expect(page.get_by_label("Subject")).to_have_value("It is here")
    page.get_by_label("Text").fill("Hello ")
    page.get_by_role("button", name="first_name The customer's first name").click()
    expect(page.get_by_label("Text")).to_have_value("Hello {{first_name}}")
    page.locator("#ms-whose").fill("Alves")
    page.locator("#ms-whose-list li").first.click()
    expect(page.locator("[data-seen-body]")).to_have_text("Hello Ana")
    page.get_by_role("button", name="Save template").click()
    visitor.toast("Your scarf saved.")
    page.get_by_role("button", name="Test to myself").click()
    dialog = page.locator("#do-test")
    dialog.get_by_role("combobox").fill("Alves")
    dialog.locator("#test-whose-list li").first.click()
    dialog.get_by_role("button", name="Send to me").click()
    visitor.toast("It is on its way to your own e-mail address.")
    visitor.open(f"/admin/customer/details/{ana}")
    page.get_by_role("link", name="Write").click()
    expect(page.get_by_text("No address of the customer is known").first).to_be_visible()
    page.get_by_label("Template").select_option(label="Your scarf (E-mail)")
    expect(page.locator("[data-seen-body]")).to_have_text("Hello Ana")
    page.get_by_role("button", name="Take these words and change them").click()
    page.get_by_label("Text", exact=True).press("End")
    page.get_by_label("Text", exact=True).press_sequentially(", come by.")
    expect(page.locator("[data-seen-body]")).to_have_text("Hello Ana, come by.")
    page.get_by_role("button", name="Send").dblclick()
    visitor.toast("The message is on its way.")
    expect(page.get_by_text("It is here")).to_have_count(1)
    for _ in range(40):
        if page.locator(".ev", has_text="It is here").get_by_text("Sent").count():
            break
        page.wait_for_timeout(250)
        page.reload()
    expect(page.locator(".ev", has_text="It is here").get_by_text("Sent")).to_be_visible()
    plain = [one for one in running.post.letters if not one.is_multipart()]  # no receipts
    brought = {str(one["To"]): one.get_content() for one in plain}
    assert "Hello Ana, come by." in brought["ana@letters.example"]
    assert "Hello Ana" in brought[MANAGER]
    page.get_by_role("link", name="It is here").click()
    expect(page.get_by_text("Hello Ana, come by.")).to_be_visible()
    expect(page.get_by_text("Taken by the mail server")).to_be_visible()
