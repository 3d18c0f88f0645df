"""The project's own promises: environment.yml in step, a lock without addresses, a README that tells the truth."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONDA_NAMES = {"matplotlib-base": "matplotlib", "flit-core": "flit_core"}


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return set(project["dependencies"]).union(*project["optional-dependencies"].values())


def conda() -> set[str]:
    lines = re.findall(r"^\s+- ([^\s:]+)$", (ROOT / "environment.yml").read_text(encoding="utf-8"), re.M)
    renamed = [re.sub(r"^[A-Za-z0-9_.-]+", lambda m: CONDA_NAMES.get(m[0], m[0]), line) for line in lines]
    return {line for line in renamed if not line.startswith(("python>", "pip", "conda-forge"))}


def test_environment_is_in_step_with_pyproject():
    assert conda() == declared()


def test_lock_is_hashed_and_names_no_address():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^([A-Za-z0-9_.-]+)==", lock, re.M)
    assert "://" not in lock and "--index" not in lock
    assert lock.count("--hash=sha256:") >= len(pins)
    names = {re.match(r"[A-Za-z0-9_.-]+", line)[0].lower().replace("_", "-") for line in declared()}
    assert names <= {pin.lower().replace("_", "-") for pin in pins}


def test_lock_lies_within_the_bounds_declared():
    from packaging.requirements import Requirement

    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = {}
    for name, version in re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", lock, re.M):
        pins.setdefault(name.lower().replace("_", "-"), []).append(version)
    wanted = [Requirement(line) for line in declared()]
    assert "diff-diff" in pins
    for each in wanted:
        assert all(each.specifier.contains(pin) for pin in pins[each.name.lower().replace("_", "-")]), each.name


def test_readme_names_only_commands_that_exist():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    assert set(re.findall(r"^make ([a-z]+)", readme, re.M)) <= targets
    assert {"demo", "test"} <= set(re.findall(r"^make ([a-z]+)", readme, re.M))


def test_ci_runs_the_readme_test_command():
    assert re.search(r"^make test$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.M)


def test_licence_is_bsd():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] == "BSD-3-Clause"
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("BSD 3-Clause License")
