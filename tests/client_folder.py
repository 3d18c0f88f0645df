"""A client's folder made for a test: its client.toml and its exports."""

from pathlib import Path

from sqlib import client, contracts, intake

HEAD = '[client]\nname = "x"\n[privacy]\ndemo_key = "key"\n'


def write(root: Path, blocks: str, head: str = HEAD, **files: str | bytes) -> Path:
    """Write ``client.toml`` and ``raw/<name>``; a double underscore in a name stands for the dot."""
    (root / "raw").mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        data = content.encode("utf-8") if isinstance(content, str) else content
        (root / "raw" / name.replace("__", ".")).write_bytes(data)
    (root / "client.toml").write_text(head + blocks, encoding="utf-8")
    return root


def make(root: Path, blocks: str, head: str = HEAD, **files: str | bytes) -> client.Client:
    """The client of a folder so written."""
    return client.load(write(root, blocks, head, **files))


def read(root: Path, blocks: str, table: str = "feedback", head: str = HEAD, **files: str | bytes) -> intake.Raw:
    """The table as intake reads it from a folder made for the test."""
    return intake.read(make(root, blocks, head, **files), table, contracts.load(table))
