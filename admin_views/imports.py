"""Customer lists on their way in: upload, columns, try-out, import, result."""

from collections.abc import Callable
from typing import Any

import anyio
from sqladmin import BaseView, expose
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from admin_views import import_pages as pages
from admin_views.access import needs
from admin_views.rendering import say
from app import lists
from app.database import begin
from app.errors import DomainError, NotFound
from app.gateways.files import Kept
from app.operations import import_steps, imports
from app.settings import settings
from app.tenancy import acting, current_actor, vendor_actor
from models.imports import Field, ImportJob, ImportRow, ImportStatus
from models.vendors import Vendor

_PIECE = 1 << 20


async def in_thread(work: Callable[[], Any]) -> Any:
    """Run what reads files or the database without holding up the loop."""
    return await anyio.to_thread.run_sync(work)


def number(request: Request, name: str) -> int:
    """A number of the address; anything else is no page of ours."""
    text = str(request.path_params[name])
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise HTTPException(404)
    return int(text)


def job_of(job_id: int) -> ImportJob:
    """The job, if whoever acts may see it. Raises `NotFound`."""
    with begin() as session:
        job = session.get(ImportJob, job_id)
        if job is None:
            raise NotFound
        return job


def for_vendor(vendor_id: int, work: Callable[[Session], Any]) -> Any:
    """Run `work` as the vendor of the list, also when the marketplace is at the page."""
    with acting(vendor_actor(vendor_id, current_actor().user_id)), begin() as session:
        return work(session)


def written(job_id: int, verb: Callable[..., Any], **arguments: Any) -> Any:
    """Run a verb of the imports on a job, as its vendor."""
    job = job_of(job_id)
    return for_vendor(job.vendor_id, lambda s: verb(s, job_id=job_id, **arguments))


def _go(job_id: int, page: str) -> Response:
    return RedirectResponse(f"/admin/imports/{job_id}/{page}", 303)


class ImportView(BaseView):
    """Customers from a spreadsheet, another system, or a printed list."""

    name, icon, category = "Imports", "ti ti-file-import", "Data"
    identity = "import-job"

    async def _page(
        self, request: Request, name: str, context: dict[str, Any], status: int = 200
    ) -> Response:
        page: Response = await self.templates.TemplateResponse(
            request, f"panel/import_{name}.html", context, status_code=status
        )
        return page

    # ---- the file --------------------------------------------------------------------------

    @expose("/imports", methods=["GET"], identity="import-job")
    @needs("list")
    async def imports(self, request: Request) -> Response:
        """Choose a file; what was imported before."""
        return await self._page(request, "file", await in_thread(pages.file_page))

    @expose("/imports/upload", methods=["POST"], identity="import-job")
    @needs("upload")
    async def upload(self, request: Request) -> Response:
        """Keep a file and go on to its columns."""
        async with request.form(max_files=1, max_fields=10) as form:
            file, vendor = form.get("file"), str(form.get("vendor_id") or "")
            if not isinstance(file, UploadFile) or not file.filename:
                return await self._refused_file(request, "Choose the file with your customers.")
            try:
                job = await in_thread(lambda: _taken_in(file, _vendor_of(vendor)))
            except DomainError as refusal:
                return await self._refused_file(request, str(refusal))
        if job.refused:
            return await self._refused_file(request, job.refused)
        return _go(job.id, "columns")

    async def _refused_file(self, request: Request, sentence: str) -> Response:
        context = await in_thread(pages.file_page)
        return await self._page(request, "file", context | {"error": sentence}, 400)

    # ---- the columns -----------------------------------------------------------------------

    @expose("/imports/{job}/columns", methods=["GET"], identity="import-job")
    @needs("map")
    async def columns(self, request: Request) -> Response:
        """What each column seems to be, to be changed."""
        job_id = number(request, "job")
        return await self._page(
            request, "columns", await in_thread(lambda: pages.columns_page(job_of(job_id)))
        )

    @expose("/imports/{job}/map", methods=["POST"], identity="import-job")
    @needs("map")
    async def map_columns(self, request: Request) -> Response:
        """Take the columns as chosen and try the list out."""
        job_id = number(request, "job")
        form = await request.form(max_files=0, max_fields=2000)
        chosen = {k: str(v) for k, v in form.multi_items() if k.startswith("column-")}
        keys = [str(v) for k, v in form.multi_items() if k == "keys"]
        strategy = str(form.get("strategy") or "fill")
        job = await in_thread(lambda: job_of(job_id))
        fields = {name: chosen.get(f"column-{i}") or None for i, name in enumerate(job.header)}
        try:
            await in_thread(lambda: _mapped(job_id, fields, strategy, keys))
        except (DomainError, ValueError) as refusal:
            known = isinstance(refusal, DomainError)
            sentence = str(refusal) if known else "Choose each field from the list."
            context = await in_thread(lambda: pages.columns_page(job, fields, strategy, keys))
            return await self._page(request, "columns", context | {"error": sentence}, 400)
        return _go(job_id, "try")

    # ---- the try-out -----------------------------------------------------------------------

    @expose("/imports/{job}/try", methods=["GET"], identity="import-job")
    @needs("try")
    async def try_out(self, request: Request) -> Response:
        """What would happen, row by row; or how far the try-out is."""
        job = await in_thread(lambda: job_of(number(request, "job")))
        if job.status in (ImportStatus.COMPLETED, ImportStatus.UNDONE):
            return _go(job.id, "result")
        if job.status == ImportStatus.IMPORTING:
            return _go(job.id, "run")
        asked = pages.Asked.of(request)
        return await self._page(request, "try", await in_thread(lambda: pages.try_page(job, asked)))

    @expose("/imports/{job}/try-again", methods=["POST"], identity="import-job")
    @needs("try")
    async def try_again(self, request: Request) -> Response:
        """Try the list out once more, as the customers are now."""
        return await self._asked(request, imports.ask_to_try, "try")

    # ---- the import ------------------------------------------------------------------------

    @expose("/imports/{job}/commit", methods=["POST"], identity="import-job")
    @needs("commit")
    async def commit(self, request: Request) -> Response:
        """Begin the import; a second click finds it begun."""
        return await self._asked(request, imports.ask_to_commit, "run")

    async def _asked(self, request: Request, verb: Callable[..., Any], page: str) -> Response:
        job_id = number(request, "job")
        try:
            await in_thread(lambda: written(job_id, verb))
        except imports.NotNow:
            pass  # a second click: the page shows what the first one began
        except NotFound:
            raise
        except DomainError as refusal:
            say(request, str(refusal), tone="error")
        return _go(job_id, page)

    @expose("/imports/{job}/run", methods=["GET"], identity="import-job")
    @needs("commit")
    async def run(self, request: Request) -> Response:
        """How far the import, or its undoing, is."""
        job = await in_thread(lambda: job_of(number(request, "job")))
        if imports.step(job) not in ("importing", "undoing"):
            return _go(job.id, pages.page_of(job))
        return await self._page(request, "run", await in_thread(lambda: pages.run_page(job)))

    @expose("/imports/{job}/progress", methods=["GET"], identity="import-job")
    @needs("list")
    async def progress(self, request: Request) -> Response:
        """How far the running step is, for the page that asks each second."""
        job_id = number(request, "job")
        return JSONResponse(await in_thread(lambda: pages.progress(job_of(job_id))))

    # ---- the result ------------------------------------------------------------------------

    @expose("/imports/{job}/result", methods=["GET"], identity="import-job")
    @needs("details")
    async def result(self, request: Request) -> Response:
        """What became of the rows, and those that somebody has to look at."""
        job = await in_thread(lambda: job_of(number(request, "job")))
        if job.status not in (ImportStatus.COMPLETED, ImportStatus.UNDONE):
            return _go(job.id, pages.page_of(job))
        if imports.step(job) == "undoing":
            return _go(job.id, "run")
        asked = pages.Asked.of(request)
        context = await in_thread(lambda: pages.result_page(job, asked))
        return await self._page(request, "result", context)

    @expose("/imports/{job}/undo", methods=["POST"], identity="import-job")
    @needs("undo")
    async def undo(self, request: Request) -> Response:
        """Take the import back."""
        return await self._asked(request, imports.ask_to_undo, "run")

    @expose("/imports/{job}/fix/{row}", methods=["POST"], identity="import-job")
    @needs("fix")
    async def fix(self, request: Request) -> Response:
        """Try a corrected row again."""
        job_id, row_id = number(request, "job"), number(request, "row")
        form = await request.form(max_files=0, max_fields=100)
        known = set(Field)
        cells = {Field(k): str(v)[:2000] for k, v in form.multi_items() if k in known}
        return await self._settled(request, job_id, lambda: _fixed(job_id, row_id, cells))

    @expose("/imports/{job}/decide/{row}/{choice}", methods=["POST"], identity="import-job")
    @needs("fix")
    async def decide(self, request: Request) -> Response:
        """Say whether a row is somebody known (`same`), somebody else (`new`), or neither."""
        job_id, row_id = number(request, "job"), number(request, "row")
        choice = str(request.path_params["choice"])
        return await self._settled(request, job_id, lambda: _decided(job_id, row_id, choice))

    async def _settled(
        self, request: Request, job_id: int, work: Callable[[], ImportRow]
    ) -> Response:
        try:
            row = await in_thread(work)
            say(request, pages.settled_sentence(row), tone=pages.settled_tone(row))
        except NotFound:
            raise
        except DomainError as refusal:
            say(request, str(refusal), tone="error")
        return RedirectResponse(f"/admin/imports/{job_id}/result?{request.url.query}", 303)


def _vendor_of(asked: str) -> int:
    """The vendor a list goes to: one's own, or the one that an admin chose."""
    own = current_actor().vendor_id
    if own is not None:
        return own
    with begin() as session:
        number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else 0
        vendor = session.get(Vendor, number)
    if vendor is None:
        raise DomainError("Choose the vendor whose customers these are.")
    return vendor.id


def _taken_in(file: UploadFile, vendor_id: int) -> ImportJob:
    kept: Kept = lists.files().keep(
        iter(lambda: file.file.read(_PIECE), b""), most=settings().import_max_bytes
    )
    with acting(vendor_actor(vendor_id, current_actor().user_id)):
        return lists.take_in(kept, file.filename or "list")


def _mapped(job_id: int, fields: dict[str, Any], strategy: str, keys: list[str]) -> None:
    def both(session: Session) -> None:
        imports.map_columns(
            session, job_id=job_id, mapping=fields, strategy=strategy, match_by=keys
        )
        imports.ask_to_try(session, job_id=job_id)

    for_vendor(job_of(job_id).vendor_id, both)


def _row_of(job_id: int, row_id: int) -> tuple[ImportJob, ImportRow]:
    with begin() as session:
        row = session.scalar(
            select(ImportRow).where(ImportRow.id == row_id, ImportRow.job_id == job_id)
        )
        job = session.get(ImportJob, job_id)
        if row is None or job is None:
            raise NotFound
        return job, row


def _fixed(job_id: int, row_id: int, cells: dict[Field, str]) -> ImportRow:
    job, row = _row_of(job_id, row_id)
    typed = lists.typed_again(job, row, {f: c.replace("\x00", "") for f, c in cells.items()})
    done: ImportRow = for_vendor(
        job.vendor_id, lambda s: import_steps.fix_row(s, row_id=row_id, typed=typed)
    )
    return done


def _decided(job_id: int, row_id: int, choice: str) -> ImportRow:
    job, _ = _row_of(job_id, row_id)
    done: ImportRow = for_vendor(
        job.vendor_id, lambda s: import_steps.decide(s, row_id=row_id, choice=choice)
    )
    return done


VIEWS = [ImportView]
