"""Two fresh copies of the project at different paths, cold caches, different hash seeds: the demo gives equal bytes.

Compared: ``findings.csv``, every table and every HTML report byte by byte; the index apart from the moment at which
each report was made; executed notebooks apart from times and paths.
Each copy runs its own ``sqlib``. A copy holds what git would: committed, changed and new files, nothing ignored.
Exit status 1 where something differs.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIES = {"1": "a", "20261": "elsewhere/deeper/b"}  # hash seed -> folder
TIMED = {"papermill", "execution", "ExecuteTime"}  # metadata that tell when and where


def copy(target: Path) -> None:
    """The working tree without what git ignores."""
    listed = subprocess.check_output(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT)
    for name in filter(None, listed.decode().split("\0")):
        source = ROOT / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target / name)


def demo(root: Path, seed: str) -> Path:
    """Run the demo of one copy with the copy's own code, and no cache anywhere."""
    places = {name: str(root / f".{name.lower()}") for name in ("XDG_CACHE_HOME", "MPLCONFIGDIR", "IPYTHONDIR")}
    settings = {"PYTHONPATH": str(root), "PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1", "SQLIB_LANGUAGE": "zh"}
    environment = os.environ | places | settings
    own = [sys.executable, "-c", "import sqlib; print(sqlib.__file__)"]
    where = Path(subprocess.check_output(own, cwd=root, env=environment, text=True).strip())
    assert where == root / "sqlib" / "__init__.py", f"{where} is not the copy's own code"
    run = [sys.executable, "-m", "sqlib", "demo"]
    done = subprocess.run(run, cwd=root, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"the demo failed:\n{done.stdout}{done.stderr}")
    return root / "reports"


def timeless(path: Path) -> bytes:
    """A notebook without the fields that tell time and place: cell ids, metadata, and injected paths."""
    nb = json.loads(path.read_text(encoding="utf-8"))
    cells = [cell for cell in nb["cells"] if "injected-parameters" not in cell["metadata"].get("tags", ())]
    for cell in cells:
        cell.pop("id", None)
        cell["metadata"] = {name: value for name, value in cell["metadata"].items() if name not in TIMED}
    return json.dumps(cells, sort_keys=True).encode()


def index(page: bytes) -> bytes:
    """The index without the moments at which reports were made; days, which have no hour, stay."""
    return re.sub(rb'<time datetime="[^"]*T[^"]*">[^<]*</time>', b"<time>", page)


def products(reports: Path) -> dict[str, bytes]:
    """What must be equal: path below reports -> bytes."""
    kept = {path: path.read_bytes for kind in ("csv", "html") for path in reports.rglob(f"*.{kind}")}
    kept |= {path: lambda path=path: timeless(path) for path in reports.rglob("*.ipynb")}
    kept[reports / "index.html"] = lambda: index((reports / "index.html").read_bytes())
    return {path.relative_to(reports).as_posix(): read() for path, read in kept.items()}


def main() -> int:
    with tempfile.TemporaryDirectory() as place:
        made = []
        for seed, folder in COPIES.items():
            root = Path(place) / folder
            copy(root)
            print(f"demo in copy {folder}, PYTHONHASHSEED={seed}")
            made.append(products(demo(root, seed)))
    first, second = made
    differ = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
    kinds = {kind: sum(name.endswith(kind) for name in first) for kind in (".csv", ".html", ".ipynb")}
    print(f"compared: {', '.join(f'{count} {kind}' for kind, count in kinds.items())}")
    print("\n".join(f"DIFFERS  {name}" for name in differ) or "all equal")
    return 1 if differ or not all(kinds.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
