"""A person's wait: a new kernel of a stock Jupyter server until imports and a first plot are done, plain and warm."""

import json
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from contextlib import contextmanager
from pathlib import Path

from batch_runs.arms import WARM, environment

FIRST_PLOT = """
import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
import statsmodels.api as sm
sns.histplot(pd.Series([1, 2, 2, 3], name="score"));
"""
PATIENCE = 60  # seconds until a server must answer


@contextmanager
def server(folder: Path, settings: dict[str, str]):
    """A Jupyter server of its own on a free port; gives ``host:port`` and the token."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", f"--port={address[10:]}",
               f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}"]  # fmt: skip
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment(folder) | settings, stdout=log, stderr=log)
    try:
        _await(address, token)
        yield address, token
    finally:
        process.terminate()
        process.wait()


def _await(address: str, token: str) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            _ask(address, token, "GET", "status")
            return
        except urllib.error.URLError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def _ask(address: str, token: str, method: str, what: str) -> bytes:
    headers, body = {"Authorization": f"token {token}"}, b"" if method == "POST" else None
    request = urllib.request.Request(f"http://{address}/api/{what}", body, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def first_plot(address: str, token: str) -> float:
    """Seconds from asking for a kernel until the first figure is there and the kernel is idle.

    Raises
    ------
    RuntimeError : the kernel answered with an error, or without a figure
    """
    from websocket import create_connection

    started = time.perf_counter()
    kernel = json.loads(_ask(address, token, "POST", "kernels"))["id"]
    line = create_connection(f"ws://{address}/api/kernels/{kernel}/channels?token={token}", timeout=PATIENCE)
    try:
        drawn = _execute(line, FIRST_PLOT)
        taken = time.perf_counter() - started
    finally:
        line.close()
        _ask(address, token, "DELETE", f"kernels/{kernel}")
    if not drawn:
        raise RuntimeError("the kernel drew nothing")
    return taken


def _execute(line, code: str) -> bool:
    """Run code over an open channel; was a figure shown?"""
    asked, shown = uuid.uuid4().hex, False
    head = {"msg_id": asked, "msg_type": "execute_request", "session": asked, "username": "", "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
    message = {"header": head, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    line.send(json.dumps(message))
    while True:
        heard = json.loads(line.recv())
        if heard["parent_header"].get("msg_id") != asked:
            continue
        if heard["msg_type"] == "error":
            raise RuntimeError(f"{heard['content']['ename']}: {heard['content']['evalue']}")
        shown |= "image/png" in heard["content"].get("data", {})
        if heard["msg_type"] == "status" and heard["content"]["execution_state"] == "idle":
            return shown


def compare(folder: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds of each new kernel, plain and warm in turn, after one of each that is not counted."""
    places = {name: folder / name for name in ("plain", "warm")}
    for place in places.values():
        place.mkdir(parents=True, mode=0o700)
    with server(places["plain"], {}) as plain, server(places["warm"], WARM) as warm:
        first_plot(*plain), first_plot(*warm)
        runs = [(first_plot(*plain), first_plot(*warm)) for _ in range(rounds)]
    return {"plain": [run[0] for run in runs], "warm": [run[1] for run in runs]}
