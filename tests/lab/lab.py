#!/usr/bin/env python3
"""Runs scenarios. Each prints one line: its name, what came of it, and its seconds."""

import argparse
import fnmatch
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

from harness import catalog, flash, piback, together, tools
from harness.errors import Failed, LabError


def main():
    arguments = parse()
    chosen = choose(arguments)
    if arguments.list:
        for case in chosen:
            print(f"{case.name:34} {case.summary}")
        return 0
    try:
        families = {case.family for case in chosen}
        tools.require(families)
        binary = arguments.binary or (flash.package(note) if families == {catalog.ALONE} else piback.build())
    except LabError as error:
        note(str(error))
        return 1
    began = time.monotonic()
    if arguments.jobs > 1 and len(chosen) > 1:
        options = ["--binary", binary, *(["--keep"] if arguments.keep else [])]
        bad = together.run(chosen, arguments.jobs, options)
    else:
        bad = [case.name for case in chosen if not passes(case, binary, arguments.keep)]
    if arguments.no_sum:
        return 1 if bad else 0
    note(f"{time.monotonic() - began:.0f} s in all")
    # Named once more: a long log may be cut in its middle.
    print(f"{len(chosen) - len(bad)} passed, {len(bad)} failed" + "".join(f" {name}" for name in bad))
    return 1 if bad else 0


def parse():
    parser = argparse.ArgumentParser(prog="scripts/lab", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="name, NAME/VARIANT or a pattern like 'storage-*'")
    parser.add_argument("--all", action="store_true", help="every variant of every scenario, not only the usual ones")
    parser.add_argument("--list", action="store_true", help="print the chosen scenarios and run none")
    parser.add_argument("--binary", type=Path, help="a piback to test, instead of this checkout's; for `image` a package for arm64")
    parser.add_argument("--keep", action="store_true", help="leave a failed scenario's disks and logs to look at")
    parser.add_argument("--jobs", type=int, default=together.usual(), metavar="N", help="so many scenarios at once (%(default)s)")
    parser.add_argument("--no-sum", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def choose(arguments):
    """The cases that the command line asks for, in the catalog's order."""
    everything = catalog.cases()
    alone = [case for case in everything if case.family == catalog.ALONE]
    if arguments.scenarios == [catalog.ALONE]:
        return alone
    if any(pattern.startswith(f"{catalog.ALONE}-") for pattern in arguments.scenarios):
        everything = alone
    else:
        everything = [case for case in everything if case not in alone or (arguments.list and arguments.all)]
    if not arguments.scenarios:
        return [case for case in everything if case.usual or arguments.all]
    chosen = []
    for pattern in arguments.scenarios:
        found = [case for case in everything if fits(case, pattern)]
        if not found:
            sys.exit(f"no scenario {pattern}; scripts/lab --list --all names them")
        # A variant that was asked for by name runs, usual or not.
        chosen += [case for case in found if case.usual or arguments.all or "/" in pattern]
    return [case for case in everything if case in chosen]


def fits(case, pattern):
    return fnmatch.fnmatch(case.name, pattern) or fnmatch.fnmatch(case.name, f"{pattern}/*")


def passes(case, binary, keep):
    """Runs one case and prints its line. Says whether it passed."""
    problem = attempt(case, binary, keep)
    if isinstance(problem, LabError):
        # A guest that hangs in its own kernel says nothing about piback. What hangs in a guest that answers is no
        # LabError.
        note("the lab itself failed, not what it looked at: once more")
        problem = attempt(case, binary, keep)
    return problem is None


def attempt(case, binary, keep):
    """Runs a case in a folder of its own and prints its line; what was wrong, or None."""
    # Short, because sockets lie in it: their paths may have 107 bytes.
    work = Path(tempfile.mkdtemp(prefix="piback-lab-"))
    began = time.monotonic()
    lab = None
    problem = None
    try:
        lab = case.lab(work, binary, note)
        case.run(lab)
    except Exception as error:
        problem = error
    finally:
        # Also when somebody gives up waiting: no guest outlives its scenario.
        seconds = time.monotonic() - began
        evidence = lab.evidence() if lab and problem else ""
        if lab:
            lab.close()
        if not (problem and keep):
            shutil.rmtree(work, ignore_errors=True)
    print(f"{'FAILED' if problem else 'ok    '} {case.name:34} {seconds:5.0f} s", flush=True)
    if problem:
        known = isinstance(problem, (Failed, LabError))
        note(f"{type(problem).__name__}: {problem}" if known else "".join(traceback.format_exception(problem)))
        note(evidence)
        if keep:
            note(f"kept: {work}")
    return problem


def note(text):
    print("\n".join(f"       {line}" for line in text.splitlines()), flush=True)


if __name__ == "__main__":
    # The end that `kill` asks for runs through the same clean-up as Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
