"""The parts of ``benchmarks/batch.py``: workloads, arms, the processes inside arms, outputs compared, load, lab."""
