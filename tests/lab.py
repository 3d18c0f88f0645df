"""A JupyterLab of its own for the tests: a project of its own, a free port, no configuration from elsewhere."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from browser import Page

ROOT = Path(__file__).parents[1]
PATIENCE = 30  # seconds, for what a machine under load does in ten
TOKEN = "start-page"
CONNECTED = (  # one kernel counted below the page, and idle: before the first it is called idle as well
    "document.querySelector('#jp-main-statusbar')?.innerText.startsWith('1')"
    " && document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'"
)
SETTINGS = "@jupyterlab/apputils-extension"
PART = '[...document.querySelectorAll("{selector}")].find(e => e.textContent.trim() === {text})'


def project(root: Path, *clients: str) -> Path:
    """A project with the pages and some of the demo clients."""
    shutil.copytree(ROOT / "notebooks", root / "notebooks")
    shutil.copytree(ROOT / "data" / "templates", root / "data" / "templates")
    for name in clients:
        leave = shutil.ignore_patterns(".*", "problems.xlsx", "corrections.toml", "commentary")
        shutil.copytree(ROOT / "data" / "demo" / name, root / "data" / "demo" / name, ignore=leave)
    return root


@contextmanager
def served(root: Path, state: Path, language: str, theme: str = "JupyterLab Light"):
    """JupyterLab on a project; yields its address. Server and kernels end with the block."""
    settings = {"themes": {"theme": theme}, "notification": {"fetchNews": "false", "checkForUpdates": False}}
    (state / "settings" / SETTINGS).mkdir(parents=True)
    for name, chosen in settings.items():
        path = state / "settings" / SETTINGS / f"{name}.jupyterlab-settings"
        path.write_text(json.dumps(chosen), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {f"JUPYTER_{name}_DIR": str(state / name.lower()) for name in ("CONFIG", "RUNTIME")}
    places |= {"JUPYTERLAB_SETTINGS_DIR": str(state / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(state / "spaces")}
    own = {"PYTHONPATH": str(ROOT), "SQLIB_LANGUAGE": language, "SQLIB_WARM": "0", "JUPYTER_NO_CONFIG": "1"}
    options = [
        "--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0", "--allow-root",
        f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={root}", "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.extension_manager=readonly",
    ]  # fmt: skip
    with (state / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter", "lab", *options], cwd=root, env=os.environ | places | own,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            _awaited(f"http://127.0.0.1:{port}/api?token={TOKEN}", process, state / "log")
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def _awaited(address: str, process: subprocess.Popen, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            with urlopen(address, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.05)
    raise AssertionError(f"JupyterLab did not start: {log.read_text(errors='replace')[-2000:]}")


def opened(page: Page, address: str) -> None:
    """The start page opened and every cell run, as a person does it; returns when its controls are there."""
    page.go(f"{address}lab/tree/notebooks/start_here.ipynb?token={TOKEN}", height=1000)
    page.wait("!!document.querySelector('.jp-Notebook .jp-CodeCell')", PATIENCE)
    page.wait(CONNECTED, PATIENCE)
    menu(page, "Run", "Run All Cells")
    page.wait("!!document.querySelector('.sq-page .sq-run')", PATIENCE)


def menu(page: Page, *labels: str) -> None:
    """Entries of the menu bar, one below the other."""
    for selector, label in zip((".lm-MenuBar-itemLabel", ".lm-Menu-itemLabel"), labels, strict=True):
        part = PART.format(selector=selector, text=json.dumps(label))
        page.wait(f"(e => !!e && e.getBoundingClientRect().width > 0)({part})", PATIENCE)
        page.hit(part)
