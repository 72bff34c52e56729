"""Taking the elements of one long JSON list apart, without holding the list in memory.

Python's own decoder reads the values; what is here only goes from one to the next, in windows of text.
"""

from __future__ import annotations

import re
from json import JSONDecodeError
from typing import TYPE_CHECKING

from connectors.errors import ConfigurationError, SourceError
from connectors.json_text import DECODER
from connectors.sources.fields import not_there

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.sources.windows import Window

_SPACE = b" \t\r\n"
_BETWEEN = re.compile(r"[ \t\r\n]*(?:,[ \t\r\n]*|(?=\]))")


class JsonList:
    """The list of records in a JSON text: the text itself, or what stands under a key of it.

    Args:
        window: the text.
        name: the file's name, for errors.
    """

    def __init__(self, window: Window, name: str) -> None:
        self._window = window
        self._name = name

    def enter(self, keys: str | None) -> None:
        """Go to the first element of the list under ``keys``, parted by dots; none: the text is the list.

        Raises:
            SourceError: there is no such key, or the text is not JSON.
            ConfigurationError: there is no list.
        """
        self._window.fill()
        for key in keys.split(".") if keys else ():
            self._go_to(key)
        if (first := self._peek()) != "[":
            raise self._no_list(first, keys)
        self._drop(1)

    def elements(self) -> Iterator[list[object]]:
        """Yield the elements that each window holds; the window then begins at the next one.

        Raises:
            SourceError: the text is not JSON, or ends before the list does.
        """
        while self._peek() != "]":
            text = self._text()
            values, at = _values(text)
            if values:
                self._drop_text(text[:at])
                yield values
            elif self._window.final:
                raise self._broken()
            else:
                self._window.grow()

    def _go_to(self, wanted: str) -> None:
        seen: list[str] = []
        self._expect("{", wanted)
        while self._peek() != "}":
            key = str(self._value())
            self._expect(":", wanted)
            if key == wanted:
                return
            seen.append(key)
            self._value()
            if self._peek() == ",":
                self._drop(1)
        raise not_there("key", wanted, seen, f"{self._name}: records")

    def _expect(self, sign: str, key: str) -> None:
        if self._peek() != sign:
            raise SourceError(f"{self._name}: the JSON has no object with {key!r}.", "Check `records`.")
        self._drop(1)

    def _value(self) -> object:
        """Take one value off the front."""
        while True:
            self._peek()
            text = self._text()
            try:
                value, at = DECODER.raw_decode(text)
            except (JSONDecodeError, RecursionError):
                if self._window.final:
                    raise self._broken() from None
                self._window.grow()
                continue
            if at < len(text) or self._window.final:  # a number at the window's end may go on behind it
                self._drop_text(text[:at])
                return value
            self._window.grow()

    def _peek(self) -> str:
        """Drop space, then look at the next sign; empty at the end of the text."""
        while self._window.fill():
            kept = self._window.data.lstrip(_SPACE)
            self._window.take(len(self._window.data) - len(kept))
            if kept:
                return chr(kept[0])
        return ""

    def _text(self) -> str:
        """Give the window as text, cut where no letter is cut in two."""
        data = self._window.data
        end = (
            len(data) if self._window.final else max(data.rfind(b"}"), data.rfind(b'"'), data.rfind(b"]")) + 1
        )
        return data[:end].decode(errors="surrogateescape")

    def _drop(self, count: int) -> None:
        self._window.take(count)

    def _drop_text(self, text: str) -> None:
        self._window.take(len(text.encode(errors="surrogateescape")))

    def _broken(self) -> SourceError:
        return SourceError(
            f"{self._name} is no valid JSON, or cut off, behind byte {self._window.offset}.",
            "Export it again; for one object a line use `kind: jsonl`.",
        )

    def _no_list(self, first: str, keys: str | None) -> ConfigurationError:
        where = f"under {keys!r}" if keys else "at the top"
        mend = "Say with `records` which key holds the list of users." if first == "{" else "Check `records`."
        return ConfigurationError(f"{self._name} has no list {where}.", mend)


def _values(text: str) -> tuple[list[object], int]:
    """Decode as many elements as the text holds whole; give them and where the next one begins."""
    values: list[object] = []
    at = 0
    while True:
        try:
            value, end = DECODER.raw_decode(text, at)
        except (JSONDecodeError, RecursionError):
            return values, at
        following = _BETWEEN.match(text, end)
        if following is None or following.end() == len(text):
            return values, at  # not sure that it has ended
        values.append(value)
        at = following.end()
