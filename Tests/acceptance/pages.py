#!/usr/bin/env python3
"""Walks the pages of Custody with a headless Chromium, by mouse and then by keys alone, and looks at all of them.

    pages.py CUSTODY [PICTURES]

CUSTODY is the program; PICTURES a directory for screenshots of each page in both themes and three widths. Needs Debian's
`chromium` (CHROMIUM names another). Fails when a task cannot be done, when a page has an error in its console, asks another
server for anything or breaks its policy, when it is wider than the window, when text is too faint or a control has no name.
"""
from functools import partial
import datetime, json, os, socket, subprocess, sys, tempfile, time, urllib.error, urllib.request

from browser import Browser
from custody_check import DELETION_RULE, call, wait

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


def deletion(ask):
    """The alert about the repository that was deleted; Custody's own acts raise others."""
    return next(alert["id"] for alert in ask("/v1/alerts")["alerts"] if alert["entity"] == "eve")


def by_mouse(browser, ask, link, vkey):
    browser.open(link)
    browser.says("This link makes you the first administrator.")
    browser.click("#name")
    browser.type("Ada Lovelace")
    browser.click("main button")
    browser.at("/")
    browser.says("What to do next")
    browser.expected_status.add(410)
    browser.open(link)
    browser.says("This link was used already")
    browser.expected_status.clear()

    ask("/v1/events?source=acme", events())
    ask("/v1/events?source=acme", '{"id":"gone","action":"repo.delete","actor":"eve","resource":"acme/api"}')
    wait("the events", lambda: ask("/v1/search?q=actor:mona")["stats"]["matched"] > 50)

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
    browser.open("/search?q=actor%3Aold-timer&since=-1h")
    browser.says("in March 2024.")
    browser.click(".empty .button")
    browser.until("the old events", "document.querySelectorAll('[data-row]').length === 12")

    # What is hostile is text.
    browser.open("/search?q=action%3Acode.push+outcome%3Afailure&since=-1h")
    browser.says("<script>alert(1)</script>")
    browser.click(".what a")
    browser.says("<img src=x onerror=alert(1)>")

    # The key is remembered, then an event verified with it.
    browser.open("/integrity")
    browser.says("This browser does not know the ledger's key yet.")
    browser.click("#vkey")
    browser.type(vkey.replace("+", "+x", 1))
    browser.click("#pin-form button[type=submit]")
    browser.says("Not remembered")
    browser.evaluate("document.getElementById('vkey').value = ''")
    browser.click("#vkey")
    browser.type(vkey)
    browser.click("#pin-form button[type=submit]")
    browser.says("signed with the remembered key")
    browser.open("/search?q=actor%3Amona")
    browser.click(".what a")
    browser.until("the button", "!document.getElementById('verify')?.hidden")
    browser.click("#verify")
    browser.says("signed with the key that this browser remembers")
    browser.click("a[data-key=e]")
    browser.says("byte for byte")
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
    browser.click("nav [data-place=alerts]")
    browser.says("Repository deleted")
    browser.click(f"[data-row] a[href='/alerts/{deletion(ask)}']")
    browser.says("Ask who did it.")
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


def times(url, name, path):
    """Says how long a page takes, the request included."""
    request = urllib.request.Request(url + path, headers={"Authorization": "Bearer " + TOKEN, "Accept": "text/html"})
    taken = []
    for _ in range(5):
        start = time.monotonic()
        try:
            urllib.request.urlopen(request).read()
        except urllib.error.HTTPError as error:
            error.read()
        taken.append(time.monotonic() - start)
    print(f"{name}: {sorted(taken)[2] * 1000:.0f} ms")


def main():
    program, pictures = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    ask = partial(call, url, token=TOKEN)
    if pictures:
        os.makedirs(pictures, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        os.mkdir(directory + "/rules")
        open(directory + "/rules/r.yml", "w").write(DELETION_RULE)
        open(directory + "/config.yml", "w").write(f"rules: [{directory}/rules]\nverify_interval: 2\n")
        output = open(directory + "/output", "w+")
        custody = subprocess.Popen(
            [program, "serve", "--data", directory + "/data", "--guard", directory + "/guard", "--listen", f"127.0.0.1:{port}",
             "--config", directory + "/config.yml"],
            stdout=output, env={**os.environ, "CUSTODY_ADMIN_TOKEN": TOKEN})
        browser = None
        try:
            wait("Custody", lambda: urllib.request.urlopen(url + "/healthz", timeout=1).status == 200)
            said = wait("the set-up link", lambda: (text := open(directory + "/output").read()) if "/set-up?code=" in open(directory + "/output").read() else None)
            words = said.split()
            link = next(word for word in words if "/set-up?code=" in word).removeprefix(url)
            vkey = words[words.index("vkey") + 1]
            browser = Browser(url)
            browser.size(1440)
            by_mouse(browser, ask, link, vkey)
            print("by mouse: done")
            alert, wrong = deletion(ask), []
            try:
                by_keys(browser, alert)
                print("by keys: done")
            except (SystemExit, AssertionError) as error:
                # The pictures are worth their time all the same.
                print(f"by keys: {error}")
                wrong.append(f"by keys: {error}")
            event = ask("/v1/search?q=actor:mona%20outcome:denied")["events"][0]["index"]
            pages = [
                ("home", "/"), ("search", "/search?counts=all"), ("search-error", "/search?q=actro%3Amona"),
                ("search-nothing", "/search?q=actor%3Aold-timer&since=-1h"),
                ("search-table", "/search?q=%2A+%7C+stats+count%2C+dcount%28ip%29+by+actor"), ("tail", "/tail"),
                ("event", f"/events/{event}?show=payload"), ("alerts", "/alerts?status=all"), ("alert", f"/alerts/{alert}"),
                ("sources", "/sources"), ("integrity", "/integrity"), ("verify", "/verify"), ("you", "/you"),
                ("set-up-used", link), ("not-found", "/nothing")]
            for name, path in pages:
                times(url, name, path)
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
            if browser:
                browser.close()
            custody.terminate()
            custody.wait()


main()
