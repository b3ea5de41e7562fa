#!/usr/bin/env python3
"""How long it takes from the receipt of an event to its alert in the database, while other events come at a steady rate.

    alert-latency.py CUSTODY EVENTS.ndjson [--rate 20000] [--seconds 20] [--rules DIR] [--reload-every 2] [--limit 200]

CUSTODY is the program, EVENTS any NDJSON of at least some thousand events (sent again and again under other sources). Ten times a
second a probe goes along whose alert is compared with it: `created` of the alert minus `received` of the event, both by the
server's clock. Prints the quantiles in milliseconds and the rate that was reached; exit 1 when p99 is above the limit. Client and server share the machine.

With --rules the rules of DIR are in force beside the shipped ones; with --reload-every all rules are read again every so many
seconds, and how long each time took is printed too: every probe must have its one alert all the same.
"""
import argparse, json, os, queue, subprocess, tempfile, threading, time, urllib.error, urllib.request

TOKEN = "latency-check-0123456789-0123456789-0123456789"
RULE = """title: Probe
id: 3c1f0b1e-6a57-4f0e-9d55-0d1c9b7f0a0a
status: stable
level: high
logsource: {category: supply_chain}
detection:
    s: {custody.action: latency.probe}
    condition: s
"""
BATCH = 500


def call(url, path, body=None):
    request = urllib.request.Request(url + path, data=body, headers={"Authorization": "Bearer " + TOKEN})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def push(url, path, body):
    """Sends until it is taken: a server that is asked for too much says 429."""
    while True:
        try:
            return call(url, path, body)["accepted"]
        except urllib.error.HTTPError as error:
            if error.code != 429:
                raise
            time.sleep(0.2)


def nanoseconds(text):
    head, _, fraction = text.rstrip("Z").partition(".")
    seconds = time.mktime(time.strptime(head, "%Y-%m-%dT%H:%M:%S"))
    return int(seconds) * 10**9 + int((fraction + "000000000")[:9])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("events")
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--limit", type=float, default=200)
    parser.add_argument("--rules")
    parser.add_argument("--reload-every", type=float)
    options = parser.parse_args()
    port = int(os.environ.get("CUSTODY_PORT", "18690"))
    url = f"http://127.0.0.1:{port}"
    with open(options.events, "rb") as file:
        lines = [line for _, line in zip(range(400_000), file)]
    bodies = [b"".join(lines[start:start + BATCH]) for start in range(0, len(lines) - BATCH, BATCH)]
    with tempfile.TemporaryDirectory() as directory:
        os.mkdir(directory + "/rules")
        open(directory + "/rules/r.yml", "w").write(RULE)
        rules = [directory + "/rules"] + ([os.path.abspath(options.rules)] if options.rules else [])
        open(directory + "/config.yml", "w").write(f"rules: [{', '.join(rules)}]\n")
        custody = subprocess.Popen(
            [options.program, "serve", "--data", directory + "/data", "--listen", f"127.0.0.1:{port}", "--config",
             directory + "/config.yml"], stdout=subprocess.DEVNULL, env={**os.environ, "CUSTODY_ADMIN_TOKEN": TOKEN})
        try:
            for _ in range(200):
                try:
                    urllib.request.urlopen(url + "/healthz", timeout=1)
                    break
                except OSError:
                    time.sleep(0.1)
            work, sent = queue.Queue(), []

            def send():
                while True:
                    item = work.get()
                    if item is None:
                        return
                    number, body = item
                    sent.append(push(url, f"/v1/events?source=load-{number // len(bodies)}", body))

            reloads, ended = [], threading.Event()

            def reload():
                while not ended.wait(options.reload_every):
                    start = time.time()
                    in_force = len(call(url, "/v1/rules/reload", b"")["rules"])
                    reloads.append((time.time() - start, in_force))

            threads = [threading.Thread(target=send) for _ in range(4)]
            reloader = threading.Thread(target=reload) if options.reload_every else None
            if reloader:
                reloader.start()
            for thread in threads:
                thread.start()
            begin = time.time()
            interval, probes = BATCH / options.rate, 0
            for number in range(options.seconds * options.rate // BATCH):
                pause = begin + number * interval - time.time()
                if pause > 0:
                    time.sleep(pause)
                body = bodies[number % len(bodies)]
                if number * interval * 10 >= probes:
                    body += b'{"action":"latency.probe","actor":"probe-%d"}\n' % probes
                    probes += 1
                work.put((number, body))
            for _ in threads:
                work.put(None)
            for thread in threads:
                thread.join()
            took = time.time() - begin
            ended.set()
            if reloader:
                reloader.join()
            time.sleep(2)
            found, cursor = [], ""
            while cursor is not None:
                page = call(url, f"/v1/alerts?rule=3c1f0b1e-6a57-4f0e-9d55-0d1c9b7f0a0a&limit=1000&cursor={cursor}")
                found += page["alerts"]
                cursor = page.get("cursor")
            delays = []
            for alert in found:
                index = call(url, f"/v1/alerts/{alert['id']}")["evidence"][0]
                received = call(url, f"/v1/events/{index}")["received"]
                delays.append((nanoseconds(alert["created"]) - nanoseconds(received)) / 1e6)
            delays.sort()
            quantile = lambda share: delays[min(len(delays) - 1, int(share * len(delays)))]
            print(f"events per second {sum(sent) / took:,.0f}; probes {probes}, alerts {len(found)}; "
                  f"p50 {quantile(.5):.1f} ms, p95 {quantile(.95):.1f} ms, p99 {quantile(.99):.1f} ms, most {delays[-1]:.1f} ms")
            if reloads:
                print(f"{len(reloads)} reloads of {reloads[-1][1]} rules, the longest {max(reloads)[0] * 1000:.0f} ms")
            assert len(found) == probes
            assert quantile(.99) <= options.limit, f"p99 is above {options.limit} ms"
            assert not options.reload_every or max(reloads)[0] < 2
        finally:
            custody.terminate()
            custody.wait()


main()
