"""The zygote: one process imports the libraries of the pages, warms them up, and forks a fresh kernel per request.

It runs as ``python -c`` (see ``warm.start``), on Linux only. What may be imported is a list: whatever starts threads of
its own cannot be forked. A request that would not give what a plain kernel gives is refused, and the client starts one.
"""

import builtins
import contextlib
import functools
import gc
import importlib
import io
import os
import pkgutil
import selectors
import socket
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from sqlib import forked, warm

IDLE = 600.0  # seconds without a kernel after which it ends
BLOCKED = ("polars", "torch", "tensorflow", "jax", "numba", "duckdb")  # their threads do not survive a fork
HARMLESS = ("jemalloc_bg_thd",)  # threads that may run beside ours: the memory allocator of Arrow
INLINE = ("inline", "module://matplotlib_inline.backend_inline")
OWN = dict.fromkeys(warm.THREADS, "1") | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
LIBRARIES = (
    "ipykernel.kernelapp", "ipykernel.debugger", "IPython.core.oinspect", "IPython.extensions.storemagic", "sqlite3",
    "IPython.core.debugger", "IPython.core.completerlib", "tornado.platform.asyncio", "encodings.ascii",
    "encodings.idna",
    "numpy.random", "scipy.stats", "scipy.optimize", "scipy.special", "scipy.sparse",
    "matplotlib.pyplot", "matplotlib.backends.backend_agg", "PIL.PngImagePlugin", "seaborn",
    "statsmodels.api", "statsmodels.formula.api", "pandas.io.formats.style",
    "pyarrow.parquet", "pyarrow.dataset", "pyarrow.compute", "pandas.core.arrays.arrow.extension_types",
    "pandas.core.reshape.reshape", "pandas.io.formats.string", "pandera.pandas",
    "pandera.backends.pandas.register", "pandera.accessors.pandas_accessor", "zmq.utils.garbage",
    "sklearn.feature_extraction.text",
    "python_calamine", "openpyxl", "pylopdf_fonts_zh_cn", "rjieba", "encodings.gb18030",
    "encodings.gb2312", "encodings.utf_8_sig", "encodings.utf_16_be", "encodings.utf_32_le", "encodings.cp437",
)  # fmt: skip
PACKAGES = ("sqlib.methods", "sqlib.figures", "sqlib.finders", "sqlib.accounts")  # every module of them


def main(made_from: str) -> None:
    """Import, warm up, serve until idle for ten minutes; one process per key, a second one ends at once."""
    with _only(made_from) as lock:
        given = dict(os.environ)
        load()
        alien = threads()
        if alien:
            raise SystemExit(f"threads that cannot be forked: {', '.join(alien)}")
        if warm.key() != made_from:
            raise SystemExit("a file changed during the import")
        gc.collect()
        gc.freeze()
        zygote = Zygote(made_from, given, lock)
        warm.replaced(made_from)
        zygote.serve()


@contextlib.contextmanager
def _only(made_from: str):
    import fcntl  # not on Windows, where this module must be importable

    lock = os.open(warm.folder() / f"{made_from}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit(0) from None
    yield lock


class Blocked:
    """An import finder to which some libraries are not installed; a kernel may import them, after the fork."""

    def find_spec(self, name: str, path=None, target=None) -> None:
        """Nothing, or the error of an absent library."""
        if name in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def load() -> None:
    """Import everything; the process has one BLAS and OpenMP thread, and pandas believes to be in a kernel."""
    os.environ |= OWN
    sys.meta_path.insert(0, blocked := Blocked())
    builtins.get_ipython = lambda: SimpleNamespace(kernel=True)  # pandas sets display.max_columns by it at import,
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), "UTF-8")):  # and display.encoding by this
        importlib.import_module("pandas")
    del builtins.get_ipython
    for name in LIBRARIES:
        importlib.import_module(name)
    importlib.import_module("sqlib.page")
    for name in PACKAGES:
        for each in pkgutil.iter_modules(importlib.import_module(name).__path__):
            importlib.import_module(f"{name}.{each.name}")
    _draw_once()
    _warm_up()
    sys.meta_path.remove(blocked)


def _draw_once() -> None:
    """A figure shown at the end of its cell is not drawn beforehand as well.

    At the end of a cell pyplot draws every figure that changed, and then the inline backend shows it, which draws it
    anew: a fifth of the work of a page with many figures. Only a layout engine makes the one drawing alter the other.
    """
    from matplotlib import _pylab_helpers, get_backend, is_interactive, pyplot
    from matplotlib.layout_engine import PlaceHolderLayoutEngine

    stock = pyplot._draw_all_if_interactive

    def draw_laid_out() -> None:
        if get_backend() not in INLINE:
            return stock()
        figures = [each.canvas.figure for each in _pylab_helpers.Gcf.get_all_fig_managers() if is_interactive()]
        for figure in figures:
            if figure.stale and not isinstance(figure.get_layout_engine(), PlaceHolderLayoutEngine | None):
                figure.canvas.draw_idle()

    pyplot._draw_all_if_interactive = draw_laid_out


def _warm_up() -> None:
    """One small figure, table and fit: what is made at first use is made once. No OpenMP, no Arrow computation."""
    import pandas as pd
    import seaborn
    import statsmodels.formula.api as smf
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    frame = pd.read_csv(io.StringIO("x,y\n1,2\n2,3\n3,5\n4,4\n"))
    canvas = FigureCanvasAgg(Figure())  # not by pyplot, which would choose a backend before there is a shell
    seaborn.lineplot(data=frame, x="x", y="y", ax=canvas.figure.subplots())
    canvas.print_png(io.BytesIO())
    frame.style.format(precision=1).to_html()
    smf.ols("y ~ x", frame).fit()
    _read_declared()


def _read_declared() -> None:
    """Words, contracts and names: files of this package, so they are what the key was made from."""
    from sqlib import contracts, name_forms, words

    for path in words.FOLDER.glob("*.toml"):
        words.catalogue(path.stem)
    for name in contracts.names():
        contracts.load(name)
    name_forms.table()


def threads() -> list[str]:
    """Names of the threads of this process beside the main one that a fork would lose."""
    tasks = Path("/proc/self/task").iterdir()
    names = [(task / "comm").read_text().strip() for task in tasks if task.name != str(os.getpid())]
    return [name for name in names if name not in HARMLESS]


class Zygote:
    """The server: forks on request and reports each kernel's end to its client."""

    def __init__(self, made_from: str, given: dict[str, str], lock: int):
        self.address, self.given, self.lock = warm.address(made_from), warm.at_import(given), lock
        self.added = {
            name: os.environ[name] for name in os.environ.keys() - given.keys() - OWN.keys()
        }  # by what was imported
        self.kernels: dict[int, socket.socket] = {}  # by process id: the connection to the client
        self.since, self.ending = time.time(), False
        self.selector = selectors.DefaultSelector()
        self.listener = self._listen()

    def _listen(self) -> socket.socket:
        """The socket appears under its name when it listens, in place of one a killed zygote left."""
        listener, unfinished = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), self.address.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        listener.bind(str(unfinished))
        os.chmod(unfinished, 0o600)
        listener.listen(64)
        unfinished.rename(self.address)
        self.selector.register(listener, selectors.EVENT_READ, self._accept)
        return listener

    def serve(self) -> None:
        """Answer until there was no kernel for ``IDLE`` seconds, or an end was asked for and the last kernel ended."""
        while not self.ending or self.kernels:
            events = self.selector.select(None if self.kernels else IDLE)
            if not events:
                self._end()
            for event, _ in events:
                event.data(event.fileobj)

    def _end(self) -> None:
        if not self.ending:
            self.ending = True
            self.address.unlink(missing_ok=True)
            self.selector.unregister(self.listener)
            self.listener.close()

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.settimeout(2.0)  # a client that stays silent must not hold up the others
        try:
            message, files = warm.receive(connection)
        except (OSError, ValueError):
            return connection.close()
        if message["ask"] == "fork":
            return self._fork(connection, message, files)
        if message["ask"] == "end":
            self._end()
        with contextlib.suppress(OSError), connection:
            warm.send(connection, {"pid": os.getpid(), "kernels": sorted(self.kernels), "since": self.since})

    def _fork(self, connection: socket.socket, message: dict, files: list[int]) -> None:
        refusal = unequal(message, self.given)
        if not refusal and not (pid := os.fork()):
            self._forget()
            forked.run(connection, message | {"environment": self.added | message["environment"]}, files)
        for file in files:
            os.close(file)
        if refusal:
            with contextlib.suppress(OSError), connection:
                return warm.send(connection, {"refused": refusal})
        self.kernels[pid] = connection
        self.selector.register(os.pidfd_open(pid), selectors.EVENT_READ, functools.partial(self._ended, pid))

    def _ended(self, pid: int, file: int) -> None:
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.selector.unregister(file)
        os.close(file)
        with contextlib.suppress(OSError), self.kernels.pop(pid) as connection:
            warm.send(connection, {"status": status})

    def _forget(self) -> None:
        """In the child: what belongs to the zygote is closed; a lock held on would keep the next zygote away."""
        for event in list(self.selector.get_map().values()):
            event.fileobj.close() if event.fileobj is self.listener else os.close(event.fileobj)
        for connection in self.kernels.values():
            connection.close()
        self.selector.close()
        os.close(self.lock)


def unequal(message: dict, given: dict[str, str]) -> str:
    """Why a plain kernel would be another than a forked one; empty where it would not."""
    wanted = warm.at_import(message["environment"])
    differing = {name for name in wanted | given if wanted.get(name) != given.get(name)}
    if differing:
        return f"variables: {', '.join(sorted(differing))}"
    return f"modules of the working folder: {found}" if (found := shadowed(Path(message["folder"]))) else ""


def shadowed(folder: Path) -> str:
    """A file of the working folder that a plain kernel would import or read in place of what is loaded."""
    for path in folder.iterdir():
        loaded = sys.modules.get(path.stem) if path.suffix in ("", ".py") else None
        if path.name == "matplotlibrc" or (loaded and _imported(path) not in ("", getattr(loaded, "__file__", None))):
            return path.name
    return ""


def _imported(path: Path) -> str:
    """The file that ``import`` would execute, empty for a folder without ``__init__.py``."""
    if path.suffix == ".py":
        return str(path)
    return str(path / "__init__.py") if (path / "__init__.py").is_file() else ""
