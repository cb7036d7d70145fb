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
    """Runs all of them, prints what each says when it has ended, and gives how many failed."""
    boxes = [case for case in cases if case.family == "box"]
    machines = [case for case in cases if case.family != "box"]
    return at_once(boxes, jobs * BOXES_A_JOB, options) + at_once(machines, jobs, options)


def at_once(cases, jobs, options):
    # The longest one first: begun last, it would run alone while the other processors wait.
    cases = sorted(cases, key=lambda case: not case.long)
    started = []

    def one(case):
        command = [sys.executable, "-B", LAB, "--jobs", "1", "--no-sum", *options, case.name]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        started.append(child)
        said, _ = child.communicate()
        print(said, end="", flush=True)
        return child.returncode != 0

    with ThreadPoolExecutor(jobs) as pool:
        try:
            return sum(pool.map(one, cases))
        finally:
            # Also when somebody gives up waiting: each child then ends its own guest.
            pool.shutdown(wait=False, cancel_futures=True)
            for child in started:
                child.terminate()
