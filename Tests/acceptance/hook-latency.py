#!/usr/bin/env python3
"""How long a webhook's delivery takes until it is acknowledged, that is verified, sealed and durable, at a steady rate.

    hook-latency.py CUSTODY [--rate 1000] [--seconds 15] [--limit 25]

CUSTODY is the program. Signed deliveries of GitHub's kind come one by one over kept connections; a delivery that has to wait for its turn counts from
the moment at which it was due. Client and server share the machine. Exit 1 when one is not taken, or when the 99th
of a hundred took longer than the limit in milliseconds.
"""
import argparse, hashlib, hmac, http.client, json, os, queue, subprocess, tempfile, threading, time, urllib.request
from custody_check import call, wait

TOKEN = "hook-check-0123456789-0123456789"
SECRET = "hook-check-secret-0123456789"
PROCESSES = 2


def delivery(number):
    body = json.dumps({
        "ref": "refs/heads/main", "before": "%040x" % number, "after": "%040x" % (number + 1), "created": False, "deleted": False, "forced": False,
        "repository": {"id": number % 50, "name": f"r{number % 50}", "full_name": f"acme/r{number % 50}", "private": True, "owner": {"login": "acme", "id": 1}},
        "pusher": {"name": f"p{number % 200}"}, "sender": {"login": f"p{number % 200}", "id": number % 200, "type": "User"},
        "head_commit": {"id": "%040x" % (number + 1), "message": "change " + "x" * 200, "timestamp": "2026-11-20T10:00:00Z"}, "commits": []}).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return body, {"Content-Type": "application/json", "X-GitHub-Event": "push", "X-GitHub-Delivery": f"{os.getpid()}-{number}",
                  "X-Hub-Signature-256": "sha256=" + signature}


def send(port, rate, seconds, results):
    """One process's share, over four connections."""
    deliveries = [delivery(number) for number in range(int(rate * seconds))]
    work, times = queue.Queue(), []

    def sender():
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.connect()
        while (item := work.get()) is not None:
            due, (body, headers) = item
            connection.request("POST", "/v1/hooks/acme", body, headers)
            answer = connection.getresponse()
            answer.read()
            times.append((time.perf_counter() - due) * 1000 if answer.status == 200 else float("inf"))
    threads = [threading.Thread(target=sender) for _ in range(4)]
    for thread in threads:
        thread.start()
    begin = time.perf_counter() + 0.2
    for number, each in enumerate(deliveries):
        due = begin + number / rate
        if (pause := due - time.perf_counter()) > 0:
            time.sleep(pause)
        work.put((due, each))
    for _ in threads:
        work.put(None)
    for thread in threads:
        thread.join()
    results.put((times, time.perf_counter() - begin))


def main():
    import multiprocessing
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--limit", type=float, default=25)
    options = parser.parse_args()
    port = int(os.environ.get("CUSTODY_PORT", "25480"))
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as directory:
        server = subprocess.Popen([options.program, "serve", "--data", directory + "/data", "--guard", directory + "/guard", "--listen",
                                   f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL, env={**os.environ, "CUSTODY_ADMIN_TOKEN": TOKEN})
        try:
            wait("the server", lambda: urllib.request.urlopen(url + "/healthz"))
            call(url, "/v1/sources", json.dumps({"name": "acme", "connector": "github-webhook", "secret": SECRET}), TOKEN)
            results = multiprocessing.Queue()
            processes = [multiprocessing.Process(target=send, args=(port, options.rate / PROCESSES, options.seconds, results)) for _ in range(PROCESSES)]
            for process in processes:
                process.start()
            shares = [results.get() for _ in processes]
            for process in processes:
                process.join()
        finally:
            server.terminate()
            server.wait()
    times = sorted(sum((share[0] for share in shares), []))
    quantile = lambda part: times[min(len(times) - 1, int(part * len(times)))]
    print(f"{len(times)} deliveries at {len(times) / max(share[1] for share in shares):,.0f} a second: p50 {quantile(.5):.1f} ms, p95 {quantile(.95):.1f} ms, "
          f"p99 {quantile(.99):.1f} ms, most {times[-1]:.1f} ms")
    assert times[-1] != float("inf"), "a delivery was not taken"
    assert quantile(.99) <= options.limit, f"p99 is above {options.limit} ms"


main()
