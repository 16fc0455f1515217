import pytest
from app.database import begin
from app.tenancy import acting, vendor_actor
from app.web import create_app
from tests import make
from tests.webclient import Browser, furnish, settled, OWN
@pytest.fixture(autouse=True, scope="module")
def out():
    with settled():
        yield
def body(fields):
    return "".join(f'--B\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k,v in fields.items()).encode()+b"--B--\r\n"
CS = ["unicode_escape","utf-7","idna","undefined","punycode","raw_unicode_escape","utf-16","mbcs","hex","rot13","utf-8\u00e9","utf-8-sig","utf_32", "string-escape"]
def test_charset(db):
    house = furnish(); app = create_app(); v = house.vendors["alpha"]
    with acting(vendor_actor(v)), begin() as s:
        c = make.customer(s).id; t=make.task(s).id; tag=make.tag(s).id
    b = Browser(app).as_("manager@alpha.example")
    nul = {"unicode_escape": ["\\x00","\\ud800"], "utf-7": ["+AAA-","+2AA-"], "raw_unicode_escape":["\\U00000000","\\ud800"]}
    for cs in CS:
        for val in nul.get(cs, ["caf\u00e9", "a"*300]):
            for u, f in [("/admin/login", dict(username=val,password=val)), (f"/admin/customer/{c}/tag", dict(name="x"+val)), ("/admin/tag/create", dict(name="x"+val)),
              ("/admin/users/invite", dict(email="x@y.zz",name="x"+val,role="staff")), ("/admin/api-tokens/new", dict(name="x"+val,days="30")), (f"/admin/customer/{c}/contact", dict(full_name="x"+val)),
              ("/admin/customer/views/save", dict(name="x"+val, query="tag="+val)), ("/admin/task/views/save", dict(name="x"+val, query="search=x"+val)), (f"/admin/task/do/{t}/cancel", dict(reason=val)),
              (f"/admin/customer/{c}/log", dict(text=val,how="note")), ("/admin/customer/bulk/create_task", dict(ids=str(c),value="x"+val,once=val)), ("/admin/vendor", dict(vendor=val,next=val)), ("/admin/customer/create", dict(full_name="x"+val)),
              ("/admin/account/password", dict(current_password=val,new_password=val*10,repeat_password=val*10)), ("/link/abc", dict(new_password=val)), ("/admin/users/reset", dict(user=val)), ("/admin/users/role", dict(place=val)),("/admin/imports/upload", dict(vendor_id=val, strategy=val))]:
                r = b.post(u, content=body(f), headers=OWN|{"content-type": f"multipart/form-data; boundary=B; charset={cs}"} if cs.isascii() else OWN|{"content-type": f"multipart/form-data; boundary=B; charset={cs}".encode("latin-1")})
                if r.status_code >= 500: print(cs, repr(val[:10]), u, r.status_code)
