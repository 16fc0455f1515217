"""Lists on their way in: upload, columns, try-out, import, result."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import anyio
from sqladmin import BaseView, expose
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from admin_views import import_commands as commands
from admin_views import import_frame as frame
from admin_views import import_words as words
from admin_views.access import needs
from admin_views.import_columns import columns_page
from admin_views.import_file import file_page
from admin_views.import_outcomes import result_page, try_page
from admin_views.import_subjects import words_of
from admin_views.rendering import say
from app.errors import DomainError, NotFound
from app.operations import import_decisions, import_steps, imports
from models.imports import ImportJob, ImportRow, ImportStatus

NOTHING_TO_DO = (imports.NotNow, import_steps.NothingToDecide)
"""A second click, or another person's: the page shows what the first one began."""


async def in_thread(work: Callable[[], Any]) -> Any:
    """Run what reads files or the database without holding up the loop."""
    return await anyio.to_thread.run_sync(work)


def number(request: Request, name: str) -> int:
    """A number of the address; anything else is no page of ours."""
    text = str(request.path_params[name])
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise HTTPException(404)
    return int(text)


async def asked_job(request: Request) -> ImportJob:
    """The job of the address."""
    job_id = number(request, "job")
    job: ImportJob = await in_thread(lambda: commands.job_of(job_id))
    return job


def go(job_id: int, page: str, query: str = "") -> Response:
    """On to a page of the job."""
    return RedirectResponse(f"{frame.START}/{job_id}/{page}" + (f"?{query}" if query else ""), 303)


class ImportView(BaseView):
    """Customers, products and stock from a spreadsheet or another system."""

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
        return await self._page(request, "file", await in_thread(lambda: file_page(request)))

    @expose("/imports/upload", methods=["POST"], identity="import-job")
    @needs("upload")
    async def upload(self, request: Request) -> Response:
        """Keep a file and go on to its columns."""
        typed: dict[str, str] = {}
        async with request.form(max_files=1, max_fields=10) as form:
            try:
                typed = commands.typed_with(form)
                file = form.get("file")
                if not isinstance(file, UploadFile) or not file.filename:
                    raise DomainError("Choose the file with your list.")
                job = await in_thread(lambda: commands.taken_in(file, typed))
            except DomainError as refusal:
                return await self._refused_file(request, str(refusal), typed)
        if job.refused:
            return await self._refused_file(request, job.refused, typed)
        return go(job.id, "columns")

    async def _refused_file(
        self, request: Request, sentence: str, typed: Mapping[str, str]
    ) -> Response:
        context = await in_thread(lambda: file_page(request, typed))
        return await self._page(request, "file", context | {"error": sentence}, 400)

    # ---- the columns -----------------------------------------------------------------------

    @expose("/imports/{job}/columns", methods=["GET"], identity="import-job")
    @needs("map")
    async def columns(self, request: Request) -> Response:
        """What each column seems to be, to be changed."""
        job = await asked_job(request)
        if not job.header or job.status in frame.ENDED:
            return go(job.id, frame.page_of(job))
        return await self._page(request, "columns", await in_thread(lambda: columns_page(job)))

    @expose("/imports/{job}/map", methods=["POST"], identity="import-job")
    @needs("map")
    async def map_columns(self, request: Request) -> Response:
        """Take the columns as chosen and try the list out."""
        job = await asked_job(request)
        form = await request.form(max_files=0, max_fields=2000)
        chosen = {k: str(v) for k, v in form.multi_items() if k.startswith("column-")}
        keys = [str(v) for k, v in form.multi_items() if k == "keys"]
        strategy = str(form.get("strategy") or "fill")
        fields = {name: chosen.get(f"column-{i}") or None for i, name in enumerate(job.header)}
        try:
            await in_thread(lambda: commands.mapped(job.id, fields, strategy, keys))
        except (DomainError, ValueError) as refusal:
            known = isinstance(refusal, DomainError)
            sentence = str(refusal) if known else "Choose each field from the list."
            if isinstance(refusal, imports.NoIdentity):
                job = await in_thread(lambda: commands.counted(job))
            context = await in_thread(lambda: columns_page(job, fields, strategy, keys))
            return await self._page(request, "columns", context | {"error": sentence}, 400)
        return go(job.id, "try")

    # ---- the try-out -----------------------------------------------------------------------

    @expose("/imports/{job}/try", methods=["GET"], identity="import-job")
    @needs("try")
    async def try_out(self, request: Request) -> Response:
        """What would happen, row by row; or how far the try-out is."""
        job = await asked_job(request)
        if frame.page_of(job) in ("run", "result"):
            return go(job.id, frame.page_of(job))
        asked = frame.Asked.of(request)
        return await self._page(request, "try", await in_thread(lambda: try_page(job, asked)))

    @expose("/imports/{job}/try-again", methods=["POST"], identity="import-job")
    @needs("try")
    async def try_again(self, request: Request) -> Response:
        """Try the list out once more, as the customers are now."""
        verbs = commands.verbs_of(await asked_job(request))
        return await self._done(request, verbs.try_again)

    # ---- the import ------------------------------------------------------------------------

    @expose("/imports/{job}/commit", methods=["POST"], identity="import-job")
    @needs("commit")
    async def commit(self, request: Request) -> Response:
        """Begin the import, or go on with it; a second click finds it begun."""
        verbs = commands.verbs_of(await asked_job(request))
        return await self._done(request, verbs.commit)

    @expose("/imports/{job}/stop", methods=["POST"], identity="import-job")
    @needs("commit")
    async def stop(self, request: Request) -> Response:
        """End what runs after the rows in hand; a second click finds it ended."""
        verbs = commands.verbs_of(await asked_job(request))
        return await self._done(request, verbs.stop, say_so="Stopped. What was saved so far stays.")

    @expose("/imports/{job}/run", methods=["GET"], identity="import-job")
    @needs("commit")
    async def run(self, request: Request) -> Response:
        """How far the import, or its undoing, is."""
        job = await asked_job(request)
        if frame.page_of(job) != "run":
            return go(job.id, frame.page_of(job))
        return await self._page(request, "run", await in_thread(lambda: frame.run_page(job)))

    @expose("/imports/{job}/progress", methods=["GET"], identity="import-job")
    @needs("list")
    async def progress(self, request: Request) -> Response:
        """How far the running step is, for the page that asks each second."""
        return JSONResponse(frame.progress(await asked_job(request)))

    # ---- the result ------------------------------------------------------------------------

    @expose("/imports/{job}/result", methods=["GET"], identity="import-job")
    @needs("details")
    async def result(self, request: Request) -> Response:
        """What became of the rows, and those that somebody has to look at."""
        job = await asked_job(request)
        if frame.page_of(job) != "result":
            return go(job.id, frame.page_of(job))
        asked = frame.Asked.of(request)
        return await self._page(request, "result", await in_thread(lambda: result_page(job, asked)))

    @expose("/imports/{job}/undo", methods=["POST"], identity="import-job")
    @needs("undo")
    async def undo(self, request: Request) -> Response:
        """Take the import back."""
        verbs = commands.verbs_of(await asked_job(request))
        return await self._done(request, verbs.undo)

    # ---- rows ------------------------------------------------------------------------------

    @expose("/imports/{job}/fix/{row}", methods=["POST"], identity="import-job")
    @needs("fix")
    async def fix(self, request: Request) -> Response:
        """Try a corrected row again: before the import, or afterwards."""
        job_id, row_id = number(request, "job"), number(request, "row")
        job = await asked_job(request)
        cells = commands.cells_of(await request.form(max_files=0, max_fields=100), job.subject)
        try:
            row = await in_thread(lambda: commands.corrected(job_id, row_id, cells))
        except NotFound:
            raise
        except DomainError as refusal:
            return await self._kept(request, str(refusal), {row_id: cells})
        return await self._settled(request, row)

    async def _kept(
        self, request: Request, sentence: str, typed: Mapping[int, Mapping[StrEnum, str]]
    ) -> Response:
        """The page again, with what was typed still in its row."""
        job, asked = await asked_job(request), frame.Asked.of(request)
        page = frame.page_of(job)
        if page == "run" or imports.step(job) is not None:
            say(request, sentence, tone="danger")
            return go(job.id, page)
        draw = result_page if page == "result" else try_page
        context = await in_thread(lambda: draw(job, asked, typed))
        return await self._page(request, page, context | {"error": sentence}, 400)

    @expose("/imports/{job}/decide/{row}/{choice}", methods=["POST"], identity="import-job")
    @needs("fix")
    async def decide(self, request: Request) -> Response:
        """Say whether a row is somebody known (`same`), somebody else (`new`), or neither."""
        job_id, row_id = number(request, "job"), number(request, "row")
        choice = str(request.path_params["choice"])
        try:
            row = await in_thread(lambda: commands.decided(job_id, row_id, choice))
        except NotFound:
            raise
        except DomainError as refusal:
            say(request, str(refusal), tone="danger")
            return go(job_id, "result", request.url.query)
        return await self._settled(request, row)

    async def _settled(self, request: Request, row: ImportRow) -> Response:
        job = await asked_job(request)
        is_saved = job.status == ImportStatus.COMPLETED
        sentence = words.settled_sentence(row, words_of(job.subject).settled, is_saved=is_saved)
        say(request, sentence, tone=words.settled_tone(row))
        return go(job.id, frame.page_of(job), request.url.query)

    # ---- many rows at once -----------------------------------------------------------------

    @expose("/imports/{job}/leave-out", methods=["POST"], identity="import-job")
    @needs("fix")
    async def leave_out(self, request: Request) -> Response:
        """Ask about no problem row any more."""
        undo = f"{frame.START}/{number(request, 'job')}/take-up"
        return await self._done(
            request, import_decisions.leave_problems_out, undo_url=undo,
            say_so="The rows with a problem are left out.",
        )  # fmt: skip

    @expose("/imports/{job}/take-up", methods=["POST"], identity="import-job")
    @needs("fix")
    async def take_up(self, request: Request) -> Response:
        """Ask about the problem rows again."""
        return await self._done(request, import_decisions.take_problems_up)

    @expose("/imports/{job}/decide-all/{code}/{choice}", methods=["POST"], identity="import-job")
    @needs("fix")
    async def decide_all(self, request: Request) -> Response:
        """Settle all duplicates of a kind at once."""
        code, choice = (str(request.path_params[name]) for name in ("code", "choice"))
        said = "They are left out." if choice == "leave" else ""
        return await self._done(
            request, import_decisions.decide_all, code=code, choice=choice, say_so=said
        )

    async def _done(
        self,
        request: Request,
        verb: Callable[..., Any],
        *,
        say_so: str = "",
        undo_url: str = "",
        **arguments: Any,
    ) -> Response:
        """Run a verb on the job, and go where the job stands then."""
        job_id = number(request, "job")
        try:
            await in_thread(lambda: commands.written(job_id, verb, **arguments))
            if say_so:
                say(request, say_so, undo_url=undo_url)
        except NOTHING_TO_DO:
            pass
        except NotFound:
            raise
        except DomainError as refusal:
            say(request, str(refusal), tone="danger")
        return go(job_id, frame.page_of(await asked_job(request)))


VIEWS = [ImportView]
