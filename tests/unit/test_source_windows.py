"""The window over a text: nothing of it is lost or given twice, however it is cut, taken and grown."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.sources.streams import Stream
from connectors.sources.windows import Window


class Texts(Stream):
    """A text that is given in pieces, as a decompressor gives it."""

    def __init__(self, pieces: list[bytes]) -> None:
        super().__init__()
        self._pieces = [piece for piece in pieces if piece]

    def _pull(self, size: int) -> bytes:
        del size
        return self._pieces.pop(0) if self._pieces else b""


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.binary(max_size=12).map(lambda text: text.replace(b"\x00", b"\n")), max_size=12),
    st.integers(1, 20),
    st.sampled_from([b"", b"\n"]),
    st.data(),
)
def test_a_window_gives_every_byte_once(
    pieces: list[bytes], size: int, eol: bytes, data: st.DataObject
) -> None:
    window, text, taken = Window(Texts(pieces), size, "users.csv", eol), b"".join(pieces), b""
    while window.fill():
        if not window.final and data.draw(st.booleans()):
            window.grow()
        assert text[window.offset :].startswith(window.data)
        assert window.final or not eol or window.data.endswith(eol) or eol not in window.data
        count = data.draw(st.integers(1, len(window.data)))
        taken += window.data[:count]
        window.take(count)
        assert window.offset == len(taken)
    assert window.final
    assert taken == text


def test_what_has_begun_behind_a_long_window_is_not_the_end() -> None:
    """A window that had to grow may hold back more than a window's size; there is still text before it."""
    text = b"a" * 20 + b"\n" + b"b" * 25 + b"\n" + b"c\n"
    window = Window(Texts([text]), 4, "users.csv", b"\n")
    assert window.fill()
    while b"\n" not in window.data:
        window.grow()
    found = [window.data]
    window.take(len(window.data))
    while window.fill():
        found.append(window.data)
        window.take(len(window.data))
    assert b"".join(found) == text
