import base64, json
import pytest
from app.database import begin
from app.tenancy import acting, vendor_actor
from app.web import create_app
from tests import make
from tests.webclient import Browser, furnish, settled, OWN
from admin_views.lists import Address
from starlette.datastructures import QueryParams
@pytest.fixture(autouse=True, scope="module")
def out():
    with settled():
        yield
def test_cursor(db):
    house = furnish(); app = create_app(); v = house.vendors["alpha"]
    with acting(vendor_actor(v)), begin() as s:
        for _ in range(3): make.tag(s); make.order(s); make.task(s); make.booking(s)
    b = Browser(app).as_("manager@alpha.example")
    for ident, sort, vals in [("tag","name",["\ud800","a\x01",5]),("tag","newest",["1",True,2**63]),("order","placed",["0001-01-01T00:00:00+23:59","9999-12-31T23:59:59-23:59",None]),("order","newest",[2**62,-5]),("booking","latest",["0001-01-01T00:00:00+00:00"]), ("task","due",[None,"x"]),("package","name",["\udfff"]),("coupon","code",["\udfff"]),("vendor","name",["\ud800"])]:
        fp = Address.read(QueryParams(f"sort={sort}"), []).fingerprint
        for val in vals:
            for nm in ("after","before"):
                cur = base64.urlsafe_b64encode(json.dumps([val, 1, 10**30, fp]).encode()).decode().rstrip("=")
                r = b.get(f"/admin/{ident}/list?sort={sort}&{nm}={cur}")
                print(ident, sort, repr(val), r.status_code)
    for cur in (["name","\ud800",1],["activity","0001-01-01T00:00:00+23:59",1],["activity","9999-12-31T23:59:59-23:59",1],["newest",2**62]):
        for nm in ("after","before"):
            c = base64.urlsafe_b64encode(json.dumps(cur).encode()).decode().rstrip("=")
            r = b.get(f"/admin/customer/list?sort={cur[0]}&{nm}={c}"); print("customer", cur, r.status_code)
