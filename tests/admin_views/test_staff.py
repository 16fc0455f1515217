"""Staff members on screen: the plainest noun, so the base view's promises are tested here."""

from sqlalchemy import Connection

from app.database import begin
from app.tenancy import acting, vendor_actor
from models.staff import StaffMember
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, manager
from tests.admin_views.reading import text_of


def _member(vendor: int, **fields: object) -> int:
    with acting(vendor_actor(vendor)), begin() as session:
        return make.staff_member(session, **fields).id


def test_a_manager_adds_changes_and_deletes_somebody(panel: PanelClient, db: Connection) -> None:
    vendor = make.new_vendor()
    panel.as_(manager(vendor))
    made = panel.post(
        "/admin/staff-member/create", data={"name": "Ana Alves", "phone": "912345678"}
    )
    assert made.status_code == 303, text_of(made.text)
    page = panel.get(made.headers["location"])
    assert "Ana Alves" in page.text
    assert "+351 912 345 678" in page.text
    edit = made.headers["location"].replace("details", "edit")
    typed = panel.form_values(edit)
    saved = panel.post(edit, data={**typed, "title": "Colourist"})
    assert saved.status_code == 303, text_of(saved.text)
    assert "Colourist" in panel.get("/admin/staff-member/list").text
    number = edit.rsplit("/", 1)[1]
    gone = panel.post(f"/admin/staff-member/remove/{number}")
    assert gone.headers["location"] == "/admin/staff-member/list"
    assert panel.get(edit).status_code == 404


def test_a_save_over_somebody_elses_change_is_refused_and_keeps_what_was_typed(
    panel: PanelClient,
) -> None:
    vendor = make.new_vendor()
    number = _member(vendor, name="Rui")
    panel.as_(manager(vendor))
    url = f"/admin/staff-member/edit/{number}"
    typed = panel.form_values(url)
    with acting(vendor_actor(vendor)), begin() as session:
        session.get_one(StaffMember, number).title = "Barber"
    refused = panel.post(url, data={**typed, "name": "Rui Reis"})
    assert refused.status_code == 400
    assert "Somebody changed this meanwhile" in refused.text
    assert "Rui Reis" in refused.text


def test_an_admin_chooses_the_vendor(panel: PanelClient) -> None:
    vendor = make.new_vendor(name="Aurora")
    panel.as_(admin())
    without = panel.post("/admin/staff-member/create", data={"name": "Ana"})
    assert without.status_code == 400
    assert "Vendor is missing" in without.text
    made = panel.post("/admin/staff-member/create", data={"name": "Ana", "vendor": str(vendor)})
    assert made.status_code == 303, text_of(made.text)
    assert "Aurora" in panel.get("/admin/staff-member/list").text
