#!/usr/bin/env python3
"""All mutants of some files in one build: seconds for a mutant, where scripts/mutants takes a minute.

    scripts/mutants.d/schemata.py [--count N] [--seed N] [--least PERCENT] [--longest SECONDS] [--budget SECONDS] FILE ...

In a copy of the tree every function of the FILEs gets a `match`: an environment variable chooses one of its mutants, and
without it the function is what it was. What does not compile is taken out until all compiles. Then all tests have their
turn once, one by one, and note which functions they come to; and each mutant is held against the tests that come to its
function, the quickest first, until one is red or hangs, or --budget is used up. Tests that take more than --longest seconds
are left out.

Tests are those of src/ in the rooms of the FILEs, and tests/backup. The copy and what is built of it is in
target/mutants/schemata, or below MUTANTS_DIR; the scratch folders of tests are where TMPDIR says (in memory they are much
quicker; not in /dev/shm, which some tests take for another disk). Results are in results.json there.
"""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CHOOSER = """//! The mutant that the environment chooses; notes which functions were come to, if it is asked for that.
use std::io::Write;
use std::sync::{LazyLock, Mutex};
static CHOSEN: LazyLock<u32> = LazyLock::new(|| number("MUTANT"));
static REACHED: LazyLock<Option<std::ffi::OsString>> = LazyLock::new(|| std::env::var_os("MUTANT_REACHED"));
static NOTED: Mutex<std::collections::BTreeSet<u32>> = Mutex::new(std::collections::BTreeSet::new());
fn number(name: &str) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}
pub fn chosen(function: u32) -> u32 {
    if let Some(path) = &*REACHED && NOTED.lock().unwrap().insert(function) {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
        file.unwrap().write_all(format!("{function}\\n").as_bytes()).unwrap();
    }
    *CHOSEN
}
"""


def mutants_of(files):
    named = [word for file in files for word in ("--file", file)]
    listed = subprocess.run(["cargo", "mutants", "--list", "--json", "--no-shuffle", *named],
                            cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    mutants = json.loads(listed.stdout)
    for number, mutant in enumerate(mutants, 1):
        mutant["number"] = number
    return mutants


def offset(starts, place):
    return starts[place["line"] - 1] + place["column"] - 1


def body_of(text, start, end):
    """The braces of a function's body: its first `{` outside of brackets, comments and attributes, and its last `}`."""
    depth, at = 0, start
    while at < end:
        if text.startswith("//", at) or (text[at] == "#" and text[at + 1] == "["):
            at = text.index("\n", at)
        elif text[at] in "([":
            depth += 1
        elif text[at] in ")]":
            depth -= 1
        elif text[at] == "{" and depth == 0:
            return at, text.rindex("}", start, end)
        at += 1
    raise ValueError(text[start:end])


def with_mutants(text, mutants):
    """The file with all its mutants, and for each line of an arm the mutant's number."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    bodies = {}
    for mutant in mutants:
        span = mutant["function"]["span"]
        bodies.setdefault(body_of(text, offset(starts, span["start"]), offset(starts, span["end"])), []).append(mutant)
    out, done, lines = "", 0, {}
    for (begin, end), there in sorted(bodies.items(), key=lambda item: item[0]):
        out += text[done:begin + 1] + f" match crate::mutants::chosen({there[0]['number']}) {{\n"
        for mutant in there:
            at, to = offset(starts, mutant["span"]["start"]), offset(starts, mutant["span"]["end"])
            first = out.count("\n") + 1
            # The span of a whole body is with or without its braces.
            at, to = max(at, begin), min(to, end + 1)
            changed = text[begin:at] + mutant["replacement"] + text[to:end + 1]
            out += f"{mutant['number']} => {{ {changed} }}\n"
            lines.update(dict.fromkeys(range(first, out.count("\n") + 1), mutant["number"]))
        out += f"_ => {text[begin:end + 1]}\n}}"
        done = end
    return out + text[done:], lines


def write_copy(copy, originals, mutants):
    lines = {}
    for file, text in originals.items():
        text, lines[file] = with_mutants(text, [m for m in mutants if m["file"] == file])
        (copy / file).write_text(text)
    return lines


def cargo(copy, *words):
    env = dict(os.environ, CARGO_TARGET_DIR=str(copy.parent / "target"))
    ended = subprocess.run(["cargo", *words, "--message-format", "json"], cwd=copy, env=env,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return ended, [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]


def build(copy, mutants):
    """Builds with all mutants that compile: these, and the test programs."""
    originals = {file: (copy / file).read_text() for file in sorted({m["file"] for m in mutants})}
    (copy / "src/mutants.rs").write_text(CHOOSER)
    lib = (copy / "src/lib.rs").read_text()
    # What the compiler knows to go wrong is to go wrong in a test.
    (copy / "src/lib.rs").write_text(f"#![allow(warnings, arithmetic_overflow, unconditional_panic)]\n{lib}\npub mod mutants;\n")
    while True:
        lines = write_copy(copy, originals, mutants)
        # Borrows are checked only where all types fit, and where all is well the check has cost little.
        for words in (["check", "--lib"], ["test", "--no-run", "--lib", "--test", "backup"]):
            ended, messages = cargo(copy, *words)
            if ended.returncode != 0:
                break
        else:
            return mutants, [m["executable"] for m in messages if m.get("executable") and m["profile"]["test"]]
        errors = [m["message"] for m in messages if m["reason"] == "compiler-message" and m["message"]["level"] == "error"]
        places = [span for error in errors for span in error["spans"] if span["is_primary"]]
        bad = {lines.get(place["file_name"], {}).get(place["line_start"]) for place in places} - {None}
        if not bad:
            sys.exit("does not compile: " + "\n".join(error["rendered"] for error in errors) + ended.stderr)
        print(f"{len(bad)} mutants do not compile", flush=True)
        mutants = [m for m in mutants if m["number"] not in bad]


def run(copy, test, seconds, **env):
    """`ok`, `red` or `hangs`, and the time that it took."""
    program, name = test
    began = time.monotonic()
    # A function with all its mutants takes much room on the stack.
    env = dict(os.environ, RUST_BACKTRACE="0", RUST_MIN_STACK="33554432", **env)
    process = subprocess.Popen([program, "--exact", name], cwd=copy, env=env,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True)
    try:
        end = "red" if process.wait(seconds) else "ok"
    except subprocess.TimeoutExpired:
        end = "hangs"
        os.killpg(process.pid, 9)
        process.wait()
    return end, time.monotonic() - began


def all_tests(copy, programs, files):
    rooms = tuple({file.removeprefix("src/").split("/")[0] + "::" for file in files})
    tests = []
    for program in programs:
        listed = subprocess.run([program, "--list"], cwd=copy, stdout=subprocess.PIPE, text=True, check=True).stdout
        names = re.findall(r"^(.*): test$", listed, re.M)
        if Path(program).name.startswith("piback"):
            names = [name for name in names if name.startswith(rooms)]
        tests += [(program, name) for name in names]
    return tests


def reached_by(copy, tests, longest, jobs):
    """The tests that are green without a mutant and quick enough: how long each takes, and to which functions it comes."""
    def one(numbered):
        noted = copy.parent / f"reached-{numbered[0]}"
        noted.unlink(missing_ok=True)
        end, seconds = run(copy, numbered[1], longest, MUTANT_REACHED=str(noted))
        functions = set(map(int, noted.read_text().split())) if noted.exists() else set()
        noted.unlink(missing_ok=True)
        return end, seconds, functions

    took, reached = {}, {}
    with ThreadPoolExecutor(jobs) as pool:
        for test, (end, seconds, functions) in zip(tests, pool.map(one, enumerate(tests))):
            if end == "ok":
                took[test], reached[test] = seconds, functions
            else:
                print(f"left out, {end} without a mutant: {test[1]}", flush=True)
    return took, reached


def verdict(copy, mutant, tests, took, caught_by, budget):
    """The first test that notices the mutant; none, when all have had their turn or the time is used up."""
    ran = 0
    # What has caught most for its time comes first.
    for test in sorted(tests, key=lambda test: took[test] / (1 + caught_by.get(test, 0))):
        if budget < 0:
            break
        end, seconds = run(copy, test, 5 + 6 * took[test], MUTANT=str(mutant["number"]))
        budget, ran = budget - seconds, ran + 1
        if end != "ok":
            caught_by[test] = caught_by.get(test, 0) + 1
            return {"end": end, "test": test[1]}
    return {"end": "survived", "test": f"{ran} of {len(tests)} tests"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=0, help="so many at random; 0 is all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--least", type=float, default=85)
    parser.add_argument("--longest", type=float, default=6)
    parser.add_argument("--budget", type=float, default=60, help="so many seconds of tests for a mutant")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--numbers", help="these alone, with commas between them")
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    work = Path(os.environ.get("MUTANTS_DIR", ROOT / "target/mutants")).resolve() / "schemata"
    copy = work / "tree"
    shutil.rmtree(copy, ignore_errors=True)
    tracked = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    for name in tracked.stdout.splitlines():
        if (ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)

    every = mutants_of(args.files)
    taken = every if args.count == 0 else random.Random(args.seed).sample(every, min(args.count, len(every)))
    if args.numbers:
        taken = [every[int(number) - 1] for number in args.numbers.split(",")]
    functions = {m["number"]: next(o["number"] for o in every if (o["file"], o["function"]) == (m["file"], m["function"])) for m in every}
    print(f"{len(taken)} of {len(every)} mutants", flush=True)
    compiled, programs = build(copy, every)
    compiling = {m["number"] for m in compiled}
    # The first mutant of a function that compiles is the function's number.
    firsts = {}
    for mutant in compiled:
        firsts.setdefault(functions[mutant["number"]], mutant["number"])
    took, reached = reached_by(copy, all_tests(copy, programs, args.files), args.longest, args.jobs)
    results, caught_by = {}, {}

    def one(mutant):
        first = firsts[functions[mutant["number"]]]
        answer = verdict(copy, mutant, [test for test in took if first in reached[test]], took, caught_by, args.budget)
        results[mutant["name"]] = answer
        print(f"{answer['end']}: {mutant['number']} {mutant['name']} ({answer['test']})", flush=True)

    viable = [m for m in taken if m["number"] in compiling]
    with ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(one, viable))
    (work / "results.json").write_text(json.dumps(results, indent=1))
    survived = sorted(name for name, answer in results.items() if answer["end"] == "survived")
    hang = sum(answer["end"] == "hangs" for answer in results.values())
    caught = len(viable) - len(survived)
    share = 100 * caught / len(viable) if viable else 100.0
    print(f"\n{len(taken)} mutants: {len(taken) - len(viable)} do not compile, {caught} of {len(viable)} caught "
          f"({share:.1f} %), {hang} of them because they hang")
    for name in survived:
        print(f"survived: {name}")
    sys.exit(share < args.least)


if __name__ == "__main__":
    main()
