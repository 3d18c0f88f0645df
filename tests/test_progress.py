"""What a run tells while it goes: the time that remains is known from the first report on, however long each takes."""

from sqlib import batch, freshness, progress
from sqlib.jobs import Loose


def test_the_bar_knows_the_remaining_time_after_the_first_of_slow_reports(tmp_path, monkeypatch):
    clock = [0.0]
    jobs = [Loose(tmp_path / f"{number}.ipynb", {}, str(number)) for number in range(4)]
    with progress._bar() as bar:
        monkeypatch.setattr(bar, "get_time", lambda: clock[0])
        told = progress.Bar("en", False, bar)
        told.planned([freshness.Planned(job, "runs") for job in jobs])
        for job, left in zip(jobs[:3], (300, 200, 100), strict=True):
            clock[0] += 100
            told.ended(batch.Outcome(job, "done"))
            assert bar.tasks[0].time_remaining == left
