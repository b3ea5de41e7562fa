#!/usr/bin/env python3
"""Events and searches that are made to hurt, against one server: memory stays bounded, intake goes on, every search is answered or
refused with a reason.

    hostile-store.py CUSTODY [--events 200000] [--memory-mib 800] [--keep]

Sends events of 10,000 keys, a million distinct keys in all, values of nearly 1 MiB and over it, 32 levels, an actor of its own for each event;
then searches of 10,000 terms, patterns and expressions that match everything, ranges over a century, and ten heavy ones at once
while events come in. Exit 0 when nothing failed otherwise than with a reason, and the server's peak is below --memory-mib.
"""
import argparse, json, os, shutil, socket, subprocess, sys, tempfile, threading, time, urllib.error, urllib.request

from custody_check import call, wait

TOKEN = "hostile-0123456789-0123456789-0123456789"
# Refusals that name a limit; anything else that is not an answer is a defect.
REFUSALS = (400, 408, 413, 422, 429, 503)


class Check:
    def __init__(self, url):
        self.url, self.complaints = url, []

    def send(self, events, expected=None):
        """Returns the answer; complains when not all of them were taken."""
        body = "\n".join(json.dumps(event) for event in events)
        while True:
            try:
                answer = call(self.url, "/v1/events?source=hostile", body, TOKEN, 120)
                break
            except urllib.error.HTTPError as refusal:
                if refusal.code not in (429, 503):
                    raise
                time.sleep(0.2)
        wanted = len(events) if expected is None else expected
        if answer["accepted"] != wanted:
            self.complaints.append(f"{answer['accepted']} of {wanted} accepted: {answer['rejected'][:1]}")
        return answer

    def search(self, query, **more):
        """The answer's status and, for a refusal, its reason."""
        body = json.dumps({"q": query, "since": "1970-01-01", "until": "2100-01-01", "limit": 100, **more})
        began = time.time()
        try:
            call(self.url, "/v1/search", body, TOKEN, 120)
            return 200, "", time.time() - began
        except urllib.error.HTTPError as refusal:
            text = refusal.read().decode(errors="replace")
            try:
                reason = json.loads(text).get("detail") or json.loads(text)["title"]
            except (ValueError, KeyError):
                reason = ""
            if refusal.code not in REFUSALS or not reason:
                self.complaints.append(f"{query[:60]}: {refusal.code} {text[:200]}")
            return refusal.code, reason, time.time() - began

    def told(self, what, query):
        status, reason, seconds = self.search(query)
        print(f"  {status} {1000 * seconds:8.0f} ms  {what}{': ' + reason[:110] if reason else ''}", flush=True)
        return status


def nested(levels):
    value = "deep"
    for _ in range(levels - 1):
        value = {"in": value}
    return value


def send_hostile(check, count):
    base = {"action": "x.y", "outcome": "success"}
    check.send([{**base, "id": f"wide-{n}", **{f"k{k}": n for k in range(10_000)}} for n in range(20)])
    print("20 events of 10,000 keys", flush=True)
    for part in range(100):
        check.send([{**base, "id": f"keys-{part}-{n}", **{f"key{part}x{n}x{k}": k for k in range(1_000)}} for n in range(10)])
    print("1,000 events of 1,000 keys that no other has", flush=True)
    for n in range(20):
        check.send([{**base, "id": f"long-{n}", "note": chr(97 + n) * 1_000_000}])
    refused = check.send([{**base, "id": "over", "note": "x" * (1 << 20)}, {**base, "id": "beside"}], expected=1)
    if not refused["rejected"] or "reason" not in json.dumps(refused["rejected"]):
        check.complaints.append(f"an event over the limit was refused without a reason: {refused}")
    check.send([{**base, "id": f"deep-{n}", "nest": nested(32)} for n in range(1_000)])
    print("values of a megabyte, one over the limit, 32 levels", flush=True)
    began = time.time()
    for first in range(0, count, 1_000):
        check.send([{**base, "id": f"own-{n}", "actor": f"person-{n}-{n * 7919 % 1_000_003}", "ip": f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"}
                    for n in range(first, min(first + 1_000, count))])
    print(f"{count} events, each by somebody else: {count / (time.time() - began):.0f}/s", flush=True)


def search_hostile(check, count):
    def total():
        answer = call(check.url, "/v1/search", json.dumps({"q": "source:hostile | stats count", "since": "1970-01-01"}), TOKEN, 120)
        return int(answer["rows"][0][0]) == count + 2_042 or count + 2_041 == int(answer["rows"][0][0])

    wait("all events found", total, 60)
    for what, query in [
        ("a key of 10,000", "raw.k9999:3 | stats count"),
        ("a key that one event has", "raw.key99x9x999:999 | stats count"),
        ("a path of 32 levels", "raw.nest" + ".in" * 31 + ":deep | stats count"),
        ("part of a megabyte", "*" + "c" * 100 + "* | stats count"),
        ("people, each once", "* | stats dcount(actor)"),
        ("people as groups", "* | stats count by actor | limit 10"),
        ("10,000 terms", " OR ".join(f"actor:=p{n}" for n in range(10_000))),
        ("1,000 terms", " OR ".join(f"a{n}" for n in range(1_000))),
        ("four wild cards", "*a*b*c*d* | stats count"),
        ("an expression for everything", "actor:/.*/ | stats count"),
        ("nested repetition", "actor:/(a*)*(b*)*(.*)*x/ | stats count"),
        ("hexadecimal digits inside of a word", '"ab12" | stats count'),
        ("a century", "time:1970-01-01..2099-12-31 | timechart span=1d count"),
        ("a second's steps over a century", "* | timechart span=1s count"),
        ("everything, sorted", "* | sort actor | limit 10000"),
    ]:
        check.told(what, query)


def search_while_sending(check, count):
    """Ten heavy searches again and again while events come in."""
    ended, slowest, statuses = threading.Event(), [0.0], []

    def searching(query):
        while not ended.is_set():
            statuses.append(check.search(query)[0])

    heavy = ["* | stats dcount(actor), dcount(ip) by outcome", "* | stats count by actor | sort -count | limit 20", "*erso* | top 20 actor",
             "actor:/.*-9.*/ | stats count", "* | sort -actor | limit 1000"] * 2
    threads = [threading.Thread(target=searching, args=(query,)) for query in heavy]
    for thread in threads:
        thread.start()
    began = time.time()
    for first in range(0, 20_000, 500):
        sent = time.time()
        check.send([{"id": f"late-{n}", "action": "x.y", "actor": f"late-{n}"} for n in range(first, first + 500)])
        slowest[0] = max(slowest[0], time.time() - sent)
    seconds = time.time() - began
    ended.set()
    for thread in threads:
        thread.join()
    print(f"ten heavy searches at once: {len(statuses)} answered ({statuses.count(200)} × 200); beside them 20,000 events at "
          f"{20_000 / seconds:.0f}/s, slowest batch {1000 * slowest[0]:.0f} ms")
    if slowest[0] > 10:
        check.complaints.append(f"a delivery waited {slowest[0]:.1f} s for searches")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("program")
    options.add_argument("--events", type=int, default=200_000)
    options.add_argument("--memory-mib", type=int, default=800)
    options.add_argument("--keep", action="store_true")
    chosen = options.parse_args()
    data = tempfile.mkdtemp(prefix="custody-hostile-")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([os.path.abspath(chosen.program), "serve", "--data", data, "--listen", f"127.0.0.1:{port}"],
                               stdout=subprocess.DEVNULL, env={**os.environ, "CUSTODY_ADMIN_TOKEN": TOKEN})
    check = Check(f"http://127.0.0.1:{port}")
    try:
        wait("the server", lambda: urllib.request.urlopen(check.url + "/healthz", timeout=1).read())
        send_hostile(check, chosen.events)
        search_hostile(check, chosen.events)
        search_while_sending(check, chosen.events)
        if process.poll() is not None:
            check.complaints.append("the server ended by itself")
        else:
            with open(f"/proc/{process.pid}/status") as status:
                peak = next(int(line.split()[1]) >> 10 for line in status if line.startswith("VmHWM"))
            print(f"peak {peak} MiB")
            if peak > chosen.memory_mib:
                check.complaints.append(f"the server's peak is {peak} MiB, over {chosen.memory_mib}")
    finally:
        process.terminate()
        process.wait()
    verified = subprocess.run([chosen.program, "verify", data], capture_output=True, text=True)
    if verified.returncode:
        check.complaints.append("verify: " + (verified.stdout + verified.stderr)[-400:])
    if not chosen.keep:
        shutil.rmtree(data)
    for complaint in check.complaints:
        print(complaint)
    print("bounded, and every refusal had a reason" if not check.complaints else f"{len(check.complaints)} complaints")
    return 1 if check.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
