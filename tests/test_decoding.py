"""The encoding of a text file is found by evidence."""

import tomllib
from pathlib import Path

import pytest

from sqlib import decoding
from sqlib.errors import ClientError

TEXTS = tomllib.loads((Path(__file__).parent / "data" / "intake.toml").read_text(encoding="utf-8"))
CHINESE = TEXTS["titled"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gbk", "gb18030"])
def test_chinese_text_in_every_encoding(encoding):
    text, found, broken = decoding.decode(CHINESE.encode(encoding))
    assert (text, broken) == (CHINESE, 0)
    assert found == {"gbk": "gb18030"}.get(encoding, encoding)


@pytest.mark.parametrize("encoding", ["cp1252", "big5"])
def test_another_encoding_is_not_taken_for_chinese_of_the_mainland(encoding):
    text = {"cp1252": "L'été à Zürich: très déçu, à éviter; señor, façade. " * 20, "big5": TEXTS["traditional"] * 20}
    found = decoding.decode(text[encoding].encode(encoding))
    assert found[1] != "gb18030" and found[2] == 0
    if encoding == "big5":
        assert found[0] == text["big5"]


def test_a_few_broken_bytes_are_counted_not_fatal():
    data = (CHINESE * 20).encode("utf-8")
    cut = data.rindex(CHINESE[5].encode()) + 1  # in the middle of a character
    assert decoding.decode(data[:cut])[1:] == ("utf-8", 1)
    data = (CHINESE * 20 + TEXTS["mojibake_header"]).encode("gb18030")
    middle = data.index(b"\n") + 3
    text, found, broken = decoding.decode(data[:middle] + b"\xff" + data[middle:])
    assert found == "gb18030" and 1 <= broken <= 3 and "\ufffd" in text


def test_bytes_that_are_no_text():
    with pytest.raises(ClientError) as raised:
        decoding.decode(bytes(range(128, 256)) * 5 + b"\x81\x8d\x8f\x90\x9d", where="x")
    assert raised.value.code == "intake.undecodable"
