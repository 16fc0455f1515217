"""Pictures on a product's page: added, put first, taken away, and shown to who may see it."""

from typing import Any

import anyio.to_thread
from sqladmin import expose
from sqlalchemy.orm import Session
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from admin_views.access import needs
from admin_views.base import HouseView
from admin_views.loaders import without_control
from admin_views.rendering import say
from admin_views.saving import sentence_of, writing
from app import lists
from app.database import begin
from app.errors import DomainError, NotFound
from app.gateways.files import FileGone
from app.intake.pictures import redrawn
from app.operations import pictures
from models.products import Product, ProductPicture

BASE = "/admin/product"


class NoFile(DomainError):
    sentence = "Choose a picture first: a PNG, a JPEG or a WebP."


class WithPictures(HouseView):
    """The page of a noun that has pictures, and what its buttons do."""

    @expose("/picture/{pk}", methods=["GET"])
    @needs("details")
    async def picture(self, request: Request) -> Response:
        """The file, as what it was recognised to be and nothing else."""
        number = self.number(request.path_params["pk"])
        path, kind = await anyio.to_thread.run_sync(_file_of, number)
        headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": "inline"}
        return FileResponse(path, media_type=kind, headers=headers)

    @expose("/picture", methods=["POST"])
    @needs("edit")
    async def add_picture(self, request: Request) -> Response:
        """Keep an uploaded file as the product's last picture."""
        async with request.form(max_files=1, max_fields=5, max_part_size=10_000) as form:
            number = self.number(str(form.get("product", "")))
            words = without_control(str(form.get("words", "")))
            return await self._done(
                request, number, "The picture is there.", _taken_in, number, form.get("file"), words
            )

    @expose("/picture/{pk}/first", methods=["POST"])
    @needs("edit")
    async def put_picture_first(self, request: Request) -> Response:
        """Let it stand for the product."""
        number = self.number(request.path_params["pk"])
        product = await anyio.to_thread.run_sync(_product_of, number)
        return await self._done(
            request, product, "This picture comes first now.", _written, pictures.put_first, number
        )

    @expose("/picture/{pk}/remove", methods=["POST"])
    @needs("edit")
    async def remove_picture(self, request: Request) -> Response:
        """Take it away."""
        number = self.number(request.path_params["pk"])
        product = await anyio.to_thread.run_sync(_product_of, number)
        return await self._done(
            request, product, "The picture is gone.", _written, pictures.remove, number
        )

    async def _done(
        self, request: Request, product_id: int, done: str, work: Any, *args: Any
    ) -> Response:
        """Do it and say so, or say why not; back to the product either way."""
        try:
            await anyio.to_thread.run_sync(work, *args)
        except NotFound:
            raise HTTPException(404) from None
        except Exception as error:
            say(request, str(sentence_of(error)), tone="danger")
        else:
            say(request, done)
        return RedirectResponse(f"{BASE}/details/{product_id}", 303)


def shown(product: Product, *, may_edit: bool) -> dict[str, Any]:
    """The pictures as the product's page draws them."""
    return {
        "rows": [_shown(picture) for picture in product.pictures],
        "may_edit": may_edit,
        "product": product.id,
        "upload_url": f"{BASE}/picture",
        "max_bytes": pictures.MOST_BYTES,
        "limit_text": f"{pictures.MOST_BYTES / 1_000_000:,.0f} MB",
        "is_full": len(product.pictures) >= pictures.MOST,
    }


def _shown(picture: ProductPicture) -> dict[str, Any]:
    url = f"{BASE}/picture/{picture.id}"
    return {"url": url, "words": picture.words or "", "first": f"{url}/first",
            "remove": f"{url}/remove"}  # fmt: skip


def _file_of(number: int) -> tuple[str, str]:
    with begin() as session:
        picture = _found(session, number)
        name, kind = picture.stored_as, picture.media_type
    try:
        return str(lists.files().path(name)), kind
    except FileGone:
        raise HTTPException(404) from None


def _product_of(number: int) -> int:
    with begin() as session:
        return _found(session, number).product_id


def _found(session: Session, number: int) -> ProductPicture:
    picture = session.get(ProductPicture, number)
    if picture is None:
        raise HTTPException(404)
    return picture


def _written(verb: Any, number: int) -> None:
    with writing(ProductPicture, number) as session:
        verb(session, picture_id=number)


def _taken_in(product_id: int, file: Any, words: str) -> None:
    """Keep the file, and let the product have it; it is not kept if the product may not."""
    if not isinstance(file, UploadFile) or not file.filename:
        raise NoFile
    if (file.size or 0) > pictures.MOST_BYTES:
        raise pictures.TooLarge(megabytes=pictures.MOST_BYTES // 1_000_000)
    picture = redrawn(file.file)
    files = lists.files()
    kept = files.keep([picture.content], most=pictures.MOST_BYTES)
    try:
        with writing(Product, product_id) as session:
            pictures.add(
                session, product_id=product_id, stored_as=kept.name,
                media_type=picture.media_type, checksum=kept.checksum, words=words,
            )  # fmt: skip
    except BaseException:
        files.drop(kept.name)
        raise
