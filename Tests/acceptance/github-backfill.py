#!/usr/bin/env python3
"""How long the first reading of a GitHub organisation takes: thirty days of workflow runs and their jobs, from a stand-in of GitHub's API.

    github-backfill.py CUSTODY [--events 100000] [--limit 300]

CUSTODY is the program. The stand-in answers as GitHub documents it (pages of 100, Link, ETag, the thousand results that a search by time
shows) and shares the machine. Exit 1 when events are missing or doubled, or when it took longer than the limit in seconds.
"""
import argparse, bisect, datetime, hashlib, json, os, re, subprocess, tempfile, threading, time, urllib.parse, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from custody_check import call, wait

TOKEN = "backfill-check-0123456789-0123456789"
JOBS = 4
REPOSITORIES = [f"acorn/r{number}" for number in range(4)]


def text(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def run(repository, identifier, created):
    url = f"https://github.com/{repository}/actions/runs/{identifier}"
    person = {"login": "mira", "id": 301, "type": "User"}
    return {"id": identifier, "name": "ship", "head_branch": "main", "head_sha": "%040x" % identifier, "path": ".github/workflows/ship.yml",
            "run_number": identifier, "event": "push", "status": "completed", "conclusion": "success", "workflow_id": 551, "html_url": url,
            "pull_requests": [], "created_at": text(created), "updated_at": text(created + 90), "run_started_at": text(created), "actor": person,
            "triggering_actor": person, "run_attempt": 1,
            "jobs_url": f"https://api.github.com/repos/{repository}/actions/runs/{identifier}/jobs", "repository": {"id": 7001, "full_name": repository, "owner": {"login": "acorn", "id": 41}}}


def job(repository, identifier, number, created):
    api = f"https://api.github.com/repos/{repository}/actions"
    return {"id": identifier * 100 + number, "run_id": identifier, "run_url": f"{api}/runs/{identifier}",
            "url": f"{api}/jobs/{identifier * 100 + number}", "workflow_name": "ship", "head_branch": "main", "run_attempt": 1,
            "head_sha": "%040x" % identifier, "html_url": f"https://github.com/{repository}/actions/runs/{identifier}/job/{number}",
            "status": "completed", "conclusion": "success", "created_at": text(created), "started_at": text(created),
            "completed_at": text(created + 60 + number), "name": f"job {number}", "steps": [], "labels": ["linux"], "runner_name": "shed-2"}


class GitHub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    created, requests = {}, 0

    def log_message(self, *words):
        pass

    def do_GET(self):
        GitHub.requests += 1
        address = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(address.query))
        path = address.path.removeprefix("/api/v3")
        items, member = self.found(path, query)
        if items is None:
            return self.answer(404, {"message": "Not Found"})
        size, number = int(query.get("per_page", 30)), int(query.get("page", 1))
        shown = items[(number - 1) * size:number * size]
        link = None
        if number * size < len(items):
            following = urllib.parse.urlencode({**query, "page": number + 1})
            link = f'<http://{self.headers["Host"]}{address.path}?{following}>; rel="next"'
        shown = [build() for build in shown]
        self.answer(200, {"total_count": len(items), member: shown} if member else shown, link)

    def found(self, path, query):
        """The items of a path, as functions that make them, and the member that holds them."""
        if path == "/orgs/acorn/repos":
            return [lambda name=name: {"full_name": name, "private": True} for name in REPOSITORIES], None
        match = re.fullmatch(r"/repos/(acorn/r\d)/actions/runs", path)
        if match:
            times = GitHub.created[match[1]]
            low, high = 0, len(times)
            if "created" in query:
                first, last = (datetime.datetime.fromisoformat(part.replace("Z", "+00:00")).timestamp() for part in query["created"].split(".."))
                low, high = bisect.bisect_left(times, first), bisect.bisect_right(times, last)
            if query.get("status", "completed") != "completed":
                low, high = 0, 0
            base = identifier_of(match[1], 0)
            items = [lambda place=place: run(match[1], base + place, times[place]) for place in reversed(range(low, high))]
            return (items[:1000] if "created" in query else items), "workflow_runs"
        match = re.fullmatch(r"/repos/(acorn/r\d)/actions/runs/(\d+)(?:/attempts/1)?/jobs", path)
        if match:
            place = int(match[2]) - identifier_of(match[1], 0)
            return [lambda number=number: job(match[1], int(match[2]), number, GitHub.created[match[1]][place]) for number in range(JOBS)], "jobs"
        return None, None

    def answer(self, status, value, link=None):
        body = json.dumps(value).encode()
        etag = '"' + hashlib.sha1(body).hexdigest() + '"'
        if status == 200 and self.headers.get("If-None-Match") == etag:
            status, body = 304, b""
        self.send_response(status)
        headers = {"Content-Type": "application/json", "Content-Length": len(body), "ETag": etag, "X-RateLimit-Limit": 1000000,
                   "X-RateLimit-Remaining": 999999, "X-RateLimit-Reset": int(time.time()) + 3600, "X-RateLimit-Resource": "core",
                   **({"Link": link} if link else {})}
        for name, content in headers.items():
            self.send_header(name, str(content))
        self.end_headers()
        self.wfile.write(body)


def identifier_of(repository, place):
    return (REPOSITORIES.index(repository) + 1) * 1_000_000 + place


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--limit", type=float, default=300)
    options = parser.parse_args()
    runs = options.events // (len(REPOSITORIES) * (1 + JOBS))
    now = int(time.time())
    for repository in REPOSITORIES:
        GitHub.created[repository] = [now - 29 * 86_400 + place * 28 * 86_400 // runs for place in range(runs)]
    github = ThreadingHTTPServer(("127.0.0.1", 0), GitHub)
    github.daemon_threads = True
    threading.Thread(target=github.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{os.environ.get('CUSTODY_PORT', '25380')}"
    with tempfile.TemporaryDirectory() as directory:
        open(directory + "/token", "w").write("ghp_standin0123456789\n")
        environment = {**os.environ, "CUSTODY_ADMIN_TOKEN": TOKEN, "CUSTODY_TOKEN": TOKEN, "CUSTODY_URL": url, "XDG_STATE_HOME": directory}
        server = subprocess.Popen([options.program, "serve", "--data", directory + "/data", "--guard", directory + "/guard",
                                   "--listen", url.removeprefix("http://")], stdout=subprocess.DEVNULL, env=environment)
        try:
            wait("the server", lambda: urllib.request.urlopen(url + "/healthz"))
            begin = time.time()
            call(url, "/v1/sources", '{"name": "acorn", "connector": "github-webhook"}', TOKEN)
            subprocess.run([options.program, "source", "connect", "acorn", "--github-organization", "acorn", "--github-token-file",
                            directory + "/token", "--github-api", f"http://127.0.0.1:{github.server_port}/api/v3", "--github-streams", "runs,jobs"],
                           check=True, env=environment, stdout=subprocess.DEVNULL)

            def count():
                rows = call(url, "/v1/search?since=2000-01-01&q=" + urllib.parse.quote("source:acorn | stats count"), token=TOKEN)["rows"]
                return rows[0][0] if rows else 0
            wanted = runs * len(REPOSITORIES) * (1 + JOBS)
            deadline = begin + 4 * options.limit
            while count() < wanted and time.time() < deadline:
                time.sleep(0.5)
            took = time.time() - begin
            time.sleep(3)
            print(f"{count()} of {wanted} events in {took:.1f} s, {GitHub.requests} requests")
            assert count() == wanted
            assert took <= options.limit, f"longer than {options.limit} s"
        finally:
            server.terminate()
            server.wait()


main()
