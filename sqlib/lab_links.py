"""Addresses under which the Jupyter server of this kernel shows a file."""

import os
from pathlib import Path
from urllib.parse import quote


def address(path: Path) -> str:
    """Where the browser opens the file; empty where no server is known or the file lies outside its root."""
    server = _server()
    root = Path(server["root_dir"]).resolve() if server else None
    if root is None or not path.resolve().is_relative_to(root):
        return ""
    return f"{server['base_url']}files/{quote(path.resolve().relative_to(root).as_posix())}"


def _server() -> dict:
    """What the server that started this kernel wrote down of itself; empty where there is none."""
    try:
        from jupyter_server.serverapp import list_running_servers
    except ImportError:  # a kernel that no Jupyter server started
        return {}
    parent = int(os.environ.get("JPY_PARENT_PID") or os.getppid())
    return next((found for found in list_running_servers() if found["pid"] == parent), {})
