#!/usr/bin/env python3
"""Loads the events of the generator, asks twelve questions over HTTP, and compares the answers with what the generator says.

    twelve.py CUSTODY EVENTS.ndjson MANIFEST.json [--rounds 1] [--runs 9] [--cold] [--texts] [--data DIR] [--keep] [--memory-mib N] [--verify]

The file is sent --rounds times: in each round every event has another id and lies one length of the file earlier in time, so
that a hundred rounds of a month are eight years. With --data and a directory that has events already, nothing is loaded. Times
are milliseconds of the client, least and median of --runs; with --cold (root) also the first of a server that was just started
and of which the system has nothing in its cache, three times, and the megabytes that the last of them read from the disk. Prints what the load, the directory and the memory come to, and with --verify
what `custody verify` says. With --texts it also looks for texts of several tokens that are in most groups of events, three times
each, and compares how many it finds with the file's lines. With --memory-mib server and verification run in a memory cgroup of that size (root). Exit 0 when all is as told.
"""
import argparse, datetime, http.client, json, os, shutil, subprocess, sys, tempfile, threading, time, urllib.error, urllib.parse

from custody_check import Server, call

BATCH, CONNECTIONS = 2000, 3
# A disk that others use stalls now and then: one first run tells little.
COLD_RUNS = 3
QUERIES = {
    "Q1": "actor:={actor} time:{from_}..{to} | fields time,source,action,resource,outcome",
    "Q2": "{needle_digest}",
    "Q3": "ip:{cidr} | stats count",
    "Q4": "action:{action_prefix}* | top 10 actor",
    "Q5": "repo:={repo5} | timechart span=1h count",
    "Q6": "* | stats dcount(ip) as n by actor | sort -n,actor | limit 20",
    "Q7": "time:>={last_day} -outcome:=success | stats count by raw.source",
    "Q8": "*{substring}*",
    "Q9": "raw.{exists}:* | stats count",
    "Q10": "(raw.source:=github OR raw.source:=cloudtrail) -outcome:=success repo:={repo10} -actor:={not_actor} | stats count",
    "Q11": "artifact:={artifact} | sort -time | limit 100 | fields time,source,action,actor,resource,outcome",
    "Q12": "* | stats count by raw.source",
}

# Fields and values as the search line completes them: the field, what was typed of the value, and of the query before it.
COMPLETIONS = [
    ("action", "p", ""),
    ("actor", "", ""),
    ("actor", "a", "action:{action_prefix}*"),
    ("resource.name", "", ""),
    ("resource.name", "ml", "-outcome:=success"),
    ("artifact.digest", "sha256:0", ""),
    ("raw.id", "a", ""),
]


# Texts of tokens that are nearly everywhere, in no event or in some, as words and as phrases.
TEXTS = ['111.90.151.35', '"111.90.151.35"', '"Download action repository"', '"go-git/5.12.0 git"', '"Intel Mac OS X"']


def lines_with(path, texts):
    """How many lines hold each text, whatever its case."""
    needles = [text.strip('"').lower().encode() for text in texts]
    counts = [0] * len(texts)
    with open(path, "rb") as file:
        for line in file:
            line = line.lower()
            for number, needle in enumerate(needles):
                counts[number] += needle in line
    return counts


def wanted(manifest, rounds):
    """The answers, from those of one round. What looks at a day, or for the newest, or counts addresses, is the same in all rounds."""
    expect = manifest["expect"]

    def times(answer):
        if isinstance(answer, dict):
            return {key: count * rounds for key, count in answer.items()}
        if isinstance(answer, list):
            return [[key, count * rounds] for key, count in answer]
        return answer * rounds

    same = {name: expect[name] for name in ("Q1", "Q6", "Q7", "Q11")}
    return same | {name: times(expect[name]) for name in ("Q2", "Q3", "Q4", "Q8", "Q9", "Q10", "Q12")} | {"Q5": expect["Q5_total"] * rounds}


def found(name, answer):
    """An answer in the manifest's form."""
    rows = answer.get("rows")
    if name in ("Q1", "Q2", "Q8"):
        return answer["stats"]["matched"]
    if name in ("Q3", "Q9", "Q10"):
        return int(rows[0][0])
    if name == "Q5":
        # Many rounds have more hours than an answer has rows.
        return answer["stats"]["matched"]
    if name in ("Q7", "Q12"):
        return {row[0]: int(row[1]) for row in rows}
    if name == "Q11":
        return [milliseconds(row[0]) for row in rows]
    return [[row[0], int(row[1])] for row in rows]


def milliseconds(text):
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


def ask(server, query):
    """Milliseconds, and the answer."""
    body = json.dumps({"q": query, "since": "1900-01-01", "until": "2100-01-01", "limit": 1000})
    began = time.perf_counter()
    answer = call(server.url, "/v1/search", body, Server.token, timeout=600)
    return 1000 * (time.perf_counter() - began), answer


class Load:
    """Batches of the file, round after round."""

    def __init__(self, path, days, rounds):
        self.blocks, lines = [], []
        with open(path, "rb") as file:
            for line in file:
                lines.append(line)
                if len(lines) == BATCH:
                    self.blocks.append(self.block(lines))
                    lines = []
        if lines:
            self.blocks.append(self.block(lines))
        self.days, self.rounds, self.taken, self.lock, self.failure = days, rounds, 0, threading.Lock(), None

    @staticmethod
    def block(lines):
        """Its bytes and the days of its events."""
        return b"".join(lines), len(lines), {line[line.index(b'"time":"') + 8:][:10] for line in lines}

    def next(self):
        with self.lock:
            turn, number = divmod(self.taken, len(self.blocks))
            if turn >= self.rounds or self.failure:
                return None
            self.taken += 1
        body, count, days = self.blocks[number]
        if turn:
            body = body.replace(b'{"id":"', b'{"id":"%d-' % turn)
            for day in sorted(days):
                other = datetime.date.fromisoformat(day.decode()) - datetime.timedelta(days=self.days * turn)
                body = body.replace(b'"time":"' + day, b'"time":"' + other.isoformat().encode())
        return body, count

    def send(self, server):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        headers = {"Authorization": "Bearer " + Server.token, "Content-Type": "application/x-ndjson"}
        while (work := self.next()) is not None:
            while True:
                connection.request("POST", "/v1/events?source=bench", work[0], headers)
                response = connection.getresponse()
                text = response.read()
                if response.status != 429:
                    break
                time.sleep(0.1)
            if response.status != 200 or json.loads(text)["accepted"] != work[1]:
                self.failure = f"{response.status} {text[:300]!r}"
                return


def load(server, path, manifest, rounds):
    work = Load(path, manifest["days"], rounds)
    senders = [threading.Thread(target=work.send, args=(server,)) for _ in range(CONNECTIONS)]
    began = told = time.time()
    for sender in senders:
        sender.start()
    while any(sender.is_alive() for sender in senders):
        time.sleep(0.2)
        if time.time() - told > 60:
            told = time.time()
            server.note_memory()
            print(f"{work.taken * BATCH} sent, {work.taken * BATCH / (told - began):.0f}/s, peak {server.peak_mib} MiB", flush=True)
    if work.failure:
        raise SystemExit(work.failure)
    total = manifest["count"] * rounds
    print(f"{total} events loaded, {total / (time.time() - began):.0f}/s", flush=True)
    deadline = time.time() + 60
    while int(ask(server, "source:bench | stats count")[1]["rows"][0][0]) != total:
        if time.time() > deadline:
            raise SystemExit("not all events are searchable")
        time.sleep(0.1)
    server.note_memory()
    print(f"peak {server.peak_mib} MiB loading", flush=True)


def forget_cache():
    subprocess.run(["sync"], check=True)
    with open("/proc/sys/vm/drop_caches", "w") as caches:
        caches.write("3")


def read_bytes(server):
    """What the server's process has had read from the disk."""
    with open(f"/proc/{server.process.pid}/io") as figures:
        return int(next(line for line in figures if line.startswith("read_bytes")).split()[1])


def main():
    options = argparse.ArgumentParser()
    options.add_argument("program")
    options.add_argument("file")
    options.add_argument("manifest")
    options.add_argument("--rounds", type=int, default=1)
    options.add_argument("--runs", type=int, default=9)
    options.add_argument("--cold", action="store_true")
    options.add_argument("--texts", action="store_true")
    options.add_argument("--data")
    options.add_argument("--keep", action="store_true")
    options.add_argument("--memory-mib", type=int)
    options.add_argument("--verify", action="store_true")
    chosen = options.parse_args()
    with open(chosen.manifest) as file:
        manifest = json.load(file)
    data = chosen.data or tempfile.mkdtemp(prefix="custody-twelve-")
    is_loaded = os.path.exists(os.path.join(data, "journal"))
    server = Server(chosen.program, data, chosen.memory_mib)
    server.start()
    if is_loaded:
        print(f"start {1000 * server.starts[0]:.0f} ms")
    else:
        load(server, chosen.file, manifest, chosen.rounds)
    with open(f"/proc/{server.process.pid}/clear_refs", "w") as peak:
        peak.write("5")
    server.peak_mib = 0
    right, complaints, lines, completed = wanted(manifest, chosen.rounds), [], [], []
    for name, text in QUERIES.items():
        query = text.format(**manifest["params"])
        taken = []
        for _ in range(chosen.runs):
            spent, answer = ask(server, query)
            taken.append(spent)
            got = found(name, answer)
            if name == "Q11":
                # Where one round has fewer than a hundred, earlier rounds follow.
                got = got[:len(right[name])]
            if got != right[name]:
                complaints.append(f"{name}: {str(got)[:200]} instead of {str(right[name])[:200]}")
                break
        taken.sort()
        lines.append([f"{name:4}", f"{taken[0]:9.1f}", f"{taken[len(taken) // 2]:9.1f}"])
    for field, prefix, before in COMPLETIONS:
        wants = urllib.parse.urlencode({"prefix": prefix, "q": before.format(**manifest["params"])})
        taken, values = [], []
        for _ in range(chosen.runs):
            began = time.perf_counter()
            try:
                values = call(server.url, f"/v1/fields/{field}/values?{wants}", token=Server.token, timeout=600)["values"]
            except urllib.error.HTTPError as refusal:
                complaints.append(f"values of {field}: {refusal.read().decode(errors='replace')[:300]}")
                taken.append(0)
                break
            taken.append(1000 * (time.perf_counter() - began))
        if not values:
            complaints.append(f"no value of {field} begins with '{prefix}'")
        taken.sort()
        completed.append(f"     {taken[0]:9.1f} {taken[len(taken) // 2]:9.1f}  {field}:{prefix}*  {before}")
    server.note_memory()
    print(f"peak {server.peak_mib} MiB querying", flush=True)
    if chosen.texts:
        for text, count in zip(TEXTS, lines_with(chosen.file, TEXTS)):
            answers = [ask(server, f"source:bench {text} | stats count") for _ in range(3)]
            print(f"{min(spent for spent, _ in answers):9.1f}  {text}", flush=True)
            got = int(answers[0][1]["rows"][0][0])
            if got != count * chosen.rounds:
                complaints.append(f"{text}: {got} instead of {count * chosen.rounds}")
    if chosen.cold:
        for line, text in zip(lines, QUERIES.values()):
            for _ in range(COLD_RUNS):
                server.stop()
                forget_cache()
                server.start()
                forget_cache()
                before = read_bytes(server)
                line.append(f"{ask(server, text.format(**manifest['params']))[0]:9.1f}")
            line.append(f"{(read_bytes(server) - before) / 1e6:9.1f}")
    print("         least    median" + ("      cold" + " " * 10 * (COLD_RUNS - 1) + "   read MB" if chosen.cold else ""))
    for line in lines:
        print(" ".join(line))
    print("completion of values:")
    for line in completed:
        print(line)
    server.stop()
    began = time.time()
    server.start()
    print(f"start {1000 * (time.time() - began):.0f} ms")
    server.stop()
    events = manifest["count"] * chosen.rounds
    for part in sorted(os.listdir(data)):
        place = os.path.join(data, part)
        size = os.path.getsize(place) if os.path.isfile(place) else sum(
            os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(place) for name in names)
        if size > events / 10:
            print(f"{size / events:8.1f} bytes an event in {part}")
    if chosen.verify:
        began = time.time()
        verified = subprocess.run([server.program, "verify", data], capture_output=True, text=True, preexec_fn=server.enter_group)
        print(f"verify: {time.time() - began:.0f} s, status {verified.returncode}")
        if verified.returncode:
            complaints.append("verify: " + (verified.stdout + verified.stderr)[-600:])
    for complaint in complaints:
        print(complaint)
    if not chosen.keep and not chosen.data and not complaints:
        shutil.rmtree(data)
    print("every answer is the generator's" if not complaints else f"{len(complaints)} complaints; directory kept: {data}")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
