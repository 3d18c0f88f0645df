"""A forked kernel: the child of the zygote becomes the process a plain kernel would be."""

import atexit
import contextlib
import gc
import importlib.util
import io
import os
import signal
import socket
import sys
import threading
import time
import traceback

from sqlib import warm

LAUNCHER, INFO = "ipykernel_launcher", "kernel_info_request"
UNHEARD = (0.03, 0.06, 0.12, 0.24, 0.48)  # seconds after the start


def run(connection: socket.socket, message: dict, files: list[int]) -> None:
    """Become the kernel of the request, report the process id, serve until shut down; never returns."""
    try:
        _become(message, files)
        warm.send(connection, {"pid": os.getpid()})
    except (OSError, ValueError) as error:  # a folder that is gone, a limit that cannot be had
        with contextlib.suppress(OSError):
            warm.send(connection, {"refused": str(error)})
        os._exit(1)
    status = _serve(connection, message["arguments"])
    _finish()
    os._exit(status)


def _become(message: dict, files: list[int]) -> None:
    """Session, standard streams, folder, environment, limits and random numbers of its own."""
    import random
    import resource

    import numpy

    os.setsid()
    for number, file in enumerate((os.open(os.devnull, os.O_RDONLY), *files)):
        os.dup2(file, number)
        os.close(file)
    os.umask(message["umask"])
    os.setpriority(os.PRIO_PROCESS, 0, message["priority"])
    os.sched_setaffinity(0, message["processors"])
    for name, pair in message["limits"].items():
        resource.setrlimit(getattr(resource, name), pair)
    os.chdir(message["folder"])
    os.environ.clear()
    os.environ.update(message["environment"])
    time.tzset()
    random.seed()
    numpy.random.seed()


def _serve(connection: socket.socket, arguments: list[str]) -> int:
    """Run the kernel as its launcher does; the exit status."""
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = [importlib.util.find_spec(LAUNCHER).origin, *arguments]
    try:
        app = IPKernelApp.instance()
        # A parent is read from the environment at import, which is too late here: it keeps a banner from being printed.
        app.initialize([*arguments, f"--IPKernelApp.parent_handle={os.getppid()}"])
        _announced(app.kernel)
        app.poller = threading.Thread(target=_end_with_client, args=(connection,), daemon=True)
        app.start()
    except SystemExit as stopped:
        return stopped.code if isinstance(stopped.code, int) else int(stopped.code is not None)
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
        return 1
    return 0


def _announced(kernel) -> None:
    """Say "idle" a few times: a forked kernel is ready before a server listens, which asks again every half second."""
    from tornado.ioloop import IOLoop

    def idle() -> None:
        asked = kernel.get_parent("shell").get("header", {}).get("msg_type", INFO)
        if asked == INFO:  # nothing was run yet
            kernel._publish_status("idle", "shell", {"header": {}})  # an answer to nobody

    for seconds in UNHEARD:
        IOLoop.current().call_later(seconds, idle)


def _end_with_client(connection: socket.socket) -> None:
    """Wait until the client's process is gone, then end with all that was started here."""
    connection.settimeout(None)
    with contextlib.suppress(OSError):
        connection.recv(1)
    os.killpg(0, signal.SIGKILL)


def _finish() -> None:
    """What the end of an interpreter does that others can see, without taking a large heap to pieces."""
    threading._shutdown()
    atexit._run_exitfuncs()
    gc.collect()
    for each in gc.get_objects():
        if isinstance(each, io.IOBase) and not each.closed:
            with contextlib.suppress(OSError, ValueError):
                each.flush()
