"""Files packed with xz or gzip, read as they are unpacked: never the whole of them at once."""

import io
import lzma
import zlib
from pathlib import Path
from typing import IO, Any

from app.intake.lists import Unreadable

_PIECE = 1 << 16
_MEMORY = 192 << 20  # what `xz -9` needs is a third of it
_XZ, _GZIP = b"\xfd7zXZ\x00", b"\x1f\x8b"


def unpacked(path: Path, most: int) -> Path:
    """The file as a path that opens unpacked, itself if it is not packed.

    Reading it raises `Unreadable` past `most` bytes, and when it is damaged.
    """
    with path.open("rb") as file:
        head = file.read(6)
    if head.startswith(_GZIP) or head == _XZ:
        packed = PackedPath(path)
        packed.is_xz, packed.most = head == _XZ, most
        return packed
    return path


# The type of this system's paths is known only when it runs, and before Python 3.12 no other can be
# inherited from.
class PackedPath(type(Path())):  # type: ignore[misc]
    """A path whose `open` unpacks."""

    is_xz: bool
    most: int

    def open(self, *_: Any, **__: Any) -> IO[bytes]:
        """The unpacked bytes."""
        raw = _Unpacked(io.FileIO(str(self)), is_xz=self.is_xz, most=self.most)
        return io.BufferedReader(raw, 1 << 18)


class _Unpacked(io.RawIOBase):
    """Several packed parts behind each other are one file, as `xz` and `gzip` have it."""

    def __init__(self, file: io.FileIO, *, is_xz: bool, most: int) -> None:
        self._file, self._is_xz, self._most = file, is_xz, most
        self._restart()

    def _restart(self) -> None:
        self._file.seek(0)
        self._at, self._waiting = 0, b""
        self._begin()

    def _begin(self) -> None:
        self._fresh = True
        self._unpacker: Any = (
            lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)
            if self._is_xz
            else zlib.decompressobj(wbits=31)
        )

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation
        if offset < self._at:
            self._restart()
        while self._at < offset and self._next(min(_PIECE, offset - self._at)):
            pass
        return self._at

    def readinto(self, buffer: Any) -> int:
        piece = self._next(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _next(self, size: int) -> bytes:
        try:
            piece = self._unpack(size)
        except (lzma.LZMAError, zlib.error, EOFError) as error:
            raise Unreadable(
                "This compressed file is damaged or cut off: pack it again, or choose the file "
                "that is not packed."
            ) from error
        self._at += len(piece)
        if self._at > self._most:
            raise Unreadable(
                f"Unpacked, this file is larger than {self._most / 1_000_000:,.0f} MB: split it "
                "and import the parts one by one."
            )
        return piece

    def _unpack(self, size: int) -> bytes:
        while True:
            if self._unpacker.eof and not self._next_part():
                return b""
            if not self._waiting and (self._is_xz is False or self._unpacker.needs_input):
                self._waiting = self._file.read(_PIECE) or b""
                if not self._waiting:
                    if self._fresh and self._at:
                        return b""
                    raise EOFError
            self._fresh = False
            piece = self._unpacker.decompress(self._waiting, size)
            self._waiting = b"" if self._is_xz else self._unpacker.unconsumed_tail
            if piece:
                return bytes(piece)

    def _next_part(self) -> bool:
        """Whether something follows the part that has ended; zeros at the end are padding."""
        rest = self._unpacker.unused_data.lstrip(b"\0")
        while not rest:
            more = self._file.read(_PIECE)
            if not more:
                return False
            rest = more.lstrip(b"\0")
        self._waiting = rest
        self._begin()
        return True
