"""Forked kernels against plain ones, in turn: seconds to ready, to the first plot, a whole small notebook, the end.

Prints medians, the ratio plain / forked and the load of the machine. Linux only.
"""

import argparse
import os
import statistics
import sys
import time

from sqlib import notebook, provisioner, warm

PLOT = (
    "import matplotlib.pyplot as plt, numpy as np, pandas as pd, seaborn as sns, statsmodels.api as sm\n"
    "axes = sns.lineplot(x=[1, 2, 3], y=[1, 3, 2])"
)
TABLE = "pd.DataFrame(np.arange(40.).reshape(8, 5)).describe()"
ARMS = {"plain": "local-provisioner", "forked": warm.NAME}


def timed(name: str) -> dict[str, float]:
    """Seconds from the start of one kernel to each event, and those its end took."""
    from jupyter_client.manager import KernelManager
    from jupyter_client.provisioning import KernelProvisionerFactory

    os.environ[warm.VARIABLE] = name
    KernelProvisionerFactory.clear_instance()
    manager, begun = KernelManager(kernel_name="python3", config=notebook.encrypted()), time.perf_counter()
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(60)
    seconds = {"ready": time.perf_counter() - begun}
    for event, code in {"first plot": PLOT, "plot again": f"{TABLE}\n{PLOT}"}.items():
        client.execute_interactive(code, timeout=60, output_hook=lambda message: None)
        seconds[event] = time.perf_counter() - begun
    client.stop_channels()
    ending = time.perf_counter()
    manager.shutdown_kernel()
    return seconds | {"end": time.perf_counter() - ending, "whole": time.perf_counter() - begun}


def executed(name: str, prompt: bool) -> dict[str, float]:
    """Seconds of a small notebook by nbclient, start and end of the kernel included."""
    import nbformat
    from jupyter_client.provisioning import KernelProvisionerFactory
    from nbclient import NotebookClient

    os.environ[warm.VARIABLE] = name
    KernelProvisionerFactory.clear_instance()
    config = notebook.encrypted()
    if prompt:
        config.KernelManager.client_class = f"{provisioner.__name__}.{provisioner.PromptClient.__name__}"
    cells = [nbformat.v4.new_code_cell(code) for code in (PLOT, TABLE)]
    page, begun = nbformat.v4.new_notebook(cells=cells), time.perf_counter()
    NotebookClient(page, kernel_name="python3", config=config).execute()
    return {"notebook, prompt client" if prompt else "notebook, stock client": time.perf_counter() - begun}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    if not warm.usable():
        print("kernels cannot be forked here")
        return 1
    print(warm.told("en"))
    found = {arm: {} for arm in ARMS}
    for run in range(runs + 1):  # the first of each arm only fills the disk cache
        for arm, name in ARMS.items():
            seconds = timed(name) | executed(name, False) | executed(name, True)
            for event, value in seconds.items() if run else ():
                found[arm].setdefault(event, []).append(value)
    print(f"{'seconds, median of ' + str(runs):28} plain   forked   ratio")
    for event in found["plain"]:
        plain, forked = (statistics.median(found[arm][event]) for arm in ARMS)
        print(f"{event:28} {plain:5.2f}   {forked:5.2f}   {plain / forked:5.1f}")
    print(f"load of the machine {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
