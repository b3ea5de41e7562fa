"""What the Python checks of this directory share."""
import json, time, urllib.request

DELETION_RULE = """title: Repository deleted
id: 3c1f0b1e-6a57-4f0e-9d55-0d1c9b7f0a09
status: stable
level: high
logsource: {category: supply_chain}
detection:
    s: {custody.action: repo.delete}
    condition: s
custody: {owner: team-a, runbook: Ask who did it.}
"""


def call(url, path, body=None, token=None, timeout=30):
    """Asks a server and returns its JSON."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = "Bearer " + token
    request = urllib.request.Request(url + path, data=body and body.encode(), headers=headers)
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return json.load(answer)


def wait(what, body, seconds=30):
    """Calls `body` until it has something; ends the check when it never does."""
    deadline = time.time() + seconds
    while time.time() < deadline:
        try:
            found = body()
            if found:
                return found
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit("not seen: " + what)
