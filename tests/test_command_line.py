"""The command line: what it prints, what it refuses, and that the demo leaves nothing behind."""

import contextlib
import gzip
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from app import logs, schema
from app.__main__ import main
from app.database import begin, connect
from app.embedded import Postgres
from app.installation import postgres_home
from app.operations import outbox
from app.settings import settings
from app.tenancy import SYSTEM, acting
from tests import make
from tests.post_office import PostOffice
from tests.server import TestServer
from tests.test_embedded import directory, gone  # noqa: F401  the fixture

ROOT = Path(__file__).parent.parent
Refused = Callable[..., str]


@pytest.fixture(autouse=True)
def own_settings(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:  # noqa: F811
    """Settings of this test alone; `main` also decides what SIGTERM does."""
    for name in ("DATABASE_URL", "OWNER_DATABASE_URL", "REDIS_URL", "DEMO", "SMTP_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VAR", str(directory / "var"))
    settings.cache_clear()
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)
    settings.cache_clear()


@pytest.fixture
def installed(fresh_database: str, owner_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A migrated database that the settings name; the owner's URL."""
    schema.upgrade(owner_url)
    monkeypatch.setenv("DATABASE_URL", fresh_database)
    monkeypatch.setenv("OWNER_DATABASE_URL", owner_url)
    settings.cache_clear()
    return owner_url


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run a command that must be refused with one sentence; the sentence."""

    def run(*arguments: str) -> str:
        assert main(arguments) == 2
        out, sentence = capsys.readouterr()
        assert out == ""
        assert sentence.count("\n") == 1
        assert "Traceback" not in sentence
        return sentence

    return run


def test_migrate_says_that_nothing_is_missing(
    installed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["migrate"]) == 0
    assert capsys.readouterr().out == "The database is up to date.\n"


def test_check_is_content_with_a_migrated_database(
    installed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["check"])
    said = capsys.readouterr().out
    assert code == 0, said
    assert said.count("ok ") == 9
    assert "ok    mail: nothing is sent" in said
    assert "ok    SMS: messages are kept in" in said
    assert "ok    push: messages are kept in" in said


def test_check_finds_pending_migrations_and_drift(
    server: TestServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server.execute("CREATE DATABASE bare OWNER backroom_owner")
    try:
        monkeypatch.setenv("DATABASE_URL", server.url("bare", "backroom_app"))
        monkeypatch.setenv("OWNER_DATABASE_URL", server.owner_url("bare"))
        settings.cache_clear()
        assert main(["check"]) == 1
    finally:
        server.drop("bare")
    said = capsys.readouterr().out
    assert "WRONG migrations" in said
    assert "WRONG drift" in said


def test_check_finds_a_login_that_row_security_does_not_bind(
    installed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", installed)
    settings.cache_clear()
    assert main(["check"]) == 1
    assert "WRONG login" in capsys.readouterr().out


def test_check_finds_redis_away(
    installed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    settings.cache_clear()
    assert main(["check"]) == 1
    assert "WRONG Redis" in capsys.readouterr().out


def test_check_greets_the_mail_server_and_signs_in(
    installed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MAIL_FROM", "no-reply@backroom.example")
    with PostOffice(user="post", password="it's me") as post:
        for password, code, word in (
            ("it's%20me", 0, f"ok    mail: 127.0.0.1:{post.port} answers and takes the sign-in"),
            ("wrong", 1, "WRONG mail: The mail server refuses the sign-in"),
        ):
            monkeypatch.setenv("SMTP_URL", f"smtp://post:{password}@127.0.0.1:{post.port}")
            settings.cache_clear()
            assert main(["check"]) == code
            assert word in capsys.readouterr().out
    assert main(["check"]) == 1
    assert "WRONG mail: The mail server does not answer" in capsys.readouterr().out


def test_a_user_added_with_a_mail_server_gets_the_link_by_mail_too(
    installed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def promised() -> int:
        engine = connect(settings().database_url or "", pool_size=2)
        try:
            with acting(SYSTEM), begin() as session:
                return outbox.waiting(session)
        finally:
            engine.dispose()

    assert main(["user", "add", "one@example.com", "--role", "admin"]) == 0
    assert capsys.readouterr().err == ""
    assert promised() == 0
    monkeypatch.setenv("SMTP_URL", "smtp://127.0.0.1:1")
    monkeypatch.setenv("MAIL_FROM", "no-reply@backroom.example")
    settings.cache_clear()
    assert main(["user", "add", "two@example.com", "--role", "admin"]) == 0
    out, said = capsys.readouterr()
    assert "/link/" in out
    assert "A link is sent to two@example.com" in said
    assert promised() == 1


def test_settings_that_do_not_fit_are_refused_in_a_sentence(
    refused: Refused, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value, word in (
        ("OWNER_DATABASE_URL", "postgresql://a@b/c", "DATABASE_URL is not set"),
        ("DATABASE_URL", "postgresql://a@127.0.0.1:1/c", "OWNER_DATABASE_URL is not set"),
        ("DATABASE_URL", "mysql://a@b/c", "must read"),
        ("DATABASE_URL", "not an address", "must read"),
        ("IMPORT_MAX_ROWS", "many", "IMPORT_MAX_ROWS"),
        ("CURRENCY", "KWD", "KWD has 3 decimals"),
        ("SESSION_IDLE_MINUTES", "-5", "SESSION_IDLE_MINUTES"),
        ("SESSION_ABSOLUTE_HOURS", "99999999999", "SESSION_ABSOLUTE_HOURS"),
        ("LOCALE", "zz_ZZ", "LOCALE 'zz_ZZ' is not known"),
        ("LOCALE", "../en", "is not known"),
        ("REDIS_URL", "localhost:6379", "REDIS_URL must read"),
        ("PUBLIC_URL", "backroom.example", "PUBLIC_URL must read"),
        ("PUBLIC_URL", "https://[::1", "PUBLIC_URL must read"),
        ("VAR", str(tmp_path / "file"), "names a file"),
    ):
        (tmp_path / "file").touch()
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            settings.cache_clear()
            assert word in refused("migrate")


def test_an_empty_setting_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VAR", "LOCALE", "REDIS_URL", "COUNT_CAP", "DEMO"):
        monkeypatch.setenv(name, "")
    settings.cache_clear()
    known = settings()
    assert (known.var, known.locale, known.redis_url) == (Path("var"), "en", None)
    assert (known.count_cap, known.demo) == (10_000, False)


@pytest.mark.parametrize("where", [["--var", "", "check"], ["check", "--var", " "]])
def test_data_go_into_no_folder_that_was_not_named(
    where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(where)
    assert end.value.code == 2
    assert "name a folder" in capsys.readouterr().err


def test_a_database_that_is_away_is_named(
    refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "OWNER_DATABASE_URL"):
        monkeypatch.setenv(name, "postgresql://a@127.0.0.1:1/c")
    settings.cache_clear()
    assert "does not answer" in refused("migrate")
    assert "does not answer" in refused("user", "add", "a@b.example", "--role", "admin")


def test_a_link_for_a_new_user_is_printed_once(
    installed: str, capsys: pytest.CaptureFixture[str], refused: Refused
) -> None:
    assert main(["user", "add", "new@backroom.example", "--role", "admin"]) == 0
    assert "http://127.0.0.1:8000/link/" in capsys.readouterr().out
    assert "already" in refused("user", "add", "new@backroom.example", "--role", "admin")
    assert "--vendor" in refused("user", "add", "b@backroom.example", "--role", "manager")
    assert "no vendor 'gone'" in refused(
        "user", "add", "b@backroom.example", "--role", "staff", "--vendor", "gone"
    )
    assert "e-mail" in refused("user", "add", "no address", "--role", "admin")


def test_import_prints_one_object(
    installed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make.new_vendor(slug="corner")
    file = tmp_path / "list.csv"
    file.write_text("Name,E-mail\nAda Lind,ada@lind.example\n,\nBo,bo@bo.example\n")
    for commit, again in (
        (["--commit"], "created"),
        (["--commit"], "unchanged"),
        ([], "unchanged"),
    ):
        assert main(["import", str(file), "--vendor", "corner", "--json", *commit]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told[again] == 2
        assert told["refused"] is None
        assert told["mapping"] == {"Name": "full_name", "E-mail": "email"}


def test_past_sales_are_tried_out_imported_and_not_taken_twice(
    installed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], refused: Refused
) -> None:
    make.new_vendor(slug="corner")
    file = tmp_path / "sales.csv.gz"
    lines = "Bill,Sold on,Who,What,Price\n1,2024-02-01,C1,Soap,3.50\n1,2024-02-01,C1,Comb,4\n"
    file.write_bytes(gzip.compress(lines.encode()))
    asked = ["import-history", str(file), "--vendor", "corner",
             "--map", "order=Bill,date=Sold on", "--map", "customer=Who,item=What"]  # fmt: skip
    assert main([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["orders"], told["revenue"]) == ("tried", 1, "7.50")
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert "nothing was written" in said
    assert " unit price  Price\n" in said
    assert main([*asked, "--commit", "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert done == told | {"status": "completed"}
    assert "This very file was imported before" in refused(*asked, "--commit")
    assert "write field=header" in refused(*asked, "--map", "colour=Bill")
    assert "There is no vendor" in refused("import-history", str(file), "--vendor", "nobody")


def test_import_refuses_what_is_not_there(installed: str, tmp_path: Path, refused: Refused) -> None:
    assert "no file" in refused("import", str(tmp_path / "gone.csv"), "--vendor", "x")
    assert "no file" in refused("import", str(tmp_path), "--vendor", "x")
    assert "no file" in refused("import", "nul\0", "--vendor", "x")


@pytest.mark.parametrize("port", ["0", "65536", "-1", "eighty", "", "1e3", "９０００"])
def test_a_port_is_a_port(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["serve", f"--port={port}"])
    assert end.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_the_demo_listens_on_this_machine_only(
    refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO", "true")
    settings.cache_clear()
    assert "this machine only" in refused("serve", "--host", "0.0.0.0")


def test_a_log_line_stays_one_line() -> None:
    record = logging.LogRecord("a", logging.INFO, "", 1, "%s", ("one\nINFO two\x1b[31m\0",), None)
    line = logs.OneLine(logs.FORMAT).format(record)
    assert "\n" not in line
    assert "\\nINFO two\\x1b[31m\\x00" in line
    assert len(logs.plain("x" * 100_000)) < 5000


def test_a_log_line_tells_no_secret_and_no_search(capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.getLogger().handlers[:], logging.getLogger().level
    logs.configure()
    try:
        access = logging.getLogger("uvicorn.access")
        asked = '%s - "%s %s HTTP/%s" %d'
        access.info(asked, "1.2.3.4:5", "GET", "/link/br0ad-secret?x=1", "1.1", 200)
        access.info(asked, "1.2.3.4:5", "GET", "/admin/customer/list?search=Quintessa", "1.1", 200)
        logging.getLogger("app").error(
            "Request %s failed: %s %s", "1", "POST", "/link/br0ad-secret"
        )
    finally:
        logging.getLogger().handlers[:], level = before
        logging.getLogger().setLevel(level)
    said = capsys.readouterr().err
    assert said.count("/link/...") == 2
    assert "/admin/customer/list HTTP/1.1" in said
    assert "br0ad" not in said
    assert "Quintessa" not in said


# --- the demo, whole ----------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def filled(directory: Path) -> Path:  # noqa: F811
    """The demo's data with one vendor, so that no test waits for two years of history."""
    var = directory / "var"
    with Postgres.start(postgres_home(var)) as server:
        schema.prepare(server.url())
        schema.upgrade(server.url(schema.DATABASE, schema.OWNER))
        engine = connect(server.url(schema.DATABASE, schema.LOGIN), pool_size=1)
        make.new_vendor(slug="corner")
        engine.dispose()
    return var


class Demo:
    """A running demo, and every process that ever belonged to it."""

    def __init__(self, var: Path, port: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app", "demo", "--port", str(port), "--var", str(var)],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        self.said = ""

    def hear(self, words: str) -> None:
        """Read on until these words were said."""
        assert self.process.stdout is not None
        while words not in self.said:
            line = self.process.stdout.readline()
            assert line, f"The demo ended: {self.said}"
            self.said += line

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def part(self, name: str) -> psutil.Process:
        return next(p for p in self.family() if name in p.cmdline() and "app" in p.cmdline())


@contextlib.contextmanager
def demo(var: Path, port: int) -> Iterator[Demo]:
    running = Demo(var, port)
    try:
        running.hear("Ctrl-C stops everything")
        yield running
    finally:
        family = running.family() if running.process.poll() is None else []
        running.process.kill()
        running.process.communicate()
        for process in family:
            gone(process.pid)


def second(var: Path, port: int) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "app", "demo", "--port", str(port), "--var", str(var)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.stderr


def listening(processes: list[psutil.Process]) -> set[str]:
    found = set()
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            found |= {
                each.laddr.ip
                for each in process.net_connections()
                if each.status == psutil.CONN_LISTEN
            }
    return found


def test_the_demo_starts_once_survives_a_kill_and_leaves_no_process(filled: Path) -> None:
    port = free_port()
    with demo(filled, port) as first:
        assert f"http://127.0.0.1:{port}/admin" in first.said
        assert "manager@aurora.example" in first.said
        assert listening(first.family()) == {"127.0.0.1"}

        said = second(filled, free_port())
        assert str(first.process.pid) in said
        assert str(port) in said
        other = filled.parent / "other"
        assert f"Port {port} is in use" in second(other, port)
        assert not other.exists()

        first.part("relay").kill()
        first.hear("The relay stopped")

        family = first.family()
        first.process.kill()
        first.process.wait()
        assert [p for p in family if not gone(p.pid)] == []

    with demo(filled, port) as again:
        family = again.family()
        assert len(family) >= 5
        os.killpg(again.process.pid, signal.SIGINT)  # as a terminal does
        time.sleep(0.3)
        again.process.send_signal(signal.SIGTERM)  # an impatient second one changes nothing
        assert again.process.wait(120) == 0
        assert [p for p in family if not gone(p.pid, 1)] == []
