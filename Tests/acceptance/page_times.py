#!/usr/bin/env python3
"""Measures how long a running server takes for each of its pages.

    page_times.py URL TOKEN [--limit MILLISECONDS] [--rounds N]

URL is the server's, TOKEN one of scope `admin`. Says for each page the first time, the median and the worst of all rounds; the
client's own part of it is measured by /healthz. Exit 1 when a median is above the limit (200), or when a page is an error.
"""
import argparse, http.client, json, statistics, time, urllib.parse, urllib.request


def ask(url, path, token):
    request = urllib.request.Request(url + path, headers={"Authorization": "Bearer " + token, "Accept": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def pages(url, token):
    """All pages, with a real event, alert, source and destination where there is one."""
    def first(path, *names):
        try:
            found = ask(url, path, token)
            for name in names:
                found = found[name]
            return found
        except (LookupError, OSError):
            return None

    found = [
        ("home", "/"), ("search", "/search"), ("search failures", "/search?q=outcome%3Afailure"),
        ("search a word, 7 days", "/search?q=delete&since=-7d"), ("search everything", "/search?since=1970-01-01"),
        ("search nothing here", "/search?q=actor%3Anobody-of-that-name&since=-15m"),
        ("search table", "/search?q=%2A+%7C+top+10+actor&since=1970-01-01"), ("search error", "/search?q=actro%3Amona"),
        ("tail", "/tail"), ("alerts", "/alerts"), ("all alerts", "/alerts?status=all"), ("exposure", "/exposure"),
        ("destinations", "/destinations"), ("new destination", "/new-destination/slack"), ("sources", "/sources"),
        ("connect", "/connect"), ("connect form", "/connect/github-organisation"), ("integrity", "/integrity"),
        ("verify", "/verify"), ("you", "/you"), ("sign in", "/sign-in"), ("not found", "/nothing")]
    event = first("/v1/search?since=1970-01-01&limit=1", "events", 0, "index")
    if event is not None:
        found += [("event", f"/events/{event}"), ("event with payload", f"/events/{event}?show=payload")]
    alert = first("/v1/alerts?status=all&limit=1", "alerts", 0, "id")
    if alert:
        found.append(("alert", "/alerts/" + urllib.parse.quote(alert, safe="")))
    source = first("/v1/sources", "sources", -1, "name")
    if source:
        found.append(("source", "/sources/" + urllib.parse.quote(source, safe="")))
    destination = first("/v1/destinations", "destinations", 0, "name")
    if destination:
        found.append(("destination", "/destinations/" + urllib.parse.quote(destination, safe="")))
    return found


def measure(url, token, rounds=7):
    """For each page: name, status, milliseconds of each round."""
    place = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    connection = kind(place.hostname, place.port, timeout=60)
    results = []
    for name, path in [("the client's own part", "/healthz")] + pages(url, token):
        taken, status = [], 0
        for _ in range(rounds):
            start = time.monotonic()
            connection.request("GET", path, headers={"Authorization": "Bearer " + token, "Accept": "text/html"})
            answer = connection.getresponse()
            answer.read()
            status = answer.status
            taken.append((time.monotonic() - start) * 1000)
        results.append((name, status, taken))
    connection.close()
    return results


def report(results, limit):
    """Prints them; returns the names of those that are too slow or failed."""
    wrong = []
    print(f"{'page':24}{'first':>9}{'median':>9}{'worst':>9}  ms")
    for name, status, taken in results:
        median = statistics.median(taken)
        print(f"{name:24}{taken[0]:9.1f}{median:9.1f}{max(taken):9.1f}")
        if median > limit:
            wrong.append(f"{name}: {median:.0f} ms, more than {limit}")
        if status >= 500:
            wrong.append(f"{name}: answered {status}")
    return wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("token")
    parser.add_argument("--limit", type=float, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    failures = report(measure(given.url.rstrip("/"), given.token, given.rounds), given.limit)
    for text in failures:
        print(text)
    raise SystemExit(1 if failures else 0)
