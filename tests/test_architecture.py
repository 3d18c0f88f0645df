"""The floors hold: imports go down only, every module stands in ARCHITECTURE.md, and code keeps to its place."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "sqlib").rglob("*.py"))
PYTHON = sorted(path for folder in ("sqlib", "tests", "benchmarks", "data") for path in (ROOT / folder).rglob("*.py"))
HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]")


def table() -> dict[str, str]:
    """Module -> floor, as ARCHITECTURE.md lists them."""
    rows = re.findall(r"^\| (\S+) \| `([^`]+)` \|", (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"), re.M)
    return {module: floor for floor, module in rows}


def imported(module: str) -> set[str]:
    """Modules of sqlib that a module imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "sqlib":
            base = node.module.replace(".", "/")
            found |= {f"{base}/{name.name}.py" for name in node.names} | {f"{base}.py"}
            found |= {f"{base}/{name.name}/__init__.py" for name in node.names}
        elif isinstance(node, ast.Import):
            found |= {name.name.replace(".", "/") + ".py" for name in node.names}
    return found & set(MODULES)


def test_architecture_lists_every_module_and_no_ghost():
    assert sorted(table()) == MODULES


ALLOWED = {  # floor -> floors it may import; "any" (errors, periods) is open to all
    "any": {"any"},
    "1": {"any", "1"},
    "2": {"any", "2"},
    "3": {"any", "1", "2", "3"},
    "4": {"any", "1", "3", "4"},
    "5": {"any", "1", "3", "4", "5"},
}


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down_the_floors(module):
    floors = table()
    wrong = {name: floors[name] for name in imported(module) if floors[name] not in ALLOWED[floors[module]]}
    assert not wrong


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("sqlib/methods/")])
def test_methods_know_no_words_style_paths_or_files(module):
    used = {
        name
        for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8")))
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
                     if isinstance(node, ast.ImportFrom) else [])
    }  # fmt: skip
    assert not {name.split(".")[0] for name in used} & {"pathlib", "matplotlib", "seaborn", "tomllib", "os"}


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_chinese_in_python(path):
    assert not HAN.search(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", [name for name in MODULES if table().get(name) in {"any", "1", "2", "3", "4"}])
def test_today_does_not_exist_below_floor_five(module):
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in {"now", "today"}]


def test_no_language_branch():
    branch = re.compile(r"\bif\b[^\n]*\blanguage\s*(==|!=|in [(\[{])")
    found = [module for module in MODULES if branch.search((ROOT / module).read_text(encoding="utf-8"))]
    assert not found


def test_import_neither_forks_nor_needs_unix():
    """Windows has no fcntl and no fork: importing every module must not ask for either."""
    names = [name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in MODULES]
    names.remove("sqlib.__main__")
    code = (
        "import importlib, os, sys\n"
        "sys.modules['fcntl'] = sys.modules['resource'] = None\n"
        "def no(*a): raise RuntimeError('fork')\n"
        "os.fork = no\n"
        f"[importlib.import_module(name) for name in {names!r}]"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
