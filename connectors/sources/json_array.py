"""Taking the elements of one long JSON list apart, without holding the list in memory.

Python's own decoder reads the values; what is here only goes from one to the next, in windows of text.
"""

from __future__ import annotations

import re
from json import JSONDecodeError
from typing import TYPE_CHECKING

from connectors.errors import ConfigurationError, SourceError
from connectors.json_text import DECODER, STRICT_DECODER, KeyTwiceError
from connectors.sources.fields import not_there
from connectors.sources.records_to_rows import KEY_TWICE

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
        keys: the key that holds the list, inner ones after dots; none: the text is the list.
    """

    def __init__(self, window: Window, name: str, keys: str | None) -> None:
        self._window = window
        self._name = name
        self._keys = keys.split(".") if keys else []

    def enter(self) -> None:
        """Go to the first element of the list.

        Raises:
            SourceError: there is no such key, or the text is not JSON.
            ConfigurationError: there is no list.
        """
        self._window.fill()
        for key in self._keys:
            self._go_to(key)
        if (first := self._peek()) != "[":
            raise self._no_list(first)
        self._drop(1)

    def elements(self) -> Iterator[list[object]]:
        """Yield the elements that each window holds; the window then begins at the next one.

        Raises:
            SourceError: the text is not JSON, ends before the list does, or goes on behind it.
        """
        yield from self._items()
        self._leave()

    def _items(self) -> Iterator[list[object]]:
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

    def _leave(self) -> None:
        """Read on to the end, since people who stand behind the list would be lost in silence."""
        at = self._window.offset
        self._drop(1)
        for key in reversed(self._keys):
            self._leave_object(key, at)
        if self._peek():
            raise self._goes_on(self._window.offset)

    def _leave_object(self, key: str, at: int) -> None:
        while self._peek() == ",":
            self._drop(1)
            if self._value() == key:
                raise SourceError(
                    f"{self._name} has {key!r} twice, and again behind byte {at}.",
                    "Only one list is read: join them, or split the file.",
                )
            self._drop_sign(":")
            self._pass_over()
        self._drop_sign("}")

    def _pass_over(self) -> None:
        """Drop one value; a list part by part, however long it is."""
        if self._peek() != "[":
            self._value()
            return
        self._drop(1)
        for _ in self._items():
            pass
        self._drop(1)

    def _drop_sign(self, sign: str) -> None:
        if self._peek() != sign:
            raise self._broken()
        self._drop(1)

    def _go_to(self, wanted: str) -> None:
        seen: list[str] = []
        self._expect("{", wanted)
        while self._peek() != "}":
            key = str(self._value())
            self._expect(":", wanted)
            if key == wanted:
                return
            seen.append(key)
            self._pass_over()
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

    def _goes_on(self, offset: int) -> SourceError:
        return SourceError(
            f"{self._name} goes on behind the list of records, at byte {offset}; that would not be read.",
            "Split the file into one list each; one object a line is `kind: jsonl`.",
        )

    def _no_list(self, first: str) -> ConfigurationError:
        where = f"under {'.'.join(self._keys)!r}" if self._keys else "at the top"
        mend = "Say with `records` which key holds the list of users." if first == "{" else "Check `records`."
        return ConfigurationError(f"{self._name} has no list {where}.", mend)


def _value_at(text: str, at: int) -> tuple[object, int]:
    try:
        return STRICT_DECODER.raw_decode(text, at)
    except KeyTwiceError:
        return KEY_TWICE, DECODER.raw_decode(text, at)[1]


def _values(text: str) -> tuple[list[object], int]:
    """Decode as many elements as the text holds whole; give them and where the next one begins."""
    values: list[object] = []
    at = 0
    while True:
        try:
            value, end = _value_at(text, at)
        except (JSONDecodeError, RecursionError):
            return values, at
        following = _BETWEEN.match(text, end)
        if following is None or following.end() == len(text):
            return values, at  # not sure that it has ended
        values.append(value)
        at = following.end()
