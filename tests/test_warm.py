"""Warm kernels: a forked kernel is the kernel a plain one would be, and goes when it should."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from traitlets.config import Config

from sqlib import notebook, warm, zygote
from sqlib.errors import ArgumentError

pytestmark = pytest.mark.skipif(not warm.usable(), reason="kernels are forked on Linux only")

from jupyter_client.manager import KernelManager  # noqa: E402
from jupyter_client.provisioning import KernelProvisionerFactory  # noqa: E402
from nbclient import NotebookClient  # noqa: E402

from sqlib import provisioner  # noqa: E402

ROOT = Path(__file__).parents[1]
SECONDS = 60  # longest wait for anything
POLARS = """
import threading, time
threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
fake = True
class DataFrame: pass
class Series: pass
"""
STATE = """
import json, os, resource, signal, sys, warnings
import matplotlib, matplotlib.pyplot, numpy as np, pandas as pd
import pandera.pandas, scipy.stats, seaborn, sklearn.feature_extraction.text
import statsmodels.api, statsmodels.formula.api
options = {name: repr(pd.get_option(name)) for name in sorted(pd._config.config._registered_options)}
wide = pd.DataFrame([list(range(30))], columns=[f"column {i}" for i in range(30)])
print(json.dumps({
    "options": options, "html": wide.to_html(), "shown": wide._repr_html_(),
    "settings": {name: repr(value) for name, value in matplotlib.rcParams.items()},
    "path": sys.path, 
    "arguments": sys.argv[:2] + sys.argv[3:], "filters": sorted(set(map(repr, warnings.filters))),
    "environment": dict(os.environ), "folder": os.getcwd(), "main": __name__, "interrupt": str(signal.getsignal(2)),
    "session": os.getsid(0) == os.getpid(), "finders": len(sys.meta_path), "hooks": str(sys.excepthook)[:40],
    "umask": (os.umask(0o27), os.umask(0o22))[1], "nice": os.nice(0),
    "limits": resource.getrlimit(resource.RLIMIT_NOFILE),
}))
"""


@pytest.fixture(scope="module", autouse=True)
def place(tmp_path_factory):
    """A runtime folder and a zygote of our own; on its path lies a polars that would start a thread."""
    folder = tmp_path_factory.mktemp("warm")
    (folder / "polars").mkdir()
    (folder / "polars" / "__init__.py").write_text(POLARS)
    path = os.pathsep.join(filter(None, (str(folder), str(ROOT), os.environ.get("PYTHONPATH"))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(warm.PLACE, str(folder / "run"))
        patch.setenv("PYTHONPATH", path)
        patch.setattr(warm, "PATIENCE", SECONDS)
        warm.start()
        waited(lambda: warm.ask("state", warm.key()))
        yield folder
        states = [warm.ask("end", path.stem) for path in warm.folder().glob("*.socket")]
    waited(lambda: not any(running(state["pid"]) for state in states if state))


def waited(until, seconds: float = SECONDS):
    """What ``until`` gives once it gives something."""
    end = time.monotonic() + seconds
    while not (found := until()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
    return found


def running(pid: int) -> bool:
    """Whether a process lives; one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Kernel:
    """A kernel and what it prints."""

    def __init__(self, manager: KernelManager):
        self.manager, self.process = manager, manager.provisioner.process
        self.client = manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(SECONDS)

    @property
    def forked(self) -> bool:
        return isinstance(self.process, provisioner.Forked)

    def outputs(self, code: str) -> list[dict]:
        found = []
        self.client.execute_interactive(code, timeout=SECONDS, output_hook=found.append)
        return [each for each in found if each["msg_type"] not in ("status", "execute_input")]

    def run(self, code: str):
        """The printed JSON, or the printed text."""
        outputs = self.outputs(code)
        assert not [each for each in outputs if each["msg_type"] == "error"], outputs
        text = "".join(each["content"]["text"] for each in outputs if each["content"].get("name") == "stdout").strip()
        try:
            return json.loads(text)
        except ValueError:
            return text


@contextmanager
def kernel(name: str = warm.NAME, config=None, **options):
    """A kernel by the stock manager, forked or plain (``local-provisioner``)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(warm.VARIABLE, name)
        KernelProvisionerFactory.clear_instance()
        manager = KernelManager(kernel_name="python3", config=config)
        manager.start_kernel(**options)
        KernelProvisionerFactory.clear_instance()
    started = Kernel(manager)
    try:
        yield started
    finally:
        started.client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def shared():
    """One forked kernel for what leaves nothing behind."""
    with kernel(cwd=str(ROOT)) as started:
        assert started.forked
        yield started


def test_figures_are_shown(shared):
    for _ in range(2):
        outputs = shared.outputs("import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])")
        assert [each["msg_type"] for each in outputs] == ["display_data"]
        assert outputs[0]["content"]["data"]["image/png"]


def test_who_listens_late_is_told_that_it_is_idle():
    """A server that missed the first status would ask again only after half a second."""
    with kernel() as started:
        until, heard = time.monotonic() + 2, []
        while time.monotonic() < until and not heard:
            with contextlib.suppress(queue.Empty):
                message = started.client.get_iopub_msg(timeout=0.2)
                heard += [message] if message["content"].get("execution_state") == "idle" else []
        assert heard and not heard[0]["parent_header"]


FIGURES = """
import numpy as np
from matplotlib import pyplot as plt
for layout in (None, "tight", "constrained"):
    figure, axes = plt.subplots(2, 2, layout=layout)
    axes[0, 0].plot(np.arange(9) ** 2)
    axes[1, 1].set_ylabel("a long label\\nof two lines")
    figure.suptitle(str(layout))
figure, axes = plt.subplots(1, 2)
axes[1].set_ylabel("a long label")
figure.tight_layout()
counted = []
figure.canvas.mpl_connect("draw_event", counted.append)
"""


def test_figures_are_drawn_no_more_than_needed_and_the_same(shared):
    pictures, drawn = {}, {}
    with kernel("local-provisioner") as plain:
        for name, each in {"plain": plain, "forked": shared}.items():
            shown = [
                output["content"]["data"] for output in each.outputs(FIGURES) if output["msg_type"] == "display_data"
            ]
            pictures[name], drawn[name] = [data["image/png"] for data in shown], each.run("print(len(counted))")
    assert len(pictures["plain"]) == 4 and pictures["forked"] == pictures["plain"]
    assert drawn["forked"] == drawn["plain"] - 1


def test_a_forked_kernel_is_what_a_plain_one_is(tmp_path):
    with kernel(cwd=str(tmp_path)) as forked, kernel("local-provisioner", cwd=str(tmp_path)) as plain:
        assert forked.forked and not plain.forked
        ours, theirs = forked.run(STATE), plain.run(STATE)
    assert ours["options"]["display.max_columns"] == "20" and ours["session"]
    assert ours["environment"].pop(warm.VARIABLE) and theirs["environment"].pop(warm.VARIABLE)
    assert ours == theirs


def test_state_does_not_leak_and_draws_differ():
    draw = "import numpy, random, json; print(json.dumps([random.random(), numpy.random.rand(), pd_rows]))"
    with kernel() as one, kernel() as other:
        one.run("import builtins, pandas; builtins.leak = 1; pandas.set_option('display.max_rows', 7)")
        rows = "import builtins, pandas; pd_rows = [pandas.get_option('display.max_rows'), hasattr(builtins, 'leak')]\n"
        first, second = one.run(rows + draw), other.run(rows + draw)
    assert first[2] == [7, True] and second[2] == [60, False]
    assert first[0] != second[0] and first[1] != second[1]


def test_linear_algebra_gives_the_same_numbers(shared):
    code = (
        "import hashlib, numpy as np\nx = np.random.default_rng(0).normal(size=(300, 300))\n"
        "print(hashlib.sha256((x @ x).tobytes() + np.linalg.svd(x)[1].tobytes()).hexdigest())"
    )
    with kernel("local-provisioner", env=os.environ | dict.fromkeys(warm.THREADS, "1")) as plain:
        assert shared.run(code) == plain.run(code)


def test_openmp_arrow_and_processes_work_after_the_fork(shared, tmp_path):
    code = f"""
import subprocess, numpy as np, pandas as pd, pyarrow.compute as pc, pyarrow.parquet as pq
from concurrent.futures import ThreadPoolExecutor
from sklearn.cluster import KMeans
fitted = KMeans(3, n_init=2, random_state=0).fit(np.arange(600.).reshape(-1, 2))
frame = pd.DataFrame({{"a": list("xyz") * 50, "b": range(150)}})
frame.to_parquet({str(tmp_path / "t.parquet")!r})
table = pq.read_table({str(tmp_path / "t.parquet")!r})
counted = table.group_by("a").aggregate([("b", "sum")]).num_rows
with ThreadPoolExecutor(2) as pool: total = sum(pool.map(int, "12"))
said = subprocess.check_output(["echo", "7"], text=True).strip()
print([len(set(fitted.labels_)), counted, pc.sum(table["b"]).as_py(), total, said])
"""
    assert shared.run(code) == "[3, 3, 11175, 3, '7']"


def test_the_zygote_has_one_thread_and_no_polars(shared):
    pid = warm.ask("state", warm.key())["pid"]
    names = [
        (task / "comm").read_text().strip() for task in Path(f"/proc/{pid}/task").iterdir() if task.name != str(pid)
    ]
    assert set(names) <= set(zygote.HARMLESS)
    assert shared.run("import sys; print('polars' in sys.modules); import polars; print(polars.fake)") == "False\nTrue"


def test_threads_that_cannot_be_forked_are_named():
    code = (
        "import threading, time; from sqlib import zygote; print(zygote.threads())\n"
        "threading.Thread(target=time.sleep, args=(9,), daemon=True).start(); print(len(zygote.threads()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=SECONDS)
    assert done.stdout.split() == ["[]", "1"], done.stderr


def test_nothing_of_the_inline_backend_is_loaded_before_there_is_a_shell():
    with kernel() as started:
        assert (
            started.run("import sys; print([name for name in sys.modules if name.startswith('matplotlib_inline')])")
            == []
        )


def test_a_page_imports_hardly_anything_more(page_modules):
    assert len(page_modules) <= 20, page_modules


def test_keys_of_its_own_and_the_debugger_work():
    with kernel(
        config=Config({"KernelManager": {"transport_encryption": "auto"}}),
        extra_arguments=["--IPKernelApp.log_level=50"],
    ) as started:
        assert started.forked and started.run("print(6 * 7)") == 42
        message = started.client.session.msg("debug_request", {"type": "request", "seq": 1, "command": "debugInfo"})
        started.client.control_channel.send(message)
        reply = started.client.get_control_msg(timeout=SECONDS)
        assert (
            reply["content"]["success"]
            and "CURVE" in json.dumps(started.manager.get_connection_info(), default=str).upper()
        )


def test_limits_and_mask_are_the_clients(tmp_path):
    old = os.umask(0o077)
    try:
        with kernel(cwd=str(tmp_path)) as started:
            assert started.forked and started.run("import os; print(os.umask(0o022))") == 0o077
    finally:
        os.umask(old)


def test_output_of_the_process_goes_where_a_plain_kernels_goes(tmp_path):
    with (tmp_path / "err").open("w") as file, kernel(stderr=file) as started:
        assert started.forked
        started.run("import os, sys; print('said', file=sys.__stderr__, flush=True)")
    assert (tmp_path / "err").read_text().endswith("said\n")


@pytest.mark.parametrize(
    ("file", "content"), [("pytest.py", ""), ("sqlib/__init__.py", ""), ("matplotlibrc", "lines.linewidth: 9")]
)
def test_a_module_or_setting_of_the_working_folder_gets_a_plain_kernel(tmp_path, file, content):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(content)
    assert zygote.shadowed(tmp_path) == file.partition("/")[0]
    assert not zygote.shadowed(ROOT)


@pytest.mark.parametrize(
    "options",
    [{"env": {"OMP_NUM_THREADS": "2"}}, {"env": {"MPLBACKEND": "agg"}}, {"independent": True}],
    ids=["threads", "backend", "independent"],
)
def test_what_differs_gets_a_plain_kernel(options):
    options = options | ({"env": os.environ | options["env"]} if "env" in options else {})
    with kernel(**options) as started:
        assert not started.forked and started.run("print(1)") == 1


@pytest.mark.parametrize(
    ("command", "options", "fitting"),
    [
        ([sys.executable, "-m", "ipykernel_launcher", "-f", "x.json"], {}, True),
        ([sys.executable, "-m", "ipykernel_launcher", "-f", "x.json", "--IPKernelApp.log_level=50"], {}, True),
        (["/usr/bin/python3", "-m", "ipykernel_launcher", "-f", "x.json"], {}, False),
        ([sys.executable, "-m", "xeus", "-f", "x.json"], {}, False),
        ([sys.executable, "-m", "ipykernel_launcher", "-f", "x.json", "install"], {}, False),
        ([sys.executable, "-m", "ipykernel_launcher", "-f", "x.json"], {"preexec_fn": print}, False),
        (["R"], {}, False),
    ],
)
def test_only_a_known_command_is_forked(command, options, fitting):
    assert provisioner.fits(command, options) is fitting


def test_switched_off_it_is_plain(monkeypatch):
    monkeypatch.setenv(warm.SWITCH, "0")
    assert warm.environment() == {} and warm.start() is None
    with kernel() as started:
        assert not started.forked


def test_other_systems_get_plain_kernels(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not warm.usable() and warm.environment() == {}


def test_interrupt_restart_crash_and_end():
    with kernel() as started:
        manager, client = started.manager, started.client
        client.execute("import time; print('here', flush=True); time.sleep(60)")
        waited(lambda: client.get_iopub_msg(timeout=SECONDS)["content"].get("text"))
        manager.interrupt_kernel()
        assert client.get_shell_msg(timeout=SECONDS)["content"]["ename"] == "KeyboardInterrupt"
        before = started.process.pid
        manager.restart_kernel()
        client.wait_for_ready(SECONDS)
        started.process = manager.provisioner.process
        assert started.forked and started.process.pid != before and not running(before)
        client.execute("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
        assert started.process.wait(timeout=SECONDS) == -signal.SIGSEGV and not manager.is_alive()


def test_a_graceful_end_is_prompt_and_writes_what_was_open(tmp_path):
    with kernel(cwd=str(tmp_path)) as started:
        started.run(
            "import atexit, io; atexit.register(lambda: open('exit', 'w').write('done'))\n"
            "kept = open('kept', 'w'); kept.write('all of it')"
        )
        begun = time.monotonic()
        started.manager.shutdown_kernel()
        assert time.monotonic() - begun < 3 and started.process.returncode == 0
    assert (tmp_path / "exit").read_text() == "done" and (tmp_path / "kept").read_text() == "all of it"


def test_a_kernel_whose_client_is_gone_goes_too(tmp_path):
    code = (
        "import time; from jupyter_client.manager import KernelManager\n"
        "manager = KernelManager(kernel_name='python3'); manager.start_kernel()\n"
        "print(type(manager.provisioner.process).__name__, manager.provisioner.pid, flush=True); time.sleep(60)"
    )
    client = subprocess.Popen([sys.executable, "-c", code], env=os.environ | warm.environment(), stdout=subprocess.PIPE,
                              text=True, cwd=tmp_path)  # fmt: skip
    kind, pid = client.stdout.readline().split()
    assert kind == "Forked" and running(int(pid))
    client.kill()
    client.wait()
    waited(lambda: not running(int(pid)), 5)


def test_a_silent_client_does_not_hold_up_the_others():
    with warm.connect(warm.key()) as silent:
        assert warm.ask("state", warm.key())["pid"]
        silent.close()


def test_papermill_uses_it_by_the_variable_alone(tmp_path):
    cells = [nbformat.v4.new_code_cell("x = 1", metadata={"tags": ["parameters"]}),
             nbformat.v4.new_code_cell("import os; print(x, os.getppid())")]  # fmt: skip
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), tmp_path / "in.ipynb")
    command = ["papermill", "in.ipynb", "out.ipynb", "-k", "python3", "-p", "x", "5", "--no-progress-bar"]
    done = subprocess.run([sys.executable, "-m", *command], cwd=tmp_path, env=os.environ | warm.environment(),
                          capture_output=True, text=True, timeout=SECONDS)  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed = nbformat.read(tmp_path / "out.ipynb", 4).cells[-1].outputs[0].text.split()
    assert printed == ["5", str(warm.ask("state", warm.key())["pid"])]


def executed(name: str, extra: str = ""):
    """The committed page, executed by nbclient: outputs by cell, without random ids, and what it prints at the end."""
    page = nbformat.read(ROOT / "notebooks" / "feedback_analysis.ipynb", 4)
    page.cells.append(nbformat.v4.new_code_cell(extra))
    page.cells.insert(0, nbformat.v4.new_code_cell("import sys; before = set(sys.modules)"))
    config = notebook.encrypted()
    config.KernelManager.client_class = "sqlib.provisioner.PromptClient"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(warm.VARIABLE, name)
        KernelProvisionerFactory.clear_instance()
        NotebookClient(
            page, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}, config=config
        ).execute()
    KernelProvisionerFactory.clear_instance()
    *cells, last = [[dict(output) for output in cell.outputs] for cell in page.cells if cell.cell_type == "code"]
    return cells, json.loads(last[0]["text"])


@pytest.fixture(scope="module")
def page():
    """The page of a forked kernel: its outputs, and the modules it imported."""
    return executed(warm.NAME, "import json; print(json.dumps(sorted(set(sys.modules) - before)))")


@pytest.fixture(scope="module")
def page_modules(page):
    return [name for name in page[1] if name.split(".")[0] not in ("hypothesis", "sortedcontainers")]


def test_the_page_is_equal_cell_by_cell(page):
    plain, _ = executed("local-provisioner", "print('[]')")
    assert len(page[0]) == len(plain) and sum(map(len, plain)) > 50
    assert any("image/png" in output.get("data", {}) for cell in plain for output in cell)
    for ours, theirs in zip(page[0], plain, strict=True):
        assert ours == theirs


def test_another_key_is_not_answered(monkeypatch):
    made_from = warm.key()
    monkeypatch.setattr(warm, "key", lambda: f"{made_from}x")
    monkeypatch.setattr(warm, "start", lambda made_from: None)
    monkeypatch.setattr(warm, "PATIENCE", 0.2)
    with kernel() as started:
        assert not started.forked


def test_the_key_tells_an_upgrade_and_an_edit(tmp_path, monkeypatch):
    (tmp_path / "lib" / "pandas-3.1.dist-info").mkdir(parents=True)
    (tmp_path / "package").mkdir()
    module = tmp_path / "package" / "module.py"
    module.write_text("1")
    monkeypatch.setattr(warm, "HERE", tmp_path / "package")
    monkeypatch.setattr(warm.sysconfig, "get_path", lambda name: str(tmp_path / "lib"))
    keys = [warm.key(), warm.key()]
    (tmp_path / "lib" / "pandas-3.1.dist-info").rename(tmp_path / "lib" / "pandas-3.2.dist-info")
    keys.append(warm.key())
    module.write_text("2\n")
    keys.append(warm.key())
    assert keys[0] == keys[1] and len(set(keys)) == 3 and len({key.split("-")[0] for key in keys}) == 1


def test_a_folder_others_can_reach_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv(warm.PLACE, str(tmp_path))
    tmp_path.chmod(0o755)
    with pytest.raises(PermissionError):
        warm.folder()
    with kernel() as started:
        assert not started.forked


def test_a_command_that_is_none_is_named(place):
    with pytest.raises(ArgumentError) as raised:
        warm.run(["no-such-program"])
    assert raised.value.code == "warm.no_command"
    assert (
        warm.run([sys.executable, "-c", f"import os, sys; sys.exit(os.environ[{warm.VARIABLE!r}] != {warm.NAME!r})"])
        == 0
    )


def test_a_killed_zygote_leaves_its_kernels_and_is_replaced():
    made_from = warm.key()
    pid = warm.ask("state", made_from)["pid"]
    with kernel() as before:
        before.run("kept = 5")
        os.kill(pid, signal.SIGKILL)
        waited(lambda: warm.connect(made_from) is None)
        with kernel() as after:  # starts another zygote and waits for it
            assert after.forked and warm.ask("state", made_from)["pid"] != pid
        assert before.run("print(kept)") == 5
        assert before.process.poll() is None
        os.kill(before.process.pid, signal.SIGKILL)
        assert before.process.wait(timeout=SECONDS) == -signal.SIGKILL
    assert str(warm.ask("state", made_from)["pid"]) in warm.told("zh")


def test_a_newer_zygote_ends_the_older():
    made_from = warm.key()
    with kernel() as started:
        assert started.forked
        pid = warm.ask("state", made_from)["pid"]
        warm.replaced(f"{made_from.split('-')[0]}-newer")
        assert warm.connect(made_from) is None and running(pid) and started.run("print(3)") == 3
    waited(lambda: not running(pid), 10)
