"""One notebook run by papermill, with its limits of time and output.

Success is what papermill's check for exceptions says, never what the output file looks like: the notebook of a killed
kernel says that it was completed.
"""

import contextlib
import functools
import os
from dataclasses import dataclass
from pathlib import Path

from sqlib import notebook

LARGEST = 50_000_000  # characters of output of one notebook; a page shows a few million
ENGINE = "sqlib"
WARM = "SQLIB_WARM"  # 0: kernels are started afresh, see ``provisioner``


@dataclass(frozen=True)
class Limits:
    """Seconds one cell and one whole job may take."""

    cell: int = 900
    job: int = 3600


class Stopped(Exception):
    """A notebook that did not run to its end: why, as a code ``making`` words, and what it names."""

    def __init__(self, code: str, got: str):
        super().__init__(code)
        self.code, self.got = code, got


def run(source: Path, executed: Path, values: dict, cwd: Path, limits: Limits) -> None:
    """Run a notebook with parameters into ``executed``.

    Raises
    ------
    Stopped : ``raised``, ``cell_time``, ``died`` or ``too_much``
    """
    from nbclient.exceptions import CellTimeoutError

    papermill = _papermill()
    try:
        papermill.execute_notebook(
            str(source), str(executed), values, engine_name=ENGINE, kernel_name="python3", progress_bar=False,
            cwd=str(cwd), request_save_on_cell_execute=False, execution_timeout=limits.cell,
            config=notebook.encrypted(),
        )  # fmt: skip
    except papermill.PapermillExecutionError as error:
        raise Stopped("raised", f"{error.ename}: {error.evalue}") from None
    except CellTimeoutError:
        raise Stopped("cell_time", str(limits.cell)) from None
    except TooMuch as error:
        raise Stopped("too_much", f"{error.args[0]:,}") from None
    except RuntimeError as error:  # the kernel died, before its first answer or later
        raise Stopped("died", str(error)) from None


@contextlib.contextmanager
def plain_kernel():
    """Kernels started inside share nothing with a process prepared before."""
    before = os.environ.get(WARM)
    os.environ[WARM] = "0"
    try:
        yield
    finally:
        os.environ.pop(WARM) if before is None else os.environ.update({WARM: before})


class TooMuch(Exception):
    """More output than a report can hold."""


@functools.cache
def _papermill():
    """papermill, quiet: what went wrong is told by the outcome, not by its log; with the engine that counts output."""
    import logging

    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NBClientEngine, papermill_engines

    class Bounded(PapermillNotebookClient):
        """Stops a notebook that prints without end, before the report job runs out of memory."""

        shown, over = 0, None

        def process_message(self, msg, cell, cell_index):
            self.shown += _size(msg["content"])
            if self.shown > LARGEST and self.over is None:
                self.over = TooMuch(self.shown)
                self.task_poll_for_reply.cancel()  # nobody waits for the cell any more; what it still says is dropped
            return None if self.over else super().process_message(msg, cell, cell_index)

        def execute_cell(self, *args, **kwargs):
            try:
                return super().execute_cell(*args, **kwargs)
            except DeadKernelError:  # what a cancelled wait looks like
                if self.over:
                    raise self.over from None
                raise

    class Engine(NBClientEngine):
        """The engine of papermill with a client that counts."""

        @classmethod
        def execute_managed_notebook(cls, nb_man, kernel_name, execution_timeout=None, config=None, **_):
            client = Bounded(
                nb_man, kernel_name=kernel_name, timeout=execution_timeout, startup_timeout=60,
                shutdown_kernel="immediate", log=logging.getLogger("papermill"), config=config,
            )  # fmt: skip
            return client.execute()

    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    papermill_engines.register(ENGINE, Engine)
    return papermill


def _size(content: dict) -> int:
    """Characters a message adds to the notebook."""
    data = content.get("data", {}).values()
    return len(content.get("text", "")) + sum(len(part) for part in data if isinstance(part, str))
