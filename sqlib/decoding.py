"""Bytes to text: the encoding of a text file, found by evidence.

Order: a byte order mark, UTF-16 by its zero bytes, UTF-8, GB18030 (which contains GBK and GB2312) when what it gives
looks like Chinese, the same two with a few broken characters, and only then a statistical guess.
"""

import codecs

from sqlib.errors import ClientError

BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
SAMPLE = 1 << 20  # bytes, or characters, looked at where the whole file would be slow
COMMON_HAN = 0.7  # share of the non-ASCII characters that lie in GB2312 when the text is Chinese
BROKEN = 0.02  # share of the non-ASCII characters that may be unreadable before an encoding is given up


def decode(data: bytes, declared: str | None = None, where: str = "") -> tuple[str, str, int]:
    """Text, encoding, and the number of characters that could not be read (shown as U+FFFD).

    Raises
    ------
    ClientError : ``intake.unknown_encoding`` (a declared name nobody knows), ``intake.wrong_encoding`` (declared but
        not so), ``intake.undecodable`` (nothing fits)
    """
    if declared:
        return _declared(data, declared, where), declared, 0
    for encoding in filter(None, [_marked(data), _two_bytes(data), "utf-8", "gb18030"]):
        text = _strict(data, encoding)
        if text is not None and (encoding != "gb18030" or _chinese(text)):
            return text, encoding, 0
    for encoding in ("utf-8", "gb18030"):
        text = data.decode(encoding, errors="replace")
        broken = text.count("\ufffd")
        if broken <= BROKEN * _beyond_ascii(text) and (encoding == "utf-8" or _chinese(text)):
            return text, encoding, broken
    return _guessed(data, where)


def _declared(data: bytes, declared: str, where: str) -> str:
    try:
        return data.decode(declared).removeprefix("\ufeff")
    except LookupError:
        raise ClientError("intake.unknown_encoding", where=where, got=declared) from None
    except UnicodeDecodeError as error:
        raise ClientError("intake.wrong_encoding", where=where, got=declared, byte=error.start) from None


def _marked(data: bytes) -> str | None:
    return next((encoding for mark, encoding in BOMS.items() if data.startswith(mark)), None)


def _two_bytes(data: bytes) -> str | None:
    """UTF-16 without a mark: ASCII characters (delimiters, digits, line ends) leave zeros on one side."""
    even, odd = data[0:SAMPLE:2].count(0), data[1:SAMPLE:2].count(0)
    if not even + odd or len(data) % 2:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _beyond_ascii(text: str) -> int:
    return len(text) - len(text.encode("ascii", errors="ignore"))


def _chinese(text: str) -> bool:
    """Most characters beyond ASCII are in GB2312: bytes of another encoding read as GB18030 give rare ones."""
    sample = text[:SAMPLE]
    beyond = _beyond_ascii(sample)
    common = len(sample.encode("gb2312", errors="ignore").decode("gb2312")) - (len(sample) - beyond)
    return common >= COMMON_HAN * beyond


def _guessed(data: bytes, where: str) -> tuple[str, str, int]:
    import charset_normalizer

    best = charset_normalizer.from_bytes(data[:SAMPLE]).best()
    text = _strict(data, best.encoding) if best else None
    if text is None:
        raise ClientError("intake.undecodable", where=where, got=f"{len(data)} bytes")
    return text, best.encoding, 0
