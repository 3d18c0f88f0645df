"""The provisioner by which every Jupyter program gets a warm kernel: papermill, nbclient, nbconvert, JupyterLab.

It launches by asking the zygote for a fork; all else is the local provisioner's. Whenever a forked kernel could differ
from a plain one, and wherever there is no zygote, the plain kernel is launched and nobody is told.
"""

import asyncio
import contextlib
import os
import select
import socket
import subprocess
import sys
import time
from pathlib import Path
from queue import Empty

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.provisioning import LocalProvisioner

from sqlib import warm

MODULE = ["-m", "ipykernel_launcher", "-f"]
PROMPT = 0.5  # seconds in which a kernel mostly ends
KNOWN = {"cwd", "env", "kernel_id", "stdin", "stdout", "stderr", "independent", "extra_arguments"}


class Forked:
    """What ``subprocess.Popen`` is to a child of one's own: the kernel forked by the zygote."""

    stdin = stdout = stderr = None

    def __init__(self, connection: socket.socket, pid: int):
        self.connection, self.pid, self.returncode = connection, pid, None

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, as soon as it is known.

        Raises
        ------
        subprocess.TimeoutExpired : it still runs after ``timeout`` seconds
        """
        if self._ended(timeout) is None:
            raise subprocess.TimeoutExpired("kernel", timeout)
        return self.returncode

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self.connection], [], [], timeout)[0]:
            try:
                self.returncode = warm.receive(self.connection)[0]["status"]
            except (OSError, ValueError):
                self.returncode = -9  # the zygote is gone, and now the kernel: nobody knows how it ended
            self.connection.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(15)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(9)


class WarmProvisioner(LocalProvisioner):
    """Launches a forked kernel where one equals a plain one, else a plain one."""

    async def launch_kernel(self, cmd: list[str], **kwargs):
        """Launch, by a fork where that fits."""
        forked = await fork(cmd, kwargs) if warm.usable() and fits(cmd, kwargs) else None
        if forked is None:
            return await super().launch_kernel(cmd, **kwargs)
        self.process, self.pid, self.pgid = forked, forked.pid, forked.pid
        self.cwd = kwargs.get("cwd", Path.cwd())
        return self.connection_info

    async def shutdown_requested(self, restart: bool = False) -> None:
        """Notice a prompt end at once: the manager looks only ten times a second, for as long as it takes."""
        await self._prompt_end()

    async def kill(self, restart: bool = False) -> None:
        """End it, and notice that it has ended at once."""
        await super().kill(restart)
        await self._prompt_end()

    async def _prompt_end(self) -> None:
        until = time.monotonic() + PROMPT
        while self.process is not None and self.process.poll() is None and time.monotonic() < until:
            await asyncio.sleep(0.002)


class PromptClient(AsyncKernelClient):
    """A client for programs that tell messages apart by the request they answer, such as nbclient.

    The stock client listens for 0.2 s after the kernel is ready, in order to drop what concerns nobody.
    """

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers on both channels.

        Raises
        ------
        RuntimeError : the kernel died, or did not answer within ``timeout`` seconds
        """
        until = time.monotonic() + (float("inf") if timeout is None else timeout)
        while time.monotonic() < until:
            self.kernel_info()
            with contextlib.suppress(Empty):
                reply = await self.get_shell_msg(timeout=1)
                await self.get_iopub_msg(timeout=0.2)  # none: not yet subscribed, and outputs would be lost
                return self._handle_kernel_info_reply(reply)
            if not await self.is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
        raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")


def fits(command: list[str], options: dict) -> bool:
    """Whether the command is this interpreter's own kernel, with options that a fork can follow."""
    own = command[0] == sys.executable and command[1:4] == MODULE and all(word[:2] == "--" for word in command[5:])
    return own and options.keys() <= KNOWN and not options.get("independent") and options.get("stdin") is None


async def fork(command: list[str], options: dict) -> Forked | None:
    """A kernel forked by the zygote, which is started where there is none; None where it is not to be had."""
    for _ in range(2):  # a zygote may be killed just while we speak to it
        with contextlib.suppress(OSError, ValueError):
            connection = await _connected()
            return connection and await _forked(connection, command, options)
    return None


async def _forked(connection: socket.socket, command: list[str], options: dict) -> Forked | None:
    with contextlib.ExitStack() as stack:
        stack.callback(connection.close)
        connection.settimeout(warm.PATIENCE)
        warm.send(connection, _request(command, options), [_file(options, name) for name in ("stdout", "stderr")])
        answer, _ = await asyncio.to_thread(warm.receive, connection)
        if "pid" not in answer:
            return None
        stack.pop_all()
        return Forked(connection, answer["pid"])


async def _connected() -> socket.socket | None:
    """A connection to the zygote that listens, or to one started now, within ``PATIENCE`` seconds."""
    made_from = warm.key()
    connection = warm.connect(made_from)
    if connection:
        return connection
    starting, until = warm.start(made_from), time.monotonic() + warm.PATIENCE
    while connection is None and time.monotonic() < until and not (starting and starting.poll()):
        await asyncio.sleep(0.05)
        connection = warm.connect(made_from)
    return connection


def _request(command: list[str], options: dict) -> dict:
    """Everything a plain kernel inherits from the process that starts it."""
    import resource

    environment = dict(os.environ if options.get("env") is None else options["env"])
    names = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    return {
        "ask": "fork",
        "arguments": command[3:],
        "environment": environment | {"JPY_PARENT_PID": str(os.getpid())},
        "folder": str(Path(options.get("cwd") or "").absolute()),
        "umask": _umask(),
        "priority": os.getpriority(os.PRIO_PROCESS, 0),
        "processors": sorted(os.sched_getaffinity(0)),
        "limits": {name: resource.getrlimit(getattr(resource, name)) for name in names},
    }


def _umask() -> int:
    """Read, not set: there may be other threads."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Umask:")).split()[1], 8)


def _file(options: dict, name: str) -> int:
    """The open file a kernel writes to: the one asked for, else our own."""
    asked = options.get(name)
    if asked is None:
        return {"stdout": 1, "stderr": 2}[name]
    return asked if isinstance(asked, int) else asked.fileno()
