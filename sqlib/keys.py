"""The key of a client's pseudonyms, and the private folder where the names it hides are kept."""

import errno
import hashlib
import os
import secrets
from pathlib import Path

from sqlib.client import Client
from sqlib.errors import ClientError

KEY_FILE = ".sqlib-key"
NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}  # file systems without hard links


def key(client: Client) -> bytes:
    """The client's key.

    Raises
    ------
    ClientError : ``pseudonyms.key_unset`` (the named variable is empty), ``pseudonyms.key_unwritable``
    """
    variable = client.privacy.key_env
    if variable:
        value = os.environ.get(variable, "")
        if not value:
            raise ClientError("pseudonyms.key_unset", where=f"{client.id}/client.toml", got=variable)
        return value.encode()
    return client.privacy.demo_key.encode() if client.privacy.demo_key else _own_key(client)


def _own_key(client: Client) -> bytes:
    path = client.folder / KEY_FILE
    try:
        if not path.exists():
            draft = path.with_name(f"{KEY_FILE}.{secrets.token_hex(4)}")
            write_private(draft, secrets.token_hex(32))
            try:
                _publish(draft, path)
            finally:
                draft.unlink(missing_ok=True)
        return path.read_bytes().strip()
    except OSError as error:
        values = {"where": f"{client.id}/{KEY_FILE}", "got": error.strerror}
        raise ClientError("pseudonyms.key_unwritable", **values) from None


def _publish(draft: Path, path: Path) -> None:
    """Give the draft its name unless there is one: of two simultaneous runs the first wins, both then read its key."""
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        draft.replace(path)


def folder(client: Client) -> Path:
    """Where the names are kept: in the client's own cache, or the user's where that cannot be written."""
    if os.access(client.folder, os.W_OK):
        return client.folder / ".sqlib-cache" / "names"
    import platformdirs

    place = hashlib.sha256(str(client.folder.resolve()).encode()).hexdigest()[:16]
    return Path(platformdirs.user_cache_dir("sqlib")) / place / "names"


def write_private(path: Path, text: str) -> None:
    """A new file that its owner alone can read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
