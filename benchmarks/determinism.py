"""Two fresh copies of the project at different paths, cold caches, different hash seeds: the demo gives equal bytes.

Compared: every file of the reports folders apart from what tells when and where, see ``tests/equal_reports.py``.
Each copy runs its own ``sqlib``. A copy holds what git would: committed, changed and new files, nothing ignored.
Exit status 1 where something differs.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests import equal_reports  # noqa: E402

COPIES = {"1": "a", "20261": "elsewhere/deeper/b"}  # hash seed -> folder


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


def main() -> int:
    with tempfile.TemporaryDirectory() as place:
        made = []
        for seed, folder in COPIES.items():
            root = Path(place) / folder
            copy(root)
            print(f"demo in copy {folder}, PYTHONHASHSEED={seed}")
            made.append(demo(root, seed))
        differ, names = equal_reports.differences(*made), equal_reports.products(made[0])
    kinds = {kind: sum(name.endswith(kind) for name in names) for kind in (".csv", ".html", ".ipynb")}
    print(f"compared: {', '.join(f'{count} {kind}' for kind, count in kinds.items())}")
    print("\n".join(f"DIFFERS  {name}" for name in differ) or "all equal")
    return 1 if differ or not all(kinds.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
