"""One competitor in a process of its own: a JSON line in, a JSON line out; the first line in says what to build."""

import json
import os
import sys
import time

STARTED = time.perf_counter()

# What libraries print must not mix with the answers.
ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def read():
    line = sys.stdin.readline()
    return json.loads(line) if line else None


def write(value):
    ANSWERS.write(json.dumps(value) + "\n")
    ANSWERS.flush()


def bound_threads(threads):
    """Keeps this process to as many of its cores as it may use threads; must come before the frameworks are imported."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        if threads < len(cores):
            os.sched_setaffinity(0, cores[:threads])
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC"):
        os.environ[name] = str(threads)


def tokens_and_targets(config, heads, samples):
    """[batch][3] token numbers and [heads][batch] targets of the given samples of the p * p grid (row x0, column x1)."""
    p = config["p"]
    pairs = [divmod(sample, p) for sample in samples]
    numbers = [x0 + x1 if config["task"] == "nanda" else x0 + x1 * p for x0, x1 in pairs]
    return [[x0, x1, p] for x0, x1 in pairs], [[number % q for number in numbers] for q in heads]


def serve(build):
    """`build(question)` gives (description, losses, block): `losses(epochs)` trains from the start without dropout and returns each
    epoch's loss per head; `block(epochs)` goes on with dropout and returns when the device is done."""
    question = read()
    bound_threads(question["threads"])
    description, losses, block = build(question)
    built = time.perf_counter() - STARTED
    write(description)
    while (request := read()) is not None:
        if request["op"] == "losses":
            start = time.perf_counter()
            found = losses(request["epochs"])
            # From nothing to these losses, without the wait for the question.
            write({"losses": found, "seconds": built + time.perf_counter() - start})
        else:
            start = time.perf_counter()
            block(request["epochs"])
            write({"seconds": time.perf_counter() - start})
