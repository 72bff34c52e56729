"""Which encoding a text is in, and how to turn it into UTF-8.

Only what is certain is decided without being told: a byte order mark, text that is UTF-8 (but for a few
broken lines), and UTF-16 or UTF-32 by its zero bytes. The 8-bit encodings cannot be told apart from a sample
(French in cp1252 is valid cp1250, with other names in it), so there a person must say which one it is.
"""

from __future__ import annotations

import codecs

from connectors.errors import ConfigurationError

_LISTED = 4
"""Names of possible encodings that an error lists at most."""
_GUESS_BYTES = 64 * 1024
_PROOF = 10
"""Valid letters beyond ASCII for each fault that prove that a text with faults is UTF-8."""
UTF8_MARK = codecs.BOM_UTF8
_BAD = "poolferry-undecodable"
_MARKS = (  # the longer ones first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (UTF8_MARK, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDE = ["utf_16_le", "utf_16_be", "utf_32_le", "utf_32_be"]


def known_encoding(name: str) -> str:
    """Give a text encoding's own name.

    Raises:
        ValueError: there is no such encoding.
    """
    try:
        "".encode(name)
        return codecs.lookup(name).name
    except LookupError:
        raise ValueError(f"there is no encoding {name!r}") from None


def is_utf8(name: str) -> bool:
    """Whether text in this encoding is UTF-8 as it stands, but for a byte order mark."""
    return codecs.lookup(name).name in {"utf-8", "utf-8-sig"}


def detect_encoding(sample: bytes, *, whole: bool, name: str) -> str:
    """Tell the encoding of a file from its beginning.

    Args:
        sample: the first bytes; ``whole`` says whether they are all.
        whole: see ``sample``.
        name: the file's name, for the error.

    Raises:
        ConfigurationError: it is none that can be told for certain.
    """
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            return encoding
    if b"\0" in sample and (wide := _guess(sample[: _GUESS_BYTES // 4 * 4], _WIDE)):
        return wide[0]
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=whole)
    except UnicodeDecodeError as error:
        if not _is_utf8_with_faults(sample):
            raise _undecided(sample, error.start, name) from None
    return "utf-8"


def _is_utf8_with_faults(sample: bytes) -> bool:
    """Whether a text is UTF-8 but for a few broken lines.

    Text in an 8-bit encoding hardly ever holds valid sequences of several bytes, so many of them beside
    few faults are proof enough; the broken lines are told one by one as they are read.
    """
    text = sample.decode("utf-8", errors="replace")
    faults = text.count("\ufffd")
    beyond_ascii = sum(not part.isascii() for part in text) - faults
    return beyond_ascii >= _PROOF * faults


def _undecided(sample: bytes, at: int, name: str) -> ConfigurationError:
    start = sample.rfind(b"\n", 0, max(0, at - _GUESS_BYTES // 2)) + 1
    candidates = _guess(sample[start : start + _GUESS_BYTES], None)
    line = sample.count(b"\n", 0, at) + 1
    return ConfigurationError(
        f"{name} is not UTF-8: line {line} has other bytes.",
        f"Set `encoding`; possible are {', '.join(candidates) or 'cp1252 or iso-8859-1'}. "
        "They differ in letters, so ask whoever wrote the file.",
    )


def _guess(sample: bytes, among: list[str] | None) -> list[str]:
    import charset_normalizer  # noqa: PLC0415 - slow to import, and most files are UTF-8

    found = charset_normalizer.from_bytes(sample, cp_isolation=among)
    names = dict.fromkeys(name for match in found for name in (match.encoding, *match.could_be_from_charset))
    return sorted(names, key="cp1252".__ne__)[:_LISTED]


def decoder(encoding: str) -> codecs.IncrementalDecoder:
    """Make a decoder that marks what it cannot decode, for ``to_utf8`` to carry on."""
    return codecs.getincrementaldecoder(encoding)(_BAD)


def to_utf8(text: str) -> bytes:
    """Encode a decoder's text; each mark becomes the byte FF, which no UTF-8 has."""
    return text.encode("utf-8", "surrogateescape")


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", error.end


codecs.register_error(_BAD, _mark)
