"""Several scenarios at once, each in a process of its own."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LAB = Path(__file__).resolve().parent.parent / "lab.py"
# An emulated guest keeps one processor busy and takes a gigabyte.
MOST = 4
# A box waits most of its time, for a port that must stay silent say.
BOXES_A_JOB = 2


def usual():
    """So many guests this machine can bear."""
    return max(1, min(os.cpu_count() or 1, MOST))


def run(cases, jobs, options):
    """Runs all of them, prints what each says when it has ended, and gives the names of those that failed."""
    started = []

    def one(case):
        command = [sys.executable, "-B", LAB, "--jobs", "1", "--no-sum", *options, case.name]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        started.append(child)
        said, _ = child.communicate()
        print(said, end="", flush=True)
        return [case.name] if child.returncode else []

    # Side by side: what a box waits for leaves the processors to the guests.
    boxes, machines = ThreadPoolExecutor(jobs * BOXES_A_JOB), ThreadPoolExecutor(jobs)
    # The longest one first: begun last, it would run alone while the other processors wait.
    cases = sorted(cases, key=lambda case: not case.long)
    try:
        ended = [(boxes if case.family == "box" else machines).submit(one, case) for case in cases]
        return [name for each in ended for name in each.result()]
    finally:
        # Also when somebody gives up waiting: each child then ends its own guest.
        for pool in (boxes, machines):
            pool.shutdown(wait=False, cancel_futures=True)
        for child in started:
            child.terminate()
