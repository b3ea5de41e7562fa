#!/usr/bin/env python3
"""Walks the pages of Custody with a headless Chromium, by mouse and then by keys alone, and looks at all of them.

    pages.py CUSTODY [PICTURES]

CUSTODY is the program; PICTURES a directory for screenshots of each page in both themes and three widths. Needs Debian's
`chromium` (CHROMIUM names another). First the five tasks of the first hour (page_tasks.py), timed, by mouse and on another new server
by keys alone; then everything else that pages do. Fails when a task cannot be done, when a page has an error in its console, asks
another server for anything or breaks its policy, when it is wider than the window, when text is too faint or a control has no name.
"""
from functools import partial
import datetime, http.server, json, os, socket, subprocess, sys, tempfile, threading, time, urllib.request

from browser import Browser
from custody_check import DELETION_RULE, call, wait
import page_tasks, page_times

TOKEN = "pages-check-0123456789-0123456789-0123456789"
WIDTHS = (360, 768, 1440)
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def events():
    """A day of a small company, what somebody hostile wrote, and some hits long ago."""
    now = datetime.datetime.now(datetime.timezone.utc)
    people, repos = ["mona", "hubot", "ada", "grace", "deploy-bot"], ["acme/api", "acme/web", "acme/infra"]
    acts = [("code.push", "success"), ("change.merge", "success"), ("pipeline.finish", "failure"), ("artifact.publish", "success"),
            ("secret.read", "denied"), ("deploy.finish", "success")]
    lines = []
    for number in range(600):
        action, outcome = acts[number * 7 % 11 % len(acts)]
        lines.append({
            "id": f"day-{number}", "time": (now - datetime.timedelta(seconds=number * number * 0.2 + 5)).isoformat(),
            "actor": people[number * 3 % 5], "action": action, "outcome": outcome, "repo": repos[number % 3],
            "resource": repos[number % 3], "ip": f"10.0.{number % 4}.{number % 50}",
            "user_agent": "git/2.47.1"})
    lines.append({"id": "hostile", "time": now.isoformat(), "actor": HOSTILE, "action": "code.push", "resource": HOSTILE, "repo": HOSTILE, "outcome": "failure"})
    for number in range(12):
        lines.append({"id": f"old-{number}", "time": f"2024-03-{number + 3:02}T10:00:00Z", "actor": "old-timer", "action": "code.push"})
    return "\n".join(json.dumps(line) for line in lines)


class Receiver:
    """Takes what destinations send, or refuses it."""

    def __init__(self):
        self.status, self.taken = 200, []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.status == 200:
                    receiver.taken.append(json.loads(body))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Site:
    """A new server, and what there is to know of it."""

    def __init__(self, program):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.ask = partial(call, self.url, token=TOKEN)
        self.directory = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        place = self.directory.name
        os.mkdir(place + "/rules")
        open(place + "/rules/r.yml", "w").write(DELETION_RULE)
        open(place + "/config.yml", "w").write(f"rules: [{place}/rules]\nverify_interval: 2\nallowed_targets: ['127.0.0.1']\n")
        self.process = subprocess.Popen(
            [program, "serve", "--data", place + "/data", "--guard", place + "/guard", "--listen", f"127.0.0.1:{port}",
             "--config", place + "/config.yml"],
            stdout=open(place + "/output", "w"), env={**os.environ, "CUSTODY_ADMIN_TOKEN": TOKEN})

    def __enter__(self):
        wait("Custody", lambda: urllib.request.urlopen(self.url + "/healthz", timeout=1).status == 200)
        words = wait("the set-up link", self.output)
        self.link = next(word for word in words if "/set-up?code=" in word).removeprefix(self.url)
        self.vkey = words[words.index("vkey") + 1]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.directory.cleanup()

    def output(self):
        text = open(self.directory.name + "/output").read()
        return text.split() if "/set-up?code=" in text else None

    def fill(self):
        self.ask("/v1/events?source=acme", events())
        self.ask("/v1/events?source=acme", '{"id":"gone","action":"repo.delete","actor":"eve","resource":"acme/api"}')
        wait("the events", lambda: self.ask("/v1/search?q=actor:mona%20source:acme")["stats"]["matched"] > 50)
        wait("the alert", self.deletion)

    def deletion(self):
        """The alert about the repository that was deleted; Custody's own acts raise others."""
        return next((alert["id"] for alert in self.ask("/v1/alerts")["alerts"] if alert["entity"] == "eve"), None)

    def packs(self, index):
        """Evidence of an event, and the same with one character of it changed."""
        request = urllib.request.Request(
            self.url + "/v1/export", headers={"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"},
            data=json.dumps({"q": f"index:{index} source.name:*", "since": "1678-01-01", "limit": 1}).encode())
        with urllib.request.urlopen(request) as answer:
            lines = answer.read().decode().splitlines()
        event = next(number for number, line in enumerate(lines) if number > 0 and '"groups"' in line)
        longest = max((part for part in lines[event].split('"')), key=len)
        middle = len(longest) // 2
        changed = longest[:middle] + ("A" if longest[middle] != "A" else "B") + longest[middle + 1:]
        tampered = lines[:event] + [lines[event].replace(longest, changed)] + lines[event + 1:]
        paths = [f"{self.directory.name}/{name}.evidence" for name in ("pack", "tampered")]
        for path, content in zip(paths, (lines, tampered)):
            open(path, "w").write("\n".join(content) + "\n")
        return paths


def exposed(browser, ask):
    """Were you hit? An old event comes, and is found when somebody asks again."""
    browser.click("nav [data-place=exposure]")
    browser.at("/exposure")
    browser.says("No sign of any, but no event here could rule one out.")
    ask("/v1/events?source=proxy", '{"id":"bad","time":"2018-10-10T10:00:00Z","action":"package.download","purl":"pkg:npm/flatmap-stream@0.1.1","actor":"ci-runner-1"}')
    wait("the package", lambda: ask("/v1/search?q=source.name:proxy&since=2018-01-01")["stats"]["matched"] == 1)
    browser.click("form[action='/exposure/check'] button")
    browser.says("Yes. Your events show event-stream")
    browser.says("What to do")
    browser.click("#tj-actions-2025 summary")
    browser.says("GHSA-mrrh-fwg8-r2c3")
    browser.click(".hit .what a")
    browser.says("pkg:npm/flatmap-stream@0.1.1")
    browser.click(".brand")
    browser.says("Your events show a known supply-chain incident: event-stream")


def destined(browser, ask, receiver):
    """A destination is added and tested; what it refuses is seen and sent again."""
    browser.click("nav [data-place=alerts]")
    browser.click("a[href='/destinations']")
    browser.at("/destinations")
    browser.says("Nobody is called yet")
    browser.click("a[href='/new-destination/webhook']")
    browser.at("/new-destination/webhook")
    browser.click("#name")
    browser.select_all()
    browser.type("siem")
    browser.click("#url")
    browser.type("ftp://127.0.0.1/")
    browser.expected_status.add(400)
    browser.click("main button[type=submit]")
    browser.says("needs an http or https URL")
    browser.expected_status.clear()
    browser.click("#url")
    browser.select_all()
    browser.type(receiver.url)
    browser.click("main button[type=submit]")
    browser.says("Added. The secret stands below, this once")
    browser.until("a secret", "document.getElementById('secret').textContent.startsWith('whsec_')")
    browser.click("form[action$='/test'] button")
    browser.says("The test message was taken.")
    wait("the test message", lambda: any(message["type"] == "test" for message in receiver.taken))
    receiver.status = 410
    ask("/v1/events?source=acme", '{"id":"gone-2","action":"repo.delete","actor":"trudy","resource":"acme/web"}')
    wait("what was given up", lambda: ask("/v1/notifications?destination=siem")["notifications"])
    browser.open("/destinations")
    browser.says("gave up")
    browser.click("a[href='/destinations/siem']")
    browser.says("The receiver answered 410 Gone.")
    receiver.status = 200
    browser.click(".listed form button")
    wait("the message", lambda: any("trudy" in json.dumps(message) for message in receiver.taken))
    browser.until("nothing given up", "document.readyState === 'complete' && document.body.innerText.includes('Nothing. What is not taken')")


def by_mouse(browser, ask, site, receiver):
    browser.expected_status.add(410)
    browser.open(site.link)
    browser.says("This link was used already")
    browser.expected_status.clear()
    exposed(browser, ask)
    destined(browser, ask, receiver)

    # Search: facet, histogram by click and by drawing, the error in place, wider when there is nothing.
    browser.click("nav [data-place=search]")
    browser.at("/search")
    browser.says("failed or denied")
    browser.click("a.include[title=denied]")
    browser.until("the query in the box", "document.getElementById('q').value.includes('outcome:denied')")
    browser.open("/search?counts=all")
    box = browser.evaluate("(() => { const b = document.querySelector('#histogram svg').getBoundingClientRect(); return [b.x, b.y, b.width, b.height] })()")
    middle = box[1] + box[3] / 2
    browser.drag((box[0] + box[2] * 0.5, middle), (box[0] + box[2] * 0.95, middle))
    browser.until("a drawn span", "new URLSearchParams(location.search).has('until')")
    browser.expected_status.add(400)
    browser.open("/search?q=actro%3Amona")
    browser.says("Did you mean actor?")
    browser.click(".notice a")
    browser.until("the right query", "document.getElementById('q').value === 'actor:mona'")
    browser.expected_status.clear()
    # What is hostile is text.
    browser.open("/search?q=action%3Acode.push+outcome%3Afailure&since=-1h")
    browser.says("<script>alert(1)</script>")
    browser.click(".what a")
    browser.says("<img src=x onerror=alert(1)>")

    # A checkpoint that this server does not extend: history would have been rewritten.
    memory = browser.evaluate("(() => { const k = Object.keys(localStorage).find((k) => k.startsWith('custody.verify/')); return [k, localStorage.getItem(k)] })()")
    forged = json.loads(memory[1])
    forged["size"], forged["root"] = str(int(forged["size"]) - 1), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    browser.evaluate(f"localStorage.setItem({json.dumps(memory[0])}, {json.dumps(json.dumps(forged))})")
    browser.open("/integrity")
    browser.says("history was rewritten")
    browser.evaluate(f"localStorage.setItem({json.dumps(memory[0])}, {json.dumps(memory[1])})")

    # Live tail.
    browser.click("nav [data-place=tail]")
    browser.says("Following.")
    ask("/v1/events?source=acme", '{"action":"deploy.start","actor":"tailed"}')
    browser.says("tailed")
    browser.click("#pause")
    ask("/v1/events?source=acme", '{"action":"deploy.start","actor":"while-paused"}')
    browser.says("1 waiting")
    browser.click("#pause")
    browser.says("while-paused")

    # Alerts.
    browser.open(f"/alerts/{site.deletion()}")
    browser.click("form[action$='/ack'] button")
    browser.says("acknowledged")
    browser.click("input[value=benign]")
    browser.click("#closing")
    browser.type("planned")
    browser.click("form[action$='/close'] button")
    browser.says("Reopen")

    # Theme and signing out.
    browser.open("/you")
    browser.click("input[value=dark]")
    browser.click("form[action='/you/settings'] button")
    browser.until("the dark theme", "document.documentElement.dataset.theme === 'dark'")
    browser.click("input[name=theme][value='']")
    browser.click("form[action='/you/settings'] button")
    browser.until("the system's theme", "!('theme' in document.documentElement.dataset) && document.readyState === 'complete'")
    browser.click(".corner form button")
    browser.says("You are signed out.")


def by_keys(browser, alert):
    browser.go("/search?q=outcome%3Afailure")
    browser.at("/sign-in")
    browser.until("the focus", "document.activeElement.id === 'token'")
    browser.type("wrong")
    browser.expected_status.add(401)
    browser.key("Enter")
    browser.says("This token is not known.")
    browser.expected_status.clear()
    browser.until("the focus", "document.activeElement.id === 'token'")
    browser.type(TOKEN)
    browser.key("Enter")
    browser.at("/search")
    browser.until("where one wanted to go", "document.getElementById('q').value === 'outcome:failure'")
    browser.key("Tab")
    assert browser.focused() == "Skip to the content", browser.focused()
    browser.key("Enter")
    browser.until("the content", "location.hash === '#main'")
    # A key to the box, completion of a name and of a value, a search.
    browser.key("/")
    browser.until("the box", "document.activeElement.id === 'q'")
    browser.evaluate("document.getElementById('q').value = ''")
    browser.type("acto")
    browser.until("candidates", "!document.getElementById('candidates').hidden")
    browser.choose("actor:")
    browser.key("Tab")
    browser.until("the name", "document.getElementById('q').value === 'actor:'")
    browser.until("values", "[...document.querySelectorAll('#candidates li')].some((item) => item.textContent === 'mona')")
    browser.type("mon")
    browser.until("fewer values", "document.querySelectorAll('#candidates li').length === 1")
    browser.key("ArrowDown")
    browser.key("Enter")
    browser.until("the value", "document.getElementById('q').value === 'actor:mona '")
    browser.key("Enter")
    browser.until("the search", "new URLSearchParams(location.search).get('q')?.trim() === 'actor:mona' && document.readyState === 'complete'")
    # Out of the box, bars by arrow keys, rows by j and k.
    browser.evaluate("document.activeElement.blur()")
    browser.key("j")
    browser.key("j")
    browser.key("k")
    browser.until("a row", "document.activeElement.closest('[data-row]') === document.querySelector('[data-row]')")
    browser.key("Enter")
    browser.until("an event", "location.pathname.startsWith('/events/') && document.readyState === 'complete'")
    browser.key("?")
    browser.until("the list of keys", "document.getElementById('help').open")
    browser.key("Escape")
    browser.until("no list", "!document.getElementById('help').open")
    browser.key("e")
    browser.until("the payload", "location.search === '?show=payload' && document.readyState === 'complete'")
    browser.open("/search?counts=all")
    browser.evaluate("document.querySelector('#histogram a[tabindex=\"0\"]').focus()")
    browser.key("ArrowRight")
    browser.until("the second bar", "document.activeElement === document.querySelectorAll('#histogram a')[1]")
    browser.key("Enter")
    browser.until("one bar's span", "new URLSearchParams(location.search).has('since') && document.readyState === 'complete'")
    browser.open("/alerts?status=closed")
    browser.key("j")
    browser.key("Enter")
    browser.at(f"/alerts/{alert}")
    browser.evaluate("document.querySelector('#reason').focus()")
    browser.type("again")
    browser.tab_to("Reopen")
    browser.key("Enter")
    browser.says("reopened")


def look(browser, pages, pictures):
    wrong = []
    for name, path in pages:
        browser.expected_status.update({400, 404, 410})
        for theme in ("light", "dark"):
            for width in WIDTHS:
                browser.size(width, 900, theme)
                browser.open(path)
                time.sleep(0.15)
                where = f"{name}, {theme}, {width}"
                over = browser.evaluate("document.scrollingElement.scrollWidth - innerWidth")
                if over > 0:
                    wrong.append(f"{where}: {over} pixels wider than the window")
                wrong += [f"{where}: faint: {text}" for text in browser.faint()]
                if pictures:
                    browser.picture(f"{pictures}/{name}-{theme}-{width}.png", whole=width == 1440 or width == 360)
            wrong += [f"{name}: no name: {text}" for text in browser.nameless()]
        browser.expected_status.clear()
    return wrong


def sign_in(browser):
    """Whatever happened before, somebody is signed in afterwards."""
    browser.go("/you")
    browser.until("a page", "['/you', '/sign-in'].includes(location.pathname) && document.readyState === 'complete'")
    if browser.evaluate("location.pathname") == "/sign-in":
        browser.click("#token")
        browser.type(TOKEN)
        browser.key("Enter")
        browser.at("/you")


def tasks_by_keys(program):
    """The five tasks on a new server, without a mouse."""
    with Site(program) as site:
        browser = Browser(site.url)
        try:
            browser.size(1440)
            wrong = page_tasks.run(browser, page_tasks.Keys(browser), site)
            return wrong + [f"by keys: {text}" for text in browser.complaints]
        finally:
            browser.close()


def main():
    program, pictures = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    if pictures:
        os.makedirs(pictures, exist_ok=True)
    wrong = tasks_by_keys(program)
    with Site(program) as site:
        ask, browser = site.ask, Browser(site.url)
        receiver = Receiver()
        try:
            browser.size(1440)
            wrong += page_tasks.run(browser, page_tasks.Mouse(browser), site)
            alert = site.deletion()
            for name, rest in (("mouse", partial(by_mouse, browser, ask, site, receiver)), ("keys", partial(by_keys, browser, alert))):
                try:
                    rest()
                    print(f"the rest by {name}: done", flush=True)
                except (SystemExit, AssertionError) as error:
                    # The pictures are worth their time all the same.
                    wrong.append(f"the rest by {name}: {error}")
            browser.expected_status.clear()
            sign_in(browser)
            # Something refused and something that waits, for the pictures.
            receiver.status = 410
            ask("/v1/destinations", json.dumps({"name": "chat", "kind": "slack", "url": "https://hooks.example.invalid/services/T/B/X"}))
            ask("/v1/events?source=acme", '{"id":"gone-3","action":"repo.delete","actor":"oscar","resource":"acme/web"}')
            wait("what was given up", lambda: ask("/v1/notifications?destination=siem")["notifications"])
            event = ask("/v1/search?q=actor:mona%20outcome:denied")["events"][0]["index"]
            pages = [
                ("home", "/"), ("search", "/search?counts=all"), ("search-error", "/search?q=actro%3Amona"),
                ("search-nothing", "/search?q=actor%3Aold-timer&since=-1h"),
                ("search-table", "/search?q=%2A+%7C+stats+count%2C+dcount%28ip%29+by+actor"), ("tail", "/tail"),
                ("event", f"/events/{event}?show=payload"), ("alerts", "/alerts?status=all"), ("alert", f"/alerts/{alert}"),
                ("exposure", "/exposure"), ("exposure-open", "/exposure#tj-actions-2025"),
                ("destinations", "/destinations"), ("destination", "/destinations/siem"), ("new-destination", "/new-destination/email"),
                ("sources", "/sources"), ("connect", "/connect"), ("connect-form", "/connect/anything"),
                ("source", "/sources/github-organisation"),
                ("integrity", "/integrity"), ("verify", "/verify"), ("you", "/you"), ("set-up-used", site.link),
                ("not-found", "/nothing")]
            wrong += page_times.report(page_times.measure(site.url, TOKEN, rounds=5), 1_000)
            wrong += look(browser, pages, pictures)
            browser.evaluate("document.querySelector('.corner form').submit()")
            browser.at("/sign-in")
            wrong += look(browser, [("sign-in", "/sign-in")], pictures)
            wrong += browser.complaints
            for text in wrong:
                print(text)
            print(f"{len(pages) + 1} pages looked at in two themes and three widths; {len(wrong)} complaints")
            sys.exit(1 if wrong else 0)
        finally:
            browser.close()


main()
