"""Warm kernels: a waiting process, the zygote, has everything imported and forks a fresh kernel per notebook.

Here is what both sides agree on, where it listens and for whom, and the command ``sqlib warm``; ``zygote`` is the
waiting process, ``forked`` its child, ``provisioner`` makes Jupyter use it. Only on Linux: elsewhere a fork is unsafe
or unknown, and kernels are plain.
"""

import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
import sysconfig
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlib.errors import ArgumentError

NAME = "sqlib-warm"  # entry point of the provisioner
VARIABLE = "JUPYTER_DEFAULT_PROVISIONER_NAME"
SWITCH, PLACE = "SQLIB_WARM", "SQLIB_RUNTIME_DIR"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
HERE = Path(__file__).resolve().parent
LONGEST = 100  # bytes of a socket's path; Linux allows 107
PATIENCE = 10.0  # seconds for a zygote to come up: it imports in about 3


def usable() -> bool:
    """Whether kernels can be forked here at all, and nobody switched it off by ``SQLIB_WARM=0``."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open") and os.environ.get(SWITCH, "1") != "0"


def environment() -> dict[str, str]:
    """Variables under which every Jupyter program uses warm kernels; empty where they cannot be used."""
    return {VARIABLE: NAME} if usable() else {}


def folder() -> Path:
    """The folder of the sockets, made where absent; ``SQLIB_RUNTIME_DIR`` names another.

    Raises
    ------
    PermissionError : the folder is not ours alone
    """
    path = Path(os.environ.get(PLACE) or _runtime())
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    seen = path.lstat()
    if seen.st_uid != os.getuid() or seen.st_mode & 0o077:
        raise PermissionError(f"{path} can be reached by others")
    return path


def _runtime() -> str:
    import platformdirs

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells that XDG_RUNTIME_DIR is not set; its other choice is fine
        return platformdirs.user_runtime_dir("sqlib")


def key() -> str:
    """What a zygote was made from: where it belongs, then interpreter, distributions and files of this package."""
    place = [sys.executable, sys.prefix, str(HERE)]
    parts = [sys.version, *_files(HERE)]
    for folder in sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}):
        with os.scandir(folder) as entries:
            parts += sorted(f"{each.name} {each.stat().st_mtime_ns}" for each in entries if "-info" in each.name)
    return f"{_digest(place)[:8]}-{_digest(place + parts)[:16]}"


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _files(root: Path) -> list[str]:
    found = []
    for place, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            seen = os.stat(os.path.join(place, name))
            found.append(f"{place}/{name} {seen.st_mtime_ns} {seen.st_size}")
    return found


IMPORT_TIME = (  # beginnings of variables that libraries read when they are imported, or that the C library reads
    "PYTHON", "LD_", "MPL", "MATPLOTLIB", "OMP_", "OPENBLAS_", "GOTO_", "MKL_", "BLIS_", "KMP_", "GOMP_", "NUMEXPR_",
    "NPY_", "NUMPY_", "SCIPY_", "SKLEARN_", "PANDAS_", "ARROW_", "MALLOC_", "GLIBC_", "LC_", "LANG", "HOME", "XDG_",
    "TZ",
)  # fmt: skip


def at_import(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables that must be the zygote's own; without a number of threads a forked kernel has one."""
    return dict.fromkeys(THREADS, "1") | {
        name: value for name, value in variables.items() if name.startswith(IMPORT_TIME)
    }


def address(made_from: str) -> Path:
    """The socket of the zygote with that key."""
    return folder() / f"{made_from}.socket"


def replaced(made_from: str) -> None:
    """End the zygotes of the same place that were made from something older, and clear away what dead ones left."""
    for path in folder().glob(f"{made_from.partition('-')[0]}-*.socket"):
        if path.stem != made_from and not ask("end", path.stem):
            for left in path.parent.glob(f"{path.stem}.*"):
                left.unlink(missing_ok=True)


def send(connection: socket.socket, message: dict, files: Sequence[int] = ()) -> None:
    """One message, a line of JSON, with open files."""
    data = json.dumps(message).encode() + b"\n"
    sent = socket.send_fds(connection, [data], files) if files else 0
    if rest := data[sent:]:  # sending nothing would fail where the other side has answered and left
        connection.sendall(rest)


def receive(connection: socket.socket) -> tuple[dict, list[int]]:
    """One message and the open files that came with it.

    Raises
    ------
    ValueError : the other side left, or sent no message; OSError : it stays silent
    """
    data, files, *_ = socket.recv_fds(connection, 1 << 16, 2)
    while more := not data.endswith(b"\n") and connection.recv(1 << 16):
        data += more
    return json.loads(data), files


def connect(made_from: str) -> socket.socket | None:
    """A connection to the zygote with that key, or None where none listens."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(address(made_from)))
    except OSError:
        connection.close()
        return None
    return connection


def start(made_from: str = "") -> subprocess.Popen | None:
    """Start the zygote in the background and return at once; nothing happens where one listens or none can be used."""
    if not usable():
        return None
    made_from = made_from or key()
    if connection := connect(made_from):
        connection.close()
        return None
    log = os.open(address(made_from).with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    imported = f"import sys; sys.path[0] = {str(HERE.parent)!r}; from sqlib import zygote; del sys.path[0]"
    command = [sys.executable, "-c", f"{imported}; zygote.main({made_from!r})"]
    try:
        return subprocess.Popen(
            command, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    finally:
        os.close(log)


def ask(question: str, made_from: str) -> dict:
    """What the zygote answers to ``state`` or ``end``; empty where none listens."""
    connection = connect(made_from)
    with contextlib.suppress(OSError, ValueError), connection or contextlib.nullcontext():
        if connection:
            connection.settimeout(5.0)
            send(connection, {"ask": question})
            return receive(connection)[0]
    return {}


def run(command: Sequence[str]) -> int:
    """Run a command under ``environment``, the zygote on its way; its exit status.

    Raises
    ------
    ArgumentError : ``warm.no_command`` where there is no such program
    """
    start()
    try:
        return subprocess.run(command, env=os.environ | environment()).returncode
    except OSError as error:
        raise ArgumentError("warm.no_command", where=command[0], got=error.strerror) from None


def told(language: str, stop: bool = False) -> str:
    """Start the zygote, or end it, and say how it stands."""
    from sqlib import words

    if not usable():
        return words.text("cli", "warm", "unusable", language=language, switch=SWITCH)
    made_from = key()
    starting, until = None if stop else start(made_from), time.monotonic() + 6 * PATIENCE
    state = ask("end" if stop else "state", made_from)
    while not state and not stop and time.monotonic() < until and not (starting and starting.poll()):
        time.sleep(0.05)
        state = ask("state", made_from)
    said = ("none" if stop else "failed") if not state else "ended" if stop else "ready"
    log = address(made_from).with_suffix(".log")
    kernels, process = len(state.get("kernels", ())), str(state.get("pid", ""))
    return words.text("cli", "warm", said, language=language, process=process, kernels=kernels, where=log)
