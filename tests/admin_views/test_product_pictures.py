"""Pictures of products: only pictures, only small ones, only for those who may see them."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms
from sqlalchemy import select

from app.database import begin
from app.operations import pictures
from app.tenancy import acting, vendor_actor
from models.outbox import OutboxMessage
from models.products import ProductPicture
from tasks.pictures import drop
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, manager, staff
from tests.admin_views.reading import text_of
from tests.webclient import settled


def picture(
    kind: str = "PNG", size: tuple[int, int] = (8, 6), grey: int = 80, **more: Any
) -> bytes:
    """A file with a picture in one grey."""
    file = BytesIO()
    Image.new("RGB", size, (grey, grey, grey)).save(file, kind, **more)
    return file.getvalue()


PNG, JPEG, WEBP = picture("PNG"), picture("JPEG"), picture("WEBP")


@pytest.fixture(autouse=True)
def var(tmp_path: Path) -> Iterator[Path]:
    with settled(VAR=str(tmp_path), DEMO="true"):
        yield tmp_path


@pytest.fixture
def vendor(panel: PanelClient) -> int:
    vendor = make.new_vendor()
    panel.as_(manager(vendor))
    return vendor


def product(vendor: int) -> int:
    with acting(vendor_actor(vendor)), begin() as session:
        return make.product(session).id


def add(panel: PanelClient, number: int, content: bytes | None = PNG, words: str = "") -> str:
    """What the product's page says after an upload."""
    files = None if content is None else {"file": ("x.png", content, "image/png")}
    data = {"product": str(number), "words": words}
    answer = panel.post("/admin/product/picture", data=data, files=files)
    assert answer.status_code == 303, text_of(answer.text)
    return text_of(panel.get(answer.headers["location"]).text)


def rows(vendor: int) -> list[ProductPicture]:
    with acting(vendor_actor(vendor)), begin() as session:
        ordered = select(ProductPicture).order_by(ProductPicture.position)
        return list(session.scalars(ordered))


def test_a_picture_is_kept_and_shown_as_what_it_is(
    panel: PanelClient, vendor: int, var: Path
) -> None:
    number = product(vendor)
    for content, kind in ((PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")):
        assert "The picture is there." in add(panel, number, content, f"A {kind}")
        shown = panel.get(f"/admin/product/picture/{rows(vendor)[-1].id}")
        assert shown.status_code == 200
        assert Image.open(BytesIO(shown.content)).size == (8, 6)
        assert shown.headers["content-type"] == kind
        assert shown.headers["x-content-type-options"] == "nosniff"
    assert 'alt="A image/png"' in panel.get(f"/admin/product/details/{number}").text
    assert len(list((var / "files").iterdir())) == 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "Choose a picture first"),
        (b"", "no picture that can be shown"),
        (b"<html><script>alert(1)</script>", "no picture that can be shown"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture that can be shown"),
        (b"GIF89a" + b"\0" * 40, "no picture that can be shown"),
        (b"\x89PNG", "no picture that can be shown"),
        (b"RIFX\x24\0\0\0WEBP", "no picture that can be shown"),
        (PNG[:40], "no picture that can be shown"),
        (JPEG[: len(JPEG) // 2], "no picture that can be shown"),
        (WEBP[:30], "no picture that can be shown"),
        (picture("PNG", (5001, 5000)), "more than 25 million pixels"),
        (PNG + b"\0" * 15_000_000, "larger than 15 MB"),
    ],
)
def test_what_is_no_picture_is_refused_and_not_kept(
    panel: PanelClient, vendor: int, var: Path, content: bytes | None, said: str
) -> None:
    assert said in add(panel, product(vendor), content)
    assert rows(vendor) == []
    assert not any((var / "files").glob("*"))


def test_a_large_picture_is_kept_upright_small_and_without_where_it_was_taken(
    panel: PanelClient, vendor: int
) -> None:
    camera = Image.Exif()
    camera[0x0112], camera[0x010F] = 6, "Secret Camera"  # turned by a quarter, and who made it
    camera.get_ifd(0x8825)[1] = "N"
    colours = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    taken = picture("JPEG", (3200, 1600), exif=camera, icc_profile=colours) + b"hidden behind"
    assert "The picture is there." in add(panel, product(vendor), taken)
    (row,) = rows(vendor)
    content = panel.get(f"/admin/product/picture/{row.id}").content
    shown = Image.open(BytesIO(content))
    assert (shown.size, dict(shown.getexif())) == ((800, 1600), {})
    assert shown.info["icc_profile"] == colours
    assert b"Secret" not in content
    assert b"hidden" not in content


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_every_kind_of_colours_is_drawn(panel: PanelClient, vendor: int, mode: str) -> None:
    file = BytesIO()
    Image.new(mode, (3, 3)).save(file, "JPEG" if mode == "CMYK" else "PNG")
    assert "The picture is there." in add(panel, product(vendor), file.getvalue())


def test_twice_the_same_and_too_many_are_refused(
    panel: PanelClient, vendor: int, var: Path
) -> None:
    number = product(vendor)
    add(panel, number)
    assert "has this picture already" in add(panel, number)
    for n in range(pictures.MOST - 1):
        add(panel, number, picture(grey=n))
    assert "at most 12 pictures" in add(panel, number, picture(grey=90))
    assert len(rows(vendor)) == len(list((var / "files").iterdir())) == pictures.MOST


def test_a_picture_comes_first_and_goes_with_its_file(
    panel: PanelClient, vendor: int, var: Path
) -> None:
    number = product(vendor)
    for content in (PNG, JPEG, WEBP):
        add(panel, number, content)
    _, _, last = rows(vendor)
    assert panel.post(f"/admin/product/picture/{last.id}/first").status_code == 303
    assert [row.media_type for row in rows(vendor)] == ["image/webp", "image/png", "image/jpeg"]
    assert panel.post(f"/admin/product/picture/{last.id}/remove").status_code == 303
    assert [row.position for row in rows(vendor)] == [1, 2]
    assert panel.get(f"/admin/product/picture/{last.id}").status_code == 404
    panel.post(f"/admin/product/remove/{number}")
    with acting(vendor_actor(vendor)), begin() as session:
        promised = session.scalars(
            select(OutboxMessage).where(OutboxMessage.task == drop.name)
        ).all()
    assert len(list((var / "files").iterdir())) == len(promised) == 3
    for message in promised:
        for _ in range(2):
            drop.run(message.payload["stored_as"])
    assert not any((var / "files").iterdir())


def test_a_file_that_is_lost_is_a_page_that_is_not_here(
    panel: PanelClient, vendor: int, var: Path
) -> None:
    add(panel, product(vendor))
    for path in (var / "files").iterdir():
        path.unlink()
    assert panel.get(f"/admin/product/picture/{rows(vendor)[0].id}").status_code == 404


def test_only_its_own_people_see_and_change_a_picture(panel: PanelClient, vendor: int) -> None:
    number = product(vendor)
    add(panel, number)
    picture = f"/admin/product/picture/{rows(vendor)[0].id}"
    panel.as_(manager(make.new_vendor()))
    assert panel.get(picture).status_code == 404
    for path in (f"{picture}/first", f"{picture}/remove"):
        assert panel.post(path).status_code == 404
    foreign = {"product": str(number)}
    files = {"file": ("x.png", JPEG, "image/png")}
    answer = panel.post("/admin/product/picture", data=foreign, files=files)
    assert answer.status_code == 404
    panel.as_(staff(vendor))
    assert panel.get(picture).status_code == 200
    assert panel.post(f"{picture}/remove").status_code == 403
    assert panel.post("/admin/product/picture", data=foreign, files=files).status_code == 403
    panel.as_(admin())
    assert "The picture is there." in add(panel, number, JPEG)
    assert [row.vendor_id for row in rows(vendor)] == [vendor, vendor]


@pytest.mark.parametrize("number", ["", "abc", "-1", "9" * 30, "0"])
def test_a_product_that_cannot_be_is_not_here(panel: PanelClient, vendor: int, number: str) -> None:
    files = {"file": ("x.png", PNG, "image/png")}
    answer = panel.post("/admin/product/picture", data={"product": number}, files=files)
    assert answer.status_code == 404
