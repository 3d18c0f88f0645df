"""A real browser for the tests: Debian's chromium without a window, driven by its own DevTools protocol.

The protocol needs one library, websocket-client, which JupyterLab brings; a driver program and its client would be two
more, and neither of them tells which requests a page made.
"""

import base64
import json
import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

BINARY = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
    "--remote-debugging-port=0",
    "--force-prefers-reduced-motion",  # a page that still scrolls moves an element away between look and click
)  # fmt: skip
PATIENCE = 20  # seconds until a browser that does not answer is given up
KEYS = {"Enter": (13, "\r"), "Escape": (27, ""), "Tab": (9, ""), "/": (191, "/"), "ArrowDown": (40, "")}  # code, text


def absent() -> str:
    """Why there is no browser to test with; empty where there is one."""
    if not BINARY:
        return "browser absent: no chromium on the path"
    answer = subprocess.run([BINARY, *FLAGS[:2], "--version"], capture_output=True, text=True, timeout=PATIENCE)
    return "" if answer.returncode == 0 else f"browser absent: {BINARY} --version ends with {answer.returncode}"


@contextmanager
def started(profile: Path):
    """A browser with a new, empty profile; yields a Page. It and its children end with the block."""
    command = [BINARY, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        page = Page(_address(profile / "DevToolsActivePort", process))
        yield page
        page.socket.close()
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def _address(told: Path, process: subprocess.Popen) -> str:
    """Where the one tab listens, as soon as the browser has written its port down."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        if told.exists() and (lines := told.read_text().splitlines()):
            with urlopen(f"http://127.0.0.1:{lines[0]}/json/list", timeout=PATIENCE) as answer:
                tabs = [tab for tab in json.load(answer) if tab["type"] == "page"]
            if tabs:
                return tabs[0]["webSocketDebuggerUrl"]
        time.sleep(0.05)
    raise AssertionError(f"the browser did not start (exit status {process.poll()})")


class Page:
    """One tab: open a file, press keys, click, look; ``requests`` and ``complaints`` of it so far."""

    def __init__(self, address: str):
        import websocket

        self.address = address
        self.socket = websocket.create_connection(address, timeout=PATIENCE, suppress_origin=True)
        self.count, self.events = 0, []
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters) -> dict:
        """One call of the protocol; events that arrive meanwhile are kept."""
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": parameters}))
        while (answer := json.loads(self.socket.recv())).get("id") != self.count:
            self.events.append(answer)
        assert "error" not in answer, (method, answer)
        return answer["result"]

    def open(self, path: Path, fragment: str = "", width: int = 1280) -> None:
        """A file at the width of a screen, loaded and with its script run."""
        self.events.clear()
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
        self.ask("Page.navigate", url="about:blank")
        self.ask("Page.navigate", url=path.resolve().as_uri() + fragment)
        self.wait("location.protocol + document.readyState === 'file:complete'")

    def go(self, address: str, width: int = 1280, height: int = 800) -> None:
        """An address of a server; what it shows by and by is waited for."""
        self.events.clear()
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.ask("Page.navigate", url=address)

    def wait(self, expression: str, patience: float = PATIENCE) -> None:
        """Until an expression is true."""
        until = time.monotonic() + patience
        while not self.look(expression):
            assert time.monotonic() < until, f"never true: {expression}"
            time.sleep(0.02)

    def look(self, expression: str):
        """The value of an expression in the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, *keys: str) -> None:
        """Keys as a person presses them."""
        for key in keys:
            number, text = KEYS[key]
            about = {"key": key, "windowsVirtualKeyCode": number}
            self.ask("Input.dispatchKeyEvent", type="keyDown", text=text, **about)
            self.ask("Input.dispatchKeyEvent", type="keyUp", **about)

    def type(self, text: str) -> None:
        """Text into what has the focus, as an input method gives it."""
        self.ask("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """The mouse on the middle of an element."""
        self.hit(f"document.querySelector({json.dumps(selector)})")

    def hit(self, box: str) -> None:
        """The mouse on the middle of the element that an expression gives."""
        self.look(f"{box}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
        x, y = self.look(f"(b => [b.x + b.width / 2, b.y + b.height / 2])({box}.getBoundingClientRect())")
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self) -> bytes:
        """What is seen, as PNG."""
        return base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"])

    def front(self) -> None:
        """Back to this tab: one behind another is not drawn."""
        self.ask("Page.bringToFront")

    def other(self, begins: str) -> "Page":
        """The tab whose address begins so, as soon as it is open."""
        listing = f"http://{self.address.split('/')[2]}/json/list"
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with urlopen(listing, timeout=PATIENCE) as answer:
                tabs = [tab for tab in json.load(answer) if tab["url"].startswith(begins)]
            if tabs:
                return Page(tabs[0]["webSocketDebuggerUrl"])
            time.sleep(0.05)
        raise AssertionError(f"no tab was opened at {begins}")

    @property
    def requests(self) -> list[str]:
        """Addresses asked for since the page was opened."""
        asked = [event["params"]["request"]["url"] for event in self._heard("Network.requestWillBeSent")]
        return [address for address in asked if not address.startswith("data:")]

    @property
    def complaints(self) -> list[dict]:
        """Exceptions, messages of the console and what the browser itself refused, such as by the page's policy."""
        return self._heard("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")

    def _heard(self, *methods: str) -> list[dict]:
        return [event for event in self.events if event["method"] in methods]
