"""Skips are told, and in CI few reasons are good enough: the shared data, a browser or a server are not there."""

import os

GOOD_REASONS = ("shared folder absent", "browser absent", "PostgreSQL server absent")


def pytest_sessionfinish(session):
    """A test that skips for any other reason fails the run in CI: it checks nothing and nobody would notice."""
    told = session.config.pluginmanager.get_plugin("terminalreporter")
    if told is None or os.environ.get("CI") != "true":
        return
    reasons = {report.longrepr[2] for report in told.stats.get("skipped", ()) if isinstance(report.longrepr, tuple)}
    if any(not any(good in reason for good in GOOD_REASONS) for reason in reasons):
        session.exitstatus = 1
