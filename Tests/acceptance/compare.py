#!/usr/bin/env python3
"""Asks several programs the questions of twelve.py in turn, on one directory: machines are noisy, so that only figures of one run compare.

    compare.py MANIFEST.json DIRECTORY CUSTODY CUSTODY... [--only Q2,Q6] [--turns 2] [--runs 12] [--cold]

The directory has the manifest's events, in a format that all programs read (`twelve.py --data DIRECTORY --keep` loads it). In each turn each
program is started and asked each question --runs times. Prints the least and the median of a program's milliseconds; with --cold (root) all of
them, each the first of a server that was just started and of which the system has nothing in its cache.
"""
import argparse, json, time

import twelve
from custody_check import Server

# What a start has yet to do when it answers would be measured too.
SETTLING_SECONDS = 2


def ask(program, data, questions, runs, times):
    server = Server(program, data)
    server.start()
    time.sleep(SETTLING_SECONDS)
    for name, query in questions.items():
        for _ in range(runs):
            times[name, program].append(twelve.ask(server, query)[0])
    server.stop()


def ask_cold(program, data, questions, times):
    for name, query in questions.items():
        twelve.forget_cache()
        server = Server(program, data)
        server.start()
        time.sleep(SETTLING_SECONDS)
        twelve.forget_cache()
        times[name, program].append(twelve.ask(server, query)[0])
        server.stop()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("manifest")
    options.add_argument("data")
    options.add_argument("programs", nargs="+")
    options.add_argument("--only", default=",".join(twelve.QUERIES))
    options.add_argument("--turns", type=int, default=2)
    options.add_argument("--runs", type=int, default=12)
    options.add_argument("--cold", action="store_true")
    chosen = options.parse_args()
    with open(chosen.manifest) as file:
        parameters = json.load(file)["params"]
    questions = {name: twelve.QUERIES[name].format(**parameters) for name in chosen.only.split(",")}
    times = {(name, program): [] for name in questions for program in chosen.programs}
    for _ in range(chosen.turns):
        for program in chosen.programs:
            if chosen.cold:
                ask_cold(program, chosen.data, questions, times)
            else:
                ask(program, chosen.data, questions, chosen.runs, times)
    for (name, program), taken in times.items():
        taken.sort()
        shown = taken if chosen.cold else [taken[0], taken[len(taken) // 2]]
        print(f"{name:4}", " ".join(f"{spent:8.1f}" for spent in shown), program)


if __name__ == "__main__":
    main()
