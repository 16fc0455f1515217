"""The command line: `python -m app`."""

import argparse
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy.exc import OperationalError, ProgrammingError

from app import logs
from app.errors import DomainError

REFUSED, BROKEN = 2, 1


def _port(text: str) -> int:
    with suppress(ValueError):
        if text.isascii() and 1 <= (port := int(text)) <= 65535:
            return port
    raise argparse.ArgumentTypeError(f"{text!r} is no port: take a number from 1 to 65535")


def _count(text: str) -> int:
    with suppress(ValueError):
        if 1 <= (count := int(text)) <= 256:
            return count
    raise argparse.ArgumentTypeError(f"{text!r} is no such number: take one from 1 to 256")


def _folder(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty: name a folder")
    return text


def _demo(given: argparse.Namespace) -> int:
    from app import demo

    demo.run(given.port)
    return 0


def _serve(given: argparse.Namespace) -> int:
    import uvicorn

    from app.installation import servers
    from app.settings import settings

    if settings().demo and given.host not in ("127.0.0.1", "::1", "localhost"):
        raise DomainError("The demo listens on this machine only: leave --host away.")
    with servers(broker=True):
        uvicorn.run(
            "app.web:create_app",
            factory=True,
            host=given.host,
            port=given.port,
            workers=given.workers,
            log_config=logs.config(),
            server_header=False,
            timeout_graceful_shutdown=5,
        )
    return 0


def _worker(given: argparse.Namespace) -> int:
    from app.installation import servers
    from app.settings import settings

    with servers(broker=True):
        logs.configure()
        from tasks.celery import celery_app  # reads the broker's address as it is imported

        beat = ["--beat", "--schedule", str(settings().var.absolute() / "beat-schedule")]
        celery_app.worker_main(
            ["worker", "--loglevel=INFO", f"--concurrency={given.concurrency}",
             *(beat if given.beat else [])]
        )  # fmt: skip
    return 0


def _relay(_: argparse.Namespace) -> int:
    from app.database import connect
    from app.installation import servers

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with servers(broker=True) as found:
        from tasks import relay  # reads the broker's address as it is imported

        logs.configure()
        engine = connect(found.database_url, pool_size=2)
        try:
            relay.run_forever(stop)
        finally:
            engine.dispose()
    return 0


def _migrate(_: argparse.Namespace) -> int:
    from app import schema
    from app.installation import servers

    with servers() as found:
        steps = schema.upgrade(found.owner, login=schema.login_of(found.database_url))
    for step in steps:
        print(step)
    print("The database is up to date.")
    return 0


def _seed(_: argparse.Namespace) -> int:
    from app.installation import servers
    from app.seed import date_the_trail, seed

    with servers() as found:
        _in_database(seed)
        if found.owner_url:
            date_the_trail(found.owner_url)
    print("Six vendors with two years of demo data are filled in.")
    return 0


def _check(_: argparse.Namespace) -> int:
    from app.checking import findings
    from app.installation import servers

    with servers(broker=True) as found:
        wrong = False
        for finding in findings(found):
            print(f"{'ok   ' if finding.fine else 'WRONG'} {finding.what}: {finding.sentence}")
            wrong = wrong or not finding.fine
    return int(wrong)


def _import(given: argparse.Namespace) -> int:
    path = Path(given.file)
    if not path.is_file():
        raise DomainError(f"There is no file {given.file}: check its name.")

    def run() -> dict[str, Any]:
        from tasks.import_file import run_file

        result: dict[str, Any] = run_file(
            path, vendor_slug=given.vendor, commit=given.commit, subject=given.subject
        )
        return result

    result = _in_database(run)
    if given.json:
        print(json.dumps(result, default=str, allow_nan=False))
    else:
        _tell(result, committed=given.commit)
    if result.get("refused"):
        print(result["refused"], file=sys.stderr)
        return REFUSED
    return 0


def _tell(result: dict[str, Any], *, committed: bool) -> None:
    if not result.get("refused"):
        print("Imported." if committed else "A dry run: nothing was written (--commit writes).")
    for word in ("rows", "created", "updated", "unchanged", "skipped_duplicate", "invalid"):
        print(f"{word.replace('_', ' '):>18}  {result.get(word, 0)}")
    for problem in result.get("problems", []):
        place = f"page {problem['page']}" if problem.get("page") else f"line {problem.get('line')}"
        print(logs.plain(f"{place}, {problem.get('column') or '-'}: {problem.get('message')}"))


def _import_history(given: argparse.Namespace) -> int:
    path = Path(given.file)
    if not path.is_file():
        raise DomainError(f"There is no file {given.file}: check its name.")

    def run() -> dict[str, Any]:
        from tasks.history_file import fields_of, run_file

        told: dict[str, Any] = run_file(
            path, vendor_slug=given.vendor, columns=fields_of(given.map), commit=given.commit,
            heard=None if given.json or not sys.stderr.isatty() else _show_progress,
        )  # fmt: skip
        return told

    result = _in_database(run)
    if given.json:
        print(json.dumps(result, default=str, allow_nan=False))
    elif not result["refused"]:
        _tell_sales(result, committed=given.commit)
    if result["refused"]:
        print(logs.plain(result["refused"]), file=sys.stderr)
        return REFUSED
    return 0


def _show_progress(job: Any) -> None:
    print(f"\r{job.progress:,} of {job.total_rows:,} lines ", end="", file=sys.stderr, flush=True)


def _tell_sales(result: dict[str, Any], *, committed: bool) -> None:
    print("Imported." if committed else "A try-out: nothing was written (--commit writes).")
    for header, field in result["columns"].items():
        print(logs.plain(f"{(field or 'left out').replace('_', ' '):>18}  {header}"))
    for word in (
        "lines", "sales_lines", "return_lines", "refused_lines", "duplicate_lines", "orders",
        "anonymous_orders", "customers", "new_customers", "items", "new_items", "categories",
        "new_categories", "revenue", "returns", "returned", "first_at", "last_at",
    ):  # fmt: skip
        print(f"{word.replace('_', ' '):>18}  {result[word] if result[word] is not None else '-'}")
    for code, problem in result["problems"].items():
        where = ", ".join(map(str, problem["first"]))
        more = " ..." if problem["lines"] > len(problem["first"]) else ""
        print(logs.plain(f"{problem['lines']} x {code.replace('_', ' ')}: line {where}{more}"))


def _report(given: argparse.Namespace) -> int:
    from app import report_rows

    found = _in_database(
        lambda: report_rows.found(
            given.slug, vendor=given.vendor, first=given.from_, last=given.to, by=given.by,
            period=given.period, more=given.set,
        )
    )  # fmt: skip
    if given.json:
        print(found.as_json())
    else:
        print("\n".join(logs.plain(line) for line in found.as_text().splitlines()))
    return 0


def _add_user(given: argparse.Namespace) -> int:
    link = _in_database(lambda: _invited(given))
    print(link)
    return 0


def _invited(given: argparse.Namespace) -> str:
    from app.database import begin
    from app.operations import invitations
    from app.settings import settings
    from app.tenancy import acting, admin_actor

    if (given.role in ("manager", "staff")) != (given.vendor is not None):
        raise DomainError("Managers and staff need --vendor SLUG, admins and analysts have none.")
    vendor = None if given.vendor is None else _vendor_id(given.vendor)
    with acting(admin_actor(vendor)), begin() as session:
        invited = invitations.invite(
            session, email=given.email, role=given.role, vendor_id=vendor, name=given.name,
            by_mail=settings().sends_mail,
        )  # fmt: skip
    if invited.token is None:
        return f"{given.email} was added and signs in with the password they have."
    if settings().sends_mail:
        print(f"A link is sent to {given.email} as soon as the worker runs.", file=sys.stderr)
    return f"{settings().public_url.rstrip('/')}/link/{invited.token}"


def _vendor_id(slug: str) -> int:
    from sqlalchemy import select

    from app.database import begin
    from app.tenancy import acting, admin_actor
    from models.vendors import Vendor

    with acting(admin_actor()), begin() as session:
        found = session.scalar(select(Vendor.id).where(Vendor.slug == slug))
    if found is None:
        raise DomainError(f"There is no vendor {slug!r}: check the slug.")
    return found


def _in_database(work: Callable[[], Any]) -> Any:
    """Do `work` on the running or embedded database; refuses one that is not up to date."""
    from app import schema
    from app.database import connect
    from app.installation import servers

    with servers() as found:
        try:
            pending = schema.pending(found.database_url)
        except ProgrammingError as error:  # this login was never admitted
            raise schema.MigrationsPending from error
        if pending:
            raise schema.MigrationsPending
        engine = connect(found.database_url, pool_size=2)
        try:
            return work()
        finally:
            engine.dispose()


def parser() -> argparse.ArgumentParser:
    """Every command and its options."""
    whole = argparse.ArgumentParser(prog="python -m app", description="Backroom's command line.")
    whole.add_argument(
        "--var", type=_folder, help="where data, logs and files live (else the setting VAR)"
    )
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], int], says: str
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=says, description=says)
        made.add_argument("--var", type=_folder, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        made.set_defaults(run=run)
        return made

    demo = command("demo", _demo, "Run everything on this machine, with demo data.")
    demo.add_argument("--port", type=_port, default=8000)
    serve = command("serve", _serve, "Serve the panel.")
    serve.add_argument("--port", type=_port, default=8000)
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--workers", type=_count, default=1)
    worker = command("worker", _worker, "Do what was promised: messages, imports, bulk changes.")
    worker.add_argument("--concurrency", type=_count, default=2)
    worker.add_argument("--beat", action="store_true", help="also start what is due at a time")
    command("relay", _relay, "Bring promised work from the database to the workers.")
    command("migrate", _migrate, "Bring the database's structure up to date.")
    command("seed", _seed, "Fill an empty database with the demo's vendors.")
    command("check", _check, "Check configuration, database, migrations and drift.")
    imports = command("import", _import, "Read a list (CSV or PDF); a dry run at first.")
    imports.add_argument("file", metavar="FILE")
    imports.add_argument("--vendor", required=True, metavar="SLUG")
    imports.add_argument(
        "--subject", choices=("customers", "products", "stock"), default="customers",
        help="what is in the file",
    )  # fmt: skip
    imports.add_argument("--commit", action="store_true", help="write it")
    imports.add_argument("--json", action="store_true", help="print one JSON object")
    history = command(
        "import-history", _import_history,
        "Read past sales (CSV, also packed with xz or gzip) as orders; a try-out at first.",
    )  # fmt: skip
    history.add_argument("file", metavar="FILE")
    history.add_argument("--vendor", required=True, metavar="SLUG")
    history.add_argument(
        "--map", action="append", default=[], metavar="FIELD=HEADER,...",
        help="columns that are not recognised, such as date=Sold on,order=Bill",
    )  # fmt: skip
    history.add_argument("--commit", action="store_true", help="write it")
    history.add_argument("--json", action="store_true", help="print one JSON object")
    report = command("report", _report, "Print the rows behind a report; what is not said is all.")
    report.add_argument("slug", metavar="SLUG", help="such as revenue; `list` names them all")
    report.add_argument("--vendor", metavar="SLUG|ID", help="one vendor, as it sees itself")
    report.add_argument("--from", dest="from_", metavar="DAY", help="the first day, 2026-11-01")
    report.add_argument("--to", metavar="DAY", help="the last day; today if it is left out")
    report.add_argument("--period", metavar="WORD", help="today, 7d, 30d, 12w, month, year, 12m")
    report.add_argument("--by", metavar="GRAIN", help="day, week or month")
    report.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE",
        help="a filter or a choice of the report, such as channel=online",
    )  # fmt: skip
    report.add_argument("--json", action="store_true", help="print one JSON object")
    user = commands.add_parser("user", help="People who sign in.")
    add = user.add_subparsers(dest="what", required=True).add_parser(
        "add", help="Invite somebody; prints a link that works once, for 24 hours."
    )
    add.add_argument("email", metavar="EMAIL")
    add.add_argument("--role", required=True, choices=("admin", "analyst", "manager", "staff"))
    add.add_argument("--vendor", metavar="SLUG", help="for managers and staff")
    add.add_argument("--name", default="")
    add.set_defaults(run=_add_user)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a refusal is a sentence on the standard error and the exit code 2."""
    given = parser().parse_args(arguments)
    if given.var is not None:
        os.environ["VAR"] = str(Path(given.var).expanduser().absolute())
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is stopped
    try:
        code: int = given.run(given)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        sentence = _sentence(error)
        print(sentence or f"This broke, and it is our fault: see {_kept(error)}.", file=sys.stderr)
        return REFUSED if sentence else BROKEN
    return code


def _sentence(error: Exception) -> str | None:
    """What a foreseen error says to the person at the terminal; None: nobody foresaw it."""
    match error:
        case DomainError():
            return str(error)
        case ValidationError():
            contexts = [each.get("ctx", {}) for each in error.errors()]
            own = [str(context["error"]) for context in contexts if "error" in context]
            if own and error.errors()[0]["type"] == "value_error":
                return own[0]
            wrong = ", ".join(str(each["loc"][0]).upper() for each in error.errors() if each["loc"])
            return f"These settings have a value they cannot have: {wrong}. See the README's table."
        case OperationalError():
            return "The database does not answer: check DATABASE_URL, and that it runs."
        case OSError() if error.strerror:
            return f"{error.strerror}: {error.filename or 'no file'}."
    return None


def _kept(error: Exception) -> str:
    """Write an unforeseen error where the developers find it; where that is."""
    from app.settings import settings

    path = settings().var.absolute() / "logs" / "command.log"
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write("".join(traceback.format_exception(error)))
    return str(path)


if __name__ == "__main__":
    sys.exit(main())
