#!/usr/bin/env python3
"""Loads many events while searching and merging, kills the server now and then, and checks that every answer stays exact.

    soak.py CUSTODY EVENTS.ndjson [--events 20000000] [--kills 10] [--data DIR] [--keep] [--source raw.source] [--memory-mib N] [--seed N]

EVENTS.ndjson has one event a line, each beginning with {"id":"; it is sent again and again, with the round put before each id, from
two connections, in batches. A batch that got no answer is sent again, as any client would. Meanwhile one client searches: counts
may never be below what was acknowledged a while ago nor above what was sent. At random moments the server is killed with SIGKILL
and started again. At the end the counts by the field --source, by outcome and in all must be those of the file times the rounds,
a sample of acknowledged events must stand at their indexes, and `custody verify` must find nothing. With --memory-mib the
server runs in a memory cgroup of that size (root). Exit 0 when all that holds.
"""
import argparse, collections, http.client, json, os, random, shutil, subprocess, sys, tempfile, threading, time

from custody_check import Server, call

BATCH, CONNECTIONS = 2000, 2
# An acknowledged event is searchable after this many seconds at the latest.
SEARCHABLE = 2.0
# What was acknowledged when is remembered so long, to tell how late a count is.
REMEMBERED = 30.0


class Load:
    """What was sent and what was acknowledged. All under one lock."""

    def __init__(self, blocks, total):
        self.blocks, self.total = blocks, total
        self.lock = threading.Lock()
        self.taken = self.sent = self.acknowledged = 0
        self.history = collections.deque([(0.0, 0)])
        self.sample = []
        self.late = []
        self.failure = None
        self.slowest = 0.0

    def next(self):
        with self.lock:
            if self.taken >= self.total or self.failure:
                return None
            block, turn = self.taken // BATCH % len(self.blocks), self.taken // BATCH // len(self.blocks)
            self.taken += BATCH
            self.sent += BATCH
            return block, turn

    def done(self, block, turn, answer, seconds, rng):
        with self.lock:
            self.acknowledged += BATCH
            self.slowest = max(self.slowest, seconds)
            self.history.append((time.time(), self.acknowledged))
            while len(self.history) > 1 and self.history[1][0] < time.time() - REMEMBERED:
                self.history.popleft()
            if not answer["duplicates"] and rng.random() < 0.02:
                self.sample.append((answer["first_index"], block, turn))

    def surely_searchable(self):
        with self.lock:
            return max((count for moment, count in self.history if time.time() - moment > SEARCHABLE), default=0)

    def note_count(self, count, began):
        """Notes for how long events were acknowledged that a search did not count."""
        with self.lock:
            self.late.append(max(0.0, began - next((moment for moment, known in self.history if known > count), began)))


def body_of(block, turn):
    return block.replace(b'{"id":"', b'{"id":"%d-' % turn)


def send_all(server, load, running, rng):
    connection = None
    while True:
        work = load.next()
        if work is None:
            return
        body = body_of(load.blocks[work[0]], work[1])
        while True:
            running.wait()
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
                began = time.time()
                connection.request("POST", "/v1/events?source=soak", body,
                                   {"Authorization": "Bearer " + Server.token, "Content-Type": "application/x-ndjson"})
                response = connection.getresponse()
                text = response.read()
                if response.status in (429, 503):
                    time.sleep(0.2)
                    continue
                answer = json.loads(text)
                if response.status != 200 or answer["accepted"] + answer["duplicates"] != BATCH:
                    load.failure = f"{response.status} {text[:300]!r}"
                    return
                load.done(*work, answer, time.time() - began, rng)
                break
            except (OSError, http.client.HTTPException):
                connection = None
                time.sleep(0.1)


def search(server, query, timeout=300):
    wanted = {"q": query, "since": "2000-01-01", "until": "2100-01-01", "limit": 1000}
    answer = call(server.url, "/v1/search", json.dumps(wanted), Server.token, timeout)
    # Events for a search alone, rows where a stage makes a table.
    return answer.get("rows", answer.get("events"))


def search_all(server, load, running, queries, times, refused, stopped):
    turn = 0
    while not stopped.is_set():
        running.wait()
        query = queries[turn % len(queries)]
        turn += 1
        least = load.surely_searchable()
        began = time.time()
        try:
            rows = search(server, query)
        except OSError as problem:
            # A server that is down, starting or busy; anything else is an answer that this check does not expect.
            refused[getattr(problem, "code", "no connection")] += 1
            if getattr(problem, "code", 503) not in (408, 429, 503):
                load.failure = f"{query}: {problem}"
                return
            time.sleep(0.1)
            continue
        except (ValueError, http.client.HTTPException):
            # The answer ended where the server was killed.
            continue
        times[query].append(time.time() - began)
        if query == queries[0]:
            count = int(rows[0][0]) if rows else 0
            load.note_count(count, began)
            if not least <= count <= load.sent:
                load.failure = f"{count} found, {least} were acknowledged {SEARCHABLE} s before, {load.sent} were sent"
                return


def read(path):
    """The file's lines in whole batches, and what the answers must be."""
    blocks, lines, outcomes, sources, examples = [], [], collections.Counter(), collections.Counter(), []
    with open(path, "rb") as file:
        for line in file:
            lines.append(line)
            if len(lines) == BATCH:
                blocks.append(b"".join(lines))
                for each in lines:
                    event = json.loads(each)
                    sources[event["source"]] += 1
                    outcomes[event["outcome"]] += 1
                examples.append(event)
                lines = []
    return blocks, outcomes, sources, examples


def main():
    options = argparse.ArgumentParser()
    options.add_argument("program")
    options.add_argument("file")
    options.add_argument("--events", type=int, default=20_000_000)
    options.add_argument("--kills", type=int, default=10)
    options.add_argument("--data")
    options.add_argument("--keep", action="store_true")
    options.add_argument("--source", default="raw.source")
    options.add_argument("--memory-mib", type=int)
    options.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    chosen = options.parse_args()
    rng = random.Random(chosen.seed)
    print(f"seed {chosen.seed}", flush=True)
    blocks, outcomes, sources, examples = read(chosen.file)
    events = chosen.events // (BATCH * len(blocks)) * BATCH * len(blocks)
    rounds = events // (BATCH * len(blocks))
    if not rounds:
        raise SystemExit(f"the file has more than {chosen.events} events")
    one = rng.choice(examples)
    queries = [
        "source:soak | stats count",
        f"actor:={one['actor']} | limit 100",
        one['id'][:8],
        f"action:{one['action'].split('.')[0]}* | top 10 actor",
        "* | timechart span=1d count",
        "source:soak -outcome:=success | stats count by " + chosen.source,
        "* | stats dcount(ip) as n by actor | sort -n,actor | limit 20",
    ]
    data = chosen.data or tempfile.mkdtemp(prefix="custody-soak-")
    server = Server(chosen.program, data, chosen.memory_mib)
    server.start()
    load, running, stopped = Load(blocks, events), threading.Event(), threading.Event()
    times, refused = collections.defaultdict(list), collections.Counter()
    running.set()
    senders = [threading.Thread(target=send_all, args=(server, load, running, rng)) for _ in range(CONNECTIONS)]
    searcher = threading.Thread(target=search_all, args=(server, load, running, queries, times, refused, stopped))
    for thread in senders + [searcher]:
        thread.start()
    moments = sorted(rng.randrange(events) for _ in range(chosen.kills))
    began = told = time.time()
    while any(thread.is_alive() for thread in senders):
        time.sleep(0.05)
        if server.process.poll() is not None:
            load.failure = load.failure or "the server ended by itself"
        if load.failure:
            break
        if moments and load.acknowledged >= moments[0]:
            moments.pop(0)
            running.clear()
            server.kill()
            server.start()
            print(f"killed at {load.acknowledged}, up again after {server.starts[-1]:.1f} s", flush=True)
            running.set()
        if time.time() - told > 30:
            told = time.time()
            server.note_memory()
            print(f"{load.acknowledged} acknowledged, {load.acknowledged / (told - began):.0f}/s, peak {server.peak_mib} MiB", flush=True)
    seconds = time.time() - began
    stopped.set()
    running.set()
    if load.failure:
        server.process.kill()
        print(f"failed: {load.failure}; directory kept: {data}")
        os._exit(1)
    searcher.join()
    print(f"{events} events in {seconds:.0f} s ({events / seconds:.0f}/s), slowest batch {load.slowest:.2f} s")
    complaints = check(server, load, rounds, outcomes, sources, chosen.source, rng)
    for query in queries:
        taken = sorted(times[query])
        if taken:
            print(f"  {len(taken):6} × median {1000 * taken[len(taken) // 2]:8.1f} ms, longest {1000 * taken[-1]:8.1f} ms   {query}")
    print("searches without an answer: " + (", ".join(f"{count} × {why}" for why, count in refused.items()) or "none"))
    late = sorted(load.late) or [0.0]
    print(f"acknowledged and not yet found: for {late[len(late) // 2]:.2f} s in the median, {late[len(late) * 9 // 10]:.2f} at the 90th percentile, {late[-1]:.2f} at most")
    server.stop()
    print(f"peak {server.peak_mib} MiB; starts {', '.join(f'{s:.1f}' for s in server.starts)} s")
    began = time.time()
    verified = subprocess.run([server.program, "verify", data], capture_output=True, text=True)
    print(f"verify: {time.time() - began:.0f} s, status {verified.returncode}")
    if verified.returncode:
        complaints.append("verify: " + (verified.stdout + verified.stderr)[-600:])
    size = sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(data) for name in names)
    print(f"{size / events:.0f} bytes an event in {data}")
    for complaint in complaints:
        print(complaint)
    if not chosen.keep and not complaints:
        shutil.rmtree(data)
    print("every answer was exact" if not complaints else f"{len(complaints)} complaints; directory kept")
    return 1 if complaints else 0


def check(server, load, rounds, outcomes, sources, field, rng):
    """Compares what the server answers when all is loaded with what was sent."""
    complaints = []

    def same(what, found, wanted):
        if found != wanted:
            complaints.append(f"{what}: {found} instead of {wanted}")

    deadline = time.time() + 60
    total = load.total
    while time.time() < deadline and int(search(server, "source:soak | stats count")[0][0]) < total:
        time.sleep(0.2)
    same("all", int(search(server, "source:soak | stats count")[0][0]), total)
    for name, counted, query in (("sources", sources, field), ("outcomes", outcomes, "outcome")):
        rows = search(server, f"source:soak | stats count by {query}")
        same(name, {row[0]: int(row[1]) for row in rows}, {key: count * rounds for key, count in counted.items()})
    for index, block, turn in rng.sample(load.sample, min(50, len(load.sample))):
        wanted = json.loads(load.blocks[block].split(b"\n", 1)[0])["id"]
        event = call(server.url, f"/v1/events/{index}", token=Server.token)
        if f"{turn}-{wanted}" not in json.dumps(event):
            complaints.append(f"index {index} is not {turn}-{wanted}")
    return complaints


if __name__ == "__main__":
    sys.exit(main())
