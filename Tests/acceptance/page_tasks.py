"""The first hour in a browser, as five tasks: each is done by mouse and, on a server of its own, by keys alone."""
import hashlib, hmac, json, time, urllib.error, urllib.request, uuid


class Mouse:
    """Clicks. `acts` counts what a person does."""

    name = "mouse"

    def __init__(self, browser):
        self.browser, self.acts = browser, 0

    def press(self, selector):
        self.browser.click(selector)
        self.acts += 1

    def fill(self, selector, text):
        self.browser.click(selector)
        self.browser.select_all()
        self.browser.type(text)
        self.acts += 1


class Keys:
    """Tab, Enter and Space."""

    name = "keys"

    def __init__(self, browser):
        self.browser, self.acts = browser, 0

    def reach(self, selector, limit=250):
        """Presses Tab until the focus is there."""
        self.browser.until(selector, f"document.querySelector({json.dumps(selector)}) !== null")
        for _ in range(limit):
            if self.browser.evaluate(f"document.activeElement?.matches({json.dumps(selector)}) ?? false"):
                return
            self.browser.key("Tab")
        raise SystemExit(f"no way by keys to {selector}")

    def press(self, selector):
        self.reach(selector)
        self.browser.key("Space" if self.browser.evaluate("document.activeElement.matches('[type=radio], [type=checkbox]')") else "Enter")
        self.acts += 1

    def fill(self, selector, text):
        self.reach(selector)
        self.browser.select_all()
        self.browser.type(text)
        self.acts += 1


def set_up(browser, hand, site):
    """The one-time link; the browser is closed in the middle once."""
    browser.open(site.link)
    hand.fill("#name", "Ada Love")
    browser.go("about:blank")
    browser.open(site.link)
    browser.says("This link makes you the first administrator.")
    hand.fill("#name", "Ada Lovelace")
    hand.press("main button[type=submit]")
    browser.at("/")
    browser.says("What to do next")


def connect_github(browser, hand, site):
    """From the choice to an alert about a signed delivery of GitHub's."""
    hand.press("nav [data-place=sources]")
    browser.at("/sources")
    hand.press("main a[href='/connect']")
    browser.at("/connect")
    hand.press("a[href='/connect/github-organisation']")
    browser.at("/connect/github-organisation")
    hand.press("main form button[type=submit]")
    browser.says("What was made for it stands below, this once.")
    browser.settled()
    hand.press("[data-copy=copy-4]")
    browser.until("a copy", "['Copied', 'Selected; copy it with the keyboard'].includes(document.getElementById('said').textContent)")
    secret = browser.evaluate("document.getElementById('copy-4').textContent")
    browser.says("Nothing has arrived yet.")
    hand.press("#test button")
    reached = "[...document.querySelectorAll('#deliveries > li:first-child .stages li')].map((stage) => `${stage.className} ${stage.firstElementChild.textContent}`).join()"
    browser.until("all four stages", reached + " === 'ok received,ok verified,ok normalised,ok sealed'")
    # Somebody else's delivery is refused, and said so.
    deliver(site, "not-the-secret", "created", status=401)
    browser.says("the signature is wrong")
    deliver(site, secret, "created")
    deliver(site, secret, "deleted")
    browser.until("the alert", "document.querySelector('#raised a') !== null")
    hand.press("#raised a")
    browser.until("the alert's page", "location.pathname.startsWith('/alerts/') && document.readyState === 'complete'")
    browser.says("Branch protection removed or overridden")


def deliver(site, secret, action, status=202):
    """What GitHub sends when a branch protection rule is made and deleted."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    body = json.dumps({
        "action": action, "sender": {"login": "mona", "id": 2, "type": "User"}, "organization": {"login": "acme", "id": 3},
        "repository": {"id": 1, "name": "sandbox", "full_name": "acme/sandbox", "private": True},
        "rule": {
            "id": 7, "repository_id": 1, "name": "custody-test", "created_at": now, "updated_at": now,
            "pull_request_reviews_enforcement_level": "off", "required_status_checks": ["ci/build"], "required_status_checks_enforcement_level": "non_admins"},
    }).encode()
    request = urllib.request.Request(site.url + "/v1/hooks/github-organisation", data=body, headers={
        "Content-Type": "application/json", "X-GitHub-Event": "branch_protection_rule", "X-GitHub-Delivery": str(uuid.uuid4()),
        "User-Agent": "GitHub-Hookshot/1", "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            got = answer.status
    except urllib.error.HTTPError as error:
        got = error.code
    assert (got == status) if status >= 400 else got < 300, f"a delivery was answered {got}"


def find_planted(browser, hand, site):
    """An event that lies outside of the window: what came within a day is in the usual one, so the last hour is chosen."""
    hand.press(".brand")
    browser.at("/")
    hand.fill("#q", "actor:old-timer")
    hand.press(".ask button[type=submit]")
    browser.at("/search")
    browser.settled()
    hand.press(".chips a[href*='since=-1h']")
    browser.says("Nothing here, but 12 hits in March 2024.")
    hand.press(".empty .button")
    browser.until("the old events", "document.querySelectorAll('[data-row]').length === 12 && document.readyState === 'complete'")
    hand.press(".what a")
    browser.until("an event", "location.pathname.startsWith('/events/') && document.readyState === 'complete'")
    browser.says("2024-03-14 10:00:00")


def see_alert(browser, hand, site):
    """An alert, why it was raised, and the event that speaks for it."""
    hand.press("nav [data-place=alerts]")
    browser.at("/alerts")
    hand.press(f"[data-row] a[href='/alerts/{site.deletion()}']")
    browser.says("Why")
    browser.says("Ask who did it.")
    browser.settled()
    hand.press(".events .what a")
    browser.until("an event", "location.pathname.startsWith('/events/') && document.readyState === 'complete'")
    browser.says("repo.delete")


def verify(browser, hand, site):
    """An event by the key that one has; then one that is shown otherwise than it was sealed, and a pack that was changed."""
    hand.press("nav [data-place=integrity]")
    browser.at("/integrity")
    browser.says("This browser does not know the ledger's key yet.")
    hand.fill("#vkey", site.vkey)
    hand.press("#pin-form button[type=submit]")
    browser.says("signed with the remembered key")
    hand.press("nav [data-place=search]")
    browser.at("/search")
    hand.press(".what a")
    browser.until("the button", "location.pathname.startsWith('/events/') && document.getElementById('verify')?.hidden === false")
    browser.settled()
    hand.press("#verify")
    browser.says("signed with the key that this browser remembers")
    # As a server would show it that lies.
    browser.evaluate("[...document.querySelectorAll('.fields dt')].find((name) => name.textContent === 'actor.name').nextElementSibling.querySelector('.mono').textContent = 'somebody-else'")
    hand.press("#verify")
    browser.says("this page shows something else than what was sealed: actor.name")
    index = browser.evaluate("document.getElementById('verify').dataset.index")
    pack, tampered = site.packs(index)
    hand.press("nav [data-place=verify]")
    browser.at("/verify")
    browser.choose_file("#file", pack)
    hand.fill("#vkey", site.vkey)
    hand.press("#form button[type=submit]")
    browser.says("Verified: 1 event")
    browser.choose_file("#file", tampered)
    hand.press("#form button[type=submit]")
    browser.says("Altered")


TASKS = [
    ("set up", set_up), ("connect GitHub", connect_github), ("find a planted event", find_planted),
    ("see an alert and its evidence", see_alert), ("verify an event, and be shown a tampered one", verify)]


def run(browser, hand, site):
    """Does the tasks in order, and says how long each took. Returns what could not be done."""
    whole, wrong = time.monotonic(), []
    for name, task in TASKS:
        if task is find_planted:
            site.fill()
        start, acts = time.monotonic(), hand.acts
        try:
            task(browser, hand, site)
        except (SystemExit, AssertionError) as error:
            wrong.append(f"by {hand.name}: {name}: {error}")
            browser.open("/")
            continue
        print(f"by {hand.name}: {name}: {time.monotonic() - start:.1f} s, {hand.acts - acts} acts", flush=True)
    print(f"by {hand.name}: all five: {time.monotonic() - whole:.1f} s", flush=True)
    return wrong
