"""What two machines must have in common so that a report comes out the same on either.

The same package, lock, libraries and fonts; the same files under the same paths; the same value of every environment
variable a client names. A value never leaves its machine: its mark does, made with a nonce of the run.
"""

import hmac
import os
from dataclasses import dataclass
from pathlib import Path

from sqlib import basis, style, words

SHOWN = 8  # characters of a hash in a message


@dataclass(frozen=True)
class Need:
    """What a run needs of a machine: files under these paths, and environment variables with the caller's values."""

    files: tuple[str, ...]
    variables: tuple[str, ...]
    nonce: str


def of(need: Need) -> dict[str, str]:
    """``<kind> <name>`` -> what this machine has; empty where it lacks it.

    Kinds: ``sqlib``, ``lock``, ``python``, ``library``, ``packages``, ``font``, ``file``, ``variable``
    """
    package, environment = basis.package(), basis.environment()
    told = {
        "sqlib version": package["version"],
        "sqlib source": package["sha256"],
        "lock requirements.lock": environment["lock"],
        "python version": environment["python"],
        "packages installed": environment["installed"],
    }
    told |= {f"library {name}": version for name, version in basis.libraries().items()}
    told |= {f"font {path.name}": _file(path) for path in style.font_files()}
    told |= {f"file {path}": _file(Path(path)) for path in need.files}
    return told | {f"variable {name}": _mark(name, need.nonce) for name in need.variables}


def _file(path: Path) -> str:
    return basis.fingerprint(path) if path.is_file() else ""


def _mark(name: str, nonce: str) -> str:
    value = os.environ.get(name)
    return "" if value is None else hmac.new(nonce.encode(), value.encode(), "sha256").hexdigest()


def differences(theirs: dict[str, str], ours: dict[str, str], language: str) -> str:
    """What they have otherwise, in words; empty where nothing. Another sqlib says it all."""
    differing = [name for name, value in ours.items() if theirs.get(name, "") != value]
    own = [name for name in differing if name.startswith("sqlib ")]
    said = [_worded(name, theirs.get(name, ""), ours[name], language) for name in own[:1] or differing]
    return "; ".join(said)


def _worded(entry: str, theirs: str, ours: str, language: str) -> str:
    kind, _, name = entry.partition(" ")
    if kind in ("file", "variable"):
        state = "absent" if not theirs else "other"
        return words.text("cli", "standing", kind, state, language=language, name=name)
    values = {"name": name, "theirs": theirs[:SHOWN] or "–", "ours": ours[:SHOWN] or "–"}
    return words.text("cli", "standing", kind, language=language, **values)
