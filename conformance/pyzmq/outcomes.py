"""A plugin for pytest: one line on standard output per test as soon as it is over, `OUTCOME verdict test`, and one before it begins,
`BEGIN test`.

What was printed stays known if a test takes the whole process with it; `--done FILE` then leaves out the tests named in that file.
"""

import sys


def pytest_addoption(parser):
    parser.addoption("--done", help="a file with the names of tests that are not to be run")


def pytest_collection_modifyitems(config, items):
    path = config.getoption("--done")
    if path:
        with open(path, encoding="utf-8") as lines:
            done = {line.rstrip("\n") for line in lines}
        items[:] = [item for item in items if item.nodeid not in done]


def pytest_runtest_logstart(nodeid, location):
    say(f"BEGIN {nodeid}")


def pytest_runtest_logreport(report):
    if report.outcome == "passed" and report.when != "call":
        return
    say(f"OUTCOME {report.outcome} {report.nodeid}")


def say(line):
    sys.__stdout__.write(f"\n{line}\n")
    sys.__stdout__.flush()
