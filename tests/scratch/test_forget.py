import pytest, os, tempfile, pathlib
from app.database import begin
from app.tenancy import acting, vendor_actor, admin_actor
from tests import make
from tests.webclient import settled
from tasks import imports as timp
from app.operations import forgetting, merging, customers, bulk, tags, views, reaching
from models.customers import Customer
from sqlalchemy import select, text

def grep(word):
    out = {}
    with acting(admin_actor()), begin() as s:
        c = s.connection()
        for (t,) in c.exec_driver_sql("select tablename from pg_tables where schemaname='public'").fetchall():
            try:
                with c.begin_nested():
                    rows = [r for r in c.exec_driver_sql(f"SELECT t::text FROM {t} t").scalars() if word in r.lower()]
            except Exception as e:
                continue
            if rows: out[t] = rows
    return out

def test_forget(fresh_database, tmp_path):
    with settled(VAR=str(tmp_path)):
        vid = make.new_vendor()
        with acting(admin_actor()), begin() as s:
            from models.vendors import Vendor
            slug = s.get(Vendor, vid).slug
        f = tmp_path/"list.csv"
        f.write_text("name,email,phone,birthday,note\nQuintessa Obermaier,quintessa@example.com,+493012345678,1990-01-02,quintessa note\nBob,bob@example.com,,,\nQuintessa Obermaier,quintessa@example.com,,,\nQuintessa Obermaier,not-an-email-quintessa,,1990-01-02,\n,quintessa bad,,,\n")
        print(timp.run_file(f, vendor_slug=slug, commit=True))
        f.write_text("name,email,phone,birthday\nQuintessa Obermaier,,,1990-01-02\nQ,quintessa@example.com,,\n")
        print(timp.run_file(f, vendor_slug=slug, commit=False))
        f.unlink()
        with acting(vendor_actor(vid)), begin() as s:
            q = s.scalar(select(Customer).where(Customer.email=="quintessa@example.com")); b = s.scalar(select(Customer).where(Customer.email=="bob@example.com"))
            qid, bid = q.id, b.id
            m = merging.merge(s, survivor_id=bid, merged_id=qid); mid = m.id
        with acting(vendor_actor(vid)), begin() as s:
            merging.undo_merge(s, merge_id=mid)
        with acting(vendor_actor(vid)), begin() as s:
            reaching.consent(s, customer_id=qid, channel="email", purpose="marketing", granted=True, source="quintessa's aunt", proof="mail of quintessa")
            tags.add(s, customer_id=qid, name="vip")
            job = bulk.start(s, kind="remove_tag", value="vip", ids=[qid], inline_limit=10); jid=job.id
            job2 = bulk.start(s, kind="create_task", value="call quintessa", ids=[qid], inline_limit=10)
            views.save(s, screen="customers", name="quintessa view", query="search=quintessa")
        with acting(vendor_actor(vid)), begin() as s:
            forgetting.forget(s, customer_id=qid)
        for t, rows in grep("quintessa").items():
            for r in rows: print("LEFT", t, r[:400])
        with acting(vendor_actor(vid)), begin() as s:
            print("undo", bulk.undo(s, job_id=jid, inline_limit=10).status)
        with acting(vendor_actor(vid)), begin() as s:
            print("tags after undo:", s.execute(text("select customer_id from customer_tags")).all(), qid)
        for p in tmp_path.rglob("*"):
            if p.is_file() and b"uintessa" in p.read_bytes(): print("DISK", p)
