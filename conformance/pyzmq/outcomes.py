"""A plugin for pytest: one line on standard output per test as soon as it is over, `OUTCOME verdict test`.

What was printed stays known if a test takes the whole process with it.
"""

import sys


def pytest_runtest_logreport(report):
    if report.outcome == "rerun" or (report.outcome == "passed" and report.when != "call"):
        return
    sys.__stdout__.write(f"\nOUTCOME {report.outcome} {report.nodeid}\n")
    sys.__stdout__.flush()
