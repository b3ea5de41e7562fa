#!/usr/bin/env python3
"""Kills a server under load, again and again, and checks that every acknowledged event is there once, at its index.

    kill-under-load.py CUSTODY [ROUNDS]

CUSTODY is the program (.build/release/custody). Each round starts it on the same directory, sends batches from four
connections until it is killed with SIGKILL at a random moment, starts it again and reads everything back. The seed is
printed; CUSTODY_SEED sets it. Exit 0 when nothing was lost, doubled or moved.
"""
import json, os, random, shutil, signal, socket, subprocess, sys, tempfile, threading, time, urllib.request

TOKEN = "kill-under-load-0123456789-0123456789"
BATCH, CONNECTIONS = 200, 4


def call(url, path, body=None, timeout=30):
    request = urllib.request.Request(url + path, data=body, headers={"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return json.load(answer)


def start(program, directory, port):
    process = subprocess.Popen([program, "serve", "--data", directory, "--listen", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL,
                               env={**os.environ, "CUSTODY_ADMIN_TOKEN": TOKEN})
    deadline = time.time() + 60
    while time.time() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1).read()
            return process
        except OSError:
            time.sleep(0.02)
    raise SystemExit("the server did not start")


def load(url, round_number, connection, acknowledged, lock):
    number = 0
    while True:
        ids = [f"{round_number}-{connection}-{number}-{k}" for k in range(BATCH)]
        number += 1
        body = "\n".join(json.dumps({"id": i, "actor": "load", "action": "x.y", "note": "n" * 200}) for i in ids).encode()
        try:
            answer = call(url, "/v1/events?source=load", body)
        except Exception:
            return
        assert answer["accepted"] == BATCH, answer
        with lock:
            for k, i in enumerate(ids):
                acknowledged[i] = answer["first_index"] + k


def read_back(url):
    found, cursor = {}, None
    while True:
        wanted = {"q": "source:load | fields index,source.delivery", "since": "2000-01-01", "limit": 10000}
        if cursor:
            wanted["cursor"] = cursor
        answer = call(url, "/v1/search", json.dumps(wanted).encode(), timeout=120)
        for index, delivery in answer["rows"]:
            found.setdefault(delivery, []).append(index)
        cursor = answer.get("cursor")
        if not cursor:
            return found


def main():
    program, rounds = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20
    seed = int(os.environ.get("CUSTODY_SEED", random.randrange(1 << 32)))
    rng = random.Random(seed)
    print(f"seed {seed}")
    directory = tempfile.mkdtemp(prefix="custody-kill-")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    acknowledged, lock = {}, threading.Lock()
    process = start(program, directory, port)
    for round_number in range(rounds):
        threads = [threading.Thread(target=load, args=(url, round_number, c, acknowledged, lock)) for c in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        time.sleep(rng.uniform(0.2, 1.5))
        process.send_signal(signal.SIGKILL)
        process.wait()
        for thread in threads:
            thread.join()
        began = time.time()
        process = start(program, directory, port)
        restart = time.time() - began
        found = read_back(url)
        lost = [i for i in acknowledged if i not in found]
        doubled = [i for i, at in found.items() if len(at) > 1]
        moved = [i for i, index in acknowledged.items() if i in found and found[i] != [index]]
        print(f"round {round_number + 1}: {len(acknowledged)} acknowledged, {len(found)} found, restart {restart:.2f} s", flush=True)
        if lost or doubled or moved:
            print(f"lost {len(lost)} {lost[:3]}, doubled {len(doubled)} {doubled[:3]}, moved {len(moved)} {moved[:3]}; directory kept: {directory}")
            process.kill()
            return 1
    process.terminate()
    process.wait()
    shutil.rmtree(directory)
    print("nothing lost, doubled or moved")
    return 0


if __name__ == "__main__":
    sys.exit(main())
