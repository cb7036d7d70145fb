#!/usr/bin/env python3
"""All mutants of some files in one build: seconds for a mutant, where scripts/mutants takes a minute.

    scripts/mutants.d/schemata.py [--count N] [--seed N[,N]] [--least PERCENT] [--longest SECONDS] [--budget SECONDS]
                                  [--minutes N] [--again] FILE ...

In a copy of the tree every function of the FILEs gets a `match`: an environment variable chooses one of its mutants, and
without it the function is what it was. What does not compile is taken out until all compiles. Then all tests have their
turn once, one by one, and note which functions they come to; and each mutant is held against the tests that come to its
function, the quickest first, until one notices it or --budget is used up. Tests that take more than --longest seconds
are left out. A test notices a mutant when it is red or hangs with it, is green without it, and is red or hangs with it
once more: one that is red now and then catches nothing.

Several seeds are as many shards, each with a figure of its own. After --minutes no further mutant has its turn; a shard
is in random order, so that what had its turn is a shard as well.

With --again only those mutants are tried that no test noticed the last time, with tests that had no turn then, that are new,
or that --fresh names (a part of the name, for tests that were changed). What does not compile is known from the last time,
for files that are as they were.

Tests are those of src/ in the rooms of the FILEs, and tests/backup. The copy and what is built of it is in
target/mutants/schemata, or below MUTANTS_DIR; the scratch folders of tests are where TMPDIR says (in memory they are much
quicker; not in /dev/shm, which some tests take for another disk). Results are in results.json there.
"""

import argparse
import hashlib
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
from threading import Lock

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


def write(path, text):
    """Writes what is not there already: cargo builds anew what has another time."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def write_copy(copy, originals, mutants):
    lines = {}
    for file, text in originals.items():
        text, lines[file] = with_mutants(text, [m for m in mutants if m["file"] == file])
        write(copy / file, text)
    return lines


def copy_tree(copy, changed_here):
    """Makes the copy what the tree is, but for the files that are changed there."""
    tracked = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    names = {name for name in tracked.stdout.splitlines() if (ROOT / name).exists()}
    for folder, _, files in os.walk(copy):
        for file in files:
            if str((Path(folder) / file).relative_to(copy)) not in names | changed_here:
                (Path(folder) / file).unlink()
    for name in names - changed_here:
        here, there = ROOT / name, copy / name
        there.parent.mkdir(parents=True, exist_ok=True)
        if here.is_symlink() or not there.exists() or here.read_bytes() != there.read_bytes():
            there.unlink(missing_ok=True)
            shutil.copy2(here, there, follow_symlinks=False)
            if not here.is_symlink():
                os.utime(there)


def load(path):
    return json.loads(path.read_text()) if path.exists() else {}


def cargo(copy, *words):
    env = dict(os.environ, CARGO_TARGET_DIR=str(copy.parent / "target"))
    ended = subprocess.run(["cargo", *words, "--message-format", "json"], cwd=copy, env=env,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return ended, [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]


def build(copy, mutants):
    """Builds with all mutants that compile: these, and the test programs."""
    originals = {file: (ROOT / file).read_text() for file in sorted({m["file"] for m in mutants})}
    write(copy / "src/mutants.rs", CHOOSER)
    lib = (ROOT / "src/lib.rs").read_text()
    # What the compiler knows to go wrong is to go wrong in a test.
    write(copy / "src/lib.rs", f"#![allow(warnings, arithmetic_overflow, unconditional_panic)]\n{lib}\npub mod mutants;\n")
    # What did not compile before does not now, where its file is as it was.
    of = {file: hashlib.sha256(text.encode()).hexdigest() for file, text in originals.items()}
    unviable = load(copy.parent / "unviable.json")
    unviable = {name: was for name, was in unviable.items() if was in of.values()}
    mutants = [m for m in mutants if m["name"] not in unviable]
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
        unviable.update({m["name"]: of[m["file"]] for m in mutants if m["number"] in bad})
        (copy.parent / "unviable.json").write_text(json.dumps(unviable, indent=1))
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


def reached_by(copy, tests, known, longest, jobs):
    """The tests that are green without a mutant and quick enough: how long each takes, and to which functions it comes.
    `known` has that of the last time, by the test's name; none of a test that was left out."""
    def one(numbered):
        if numbered[1][1] in known:
            was = known[numbered[1][1]]
            return ("ok", was[0], set(was[1])) if was else ("out", 0, set())
        noted = copy.parent / f"reached-{numbered[0]}"
        noted.unlink(missing_ok=True)
        end, seconds = run(copy, numbered[1], longest, MUTANT_REACHED=str(noted))
        functions = set(map(int, noted.read_text().split())) if noted.exists() else set()
        noted.unlink(missing_ok=True)
        return end, seconds, functions

    took, reached = {}, {}
    with ThreadPoolExecutor(jobs) as pool:
        for test, (end, seconds, functions) in zip(tests, pool.map(one, enumerate(tests))):
            known[test[1]] = (seconds, sorted(functions)) if end == "ok" else None
            if end == "ok":
                took[test], reached[test] = seconds, functions
            else:
                print(f"left out, {end} without a mutant: {test[1]}", flush=True)
    return took, reached


def verdict(copy, mutant, function, tests, took, caught_by, budget):
    """The first test that notices the mutant; none, when all have had their turn or the time is used up."""
    ran, fickle = [], []

    # What has caught most for its time comes first, and what did so in the same function before that.
    def cost(test):
        return took[test] / (1 + caught_by.get(test, 0) + 5 * caught_by.get((test, function), 0))

    for test in sorted(tests, key=cost):
        if budget < 0:
            break
        longest = 5 + 6 * took[test]
        end, seconds = run(copy, test, longest, MUTANT=str(mutant["number"]))
        budget -= seconds
        ran.append(test[1])
        if end == "ok":
            continue
        if run(copy, test, longest)[0] != "ok" or run(copy, test, longest, MUTANT=str(mutant["number"]))[0] == "ok":
            fickle.append(test[1])
            continue
        for one in (test, (test, function)):
            caught_by[one] = caught_by.get(one, 0) + 1
        return {"end": end, "test": test[1]}
    return {"end": "survived", "test": f"{len(ran)} of {len(tests)} tests", "ran": ran, "fickle": fickle}


def report(title, shard, compiling, results):
    """Prints a shard's figure, and gives it."""
    viable = [m["name"] for m in shard if m["number"] in compiling]
    tried = [name for name in viable if name in results]
    survived = sorted(name for name in tried if results[name]["end"] == "survived")
    hang = sum(results[name]["end"] == "hangs" for name in tried)
    caught = len(tried) - len(survived)
    share = 100 * caught / len(tried) if tried else 100.0
    print(f"\n{title}: {len(shard)} mutants: {len(shard) - len(viable)} do not compile, {len(viable) - len(tried)} had no "
          f"turn, {caught} of {len(tried)} caught ({share:.1f} %), {hang} of them because they hang")
    for name in survived:
        print(f"survived: {name} ({results[name]['test']})")
    return share


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=0, help="so many at random; 0 is all")
    parser.add_argument("--seed", default="1", help="with commas between several")
    parser.add_argument("--least", type=float, default=85)
    parser.add_argument("--longest", type=float, default=6)
    parser.add_argument("--budget", type=float, default=60, help="so many seconds of tests for a mutant")
    parser.add_argument("--minutes", type=float, default=1e9, help="after these no further mutant has its turn")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--numbers", help="these alone, with commas between them")
    parser.add_argument("--again", action="store_true", help="those alone that survived the last time")
    parser.add_argument("--fresh", action="append", default=[], help="with --again: a part of the names of tests that were changed")
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    began = time.monotonic()
    work = Path(os.environ.get("MUTANTS_DIR", ROOT / "target/mutants")).resolve() / "schemata"
    copy = work / "tree"

    every = mutants_of(args.files)
    copy_tree(copy, {m["file"] for m in every} | {"src/mutants.rs", "src/lib.rs"})
    shards = {}
    for seed in args.seed.split(","):
        taken = every if args.count == 0 else random.Random(int(seed)).sample(every, min(args.count, len(every)))
        shards[f"seed {seed}"] = taken
    if args.numbers:
        shards = {"by number": [every[int(number) - 1] for number in args.numbers.split(",")]}
    functions = {m["number"]: next(o["number"] for o in every if (o["file"], o["function"]) == (m["file"], m["function"])) for m in every}
    print(f"{' + '.join(str(len(shard)) for shard in shards.values())} of {len(every)} mutants", flush=True)
    compiled, programs = build(copy, every)
    compiling = {m["number"] for m in compiled}
    # The first mutant of a function that compiles is the function's number.
    firsts = {}
    for mutant in compiled:
        firsts.setdefault(functions[mutant["number"]], mutant["number"])
    results = load(work / "results.json") if args.again else {}
    # Functions are known by numbers, and these hold for one list of mutants.
    of = hashlib.sha256("\n".join(m["name"] for m in compiled).encode()).hexdigest()
    before = load(work / "reached.json") if args.again else {}
    before = before["tests"] if before.get("of") == of else {}
    known = {name: was for name, was in before.items() if not any(part in name for part in args.fresh)}
    took, reached = reached_by(copy, all_tests(copy, programs, args.files), known, args.longest, args.jobs)
    (work / "reached.json").write_text(json.dumps({"of": of, "tests": known}))
    caught_by, writing = {}, Lock()

    def one(mutant):
        if time.monotonic() - began > 60 * args.minutes:
            return
        first = firsts[functions[mutant["number"]]]
        tests = [test for test in took if first in reached[test]]
        # Of those that had their turn the last time only the changed ones have another.
        ran = [name for name in results.get(mutant["name"], {}).get("ran", ()) if not any(part in name for part in args.fresh)]
        answer = verdict(copy, mutant, first, [test for test in tests if test[1] not in ran], took, caught_by, args.budget)
        if answer["end"] == "survived":
            answer["ran"] = ran + answer["ran"]
            answer["test"] = f"{len(answer['ran'])} of {len(tests)} tests"
        with writing:
            results[mutant["name"]] = answer
            (work / "results.json").write_text(json.dumps(results, indent=1))
        print(f"{answer['end']}: {mutant['number']} {mutant['name']} ({answer['test']})", flush=True)
        for test in answer.get("fickle", ()):
            print(f"    fickle, and counts for nothing: {test}", flush=True)

    left = {m["name"]: m for shard in shards.values() for m in shard if m["number"] in compiling}
    if args.again:
        left = {name: m for name, m in left.items() if results.get(name, {}).get("end", "survived") == "survived"}
    with ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(one, left.values()))
    shares = [report(title, shard, compiling, results) for title, shard in shards.items()]
    sys.exit(min(shares) < args.least)


if __name__ == "__main__":
    main()
