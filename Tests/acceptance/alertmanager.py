#!/usr/bin/env python3
"""Sends alerts to a real Prometheus Alertmanager and checks what it makes of them.

    alertmanager.py CUSTODY

CUSTODY is the program. Needs `prometheus-alertmanager` (Debian's package of that name). An event raises an alert; it has to
be active in Alertmanager with its labels; closing it has to resolve it there. Exit 0 when it does.
"""
import json, os, subprocess, sys, tempfile, time, urllib.request

TOKEN = "alertmanager-check-0123456789-0123456789"
RULE = """title: Repository deleted
id: 3c1f0b1e-6a57-4f0e-9d55-0d1c9b7f0a09
status: stable
level: high
logsource: {category: supply_chain}
detection:
    s: {custody.action: repo.delete}
    condition: s
custody: {owner: team-a, runbook: Ask who did it.}
"""


def call(url, path, body=None, token=TOKEN):
    request = urllib.request.Request(url + path, data=body and body.encode(),
                                     headers={"Authorization": "Bearer " + token, "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def wait(what, body, seconds=20):
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


def main():
    program, port, manager_port = sys.argv[1], int(os.environ.get("CUSTODY_PORT", "18490")), 18493
    url, manager = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{manager_port}"
    with tempfile.TemporaryDirectory() as directory:
        os.mkdir(directory + "/rules")
        open(directory + "/rules/r.yml", "w").write(RULE)
        open(directory + "/config.yml", "w").write(
            f"rules: [{directory}/rules]\nallowed_targets: [127.0.0.1]\n"
            f"notifications:\n  - {{name: am, kind: alertmanager, url: '{manager}'}}\n")
        open(directory + "/am.yml", "w").write("route: {receiver: none}\nreceivers: [{name: none}]\n")
        alertmanager = subprocess.Popen(
            ["prometheus-alertmanager", f"--config.file={directory}/am.yml", f"--storage.path={directory}/am",
             f"--web.listen-address=127.0.0.1:{manager_port}", "--cluster.listen-address="],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        custody = subprocess.Popen(
            [program, "serve", "--data", directory + "/data", "--listen", f"127.0.0.1:{port}", "--config", directory + "/config.yml"],
            stdout=subprocess.DEVNULL, env={**os.environ, "CUSTODY_ADMIN_TOKEN": TOKEN})
        try:
            wait("Alertmanager", lambda: call(manager, "/api/v2/status"))
            wait("Custody", lambda: urllib.request.urlopen(url + "/healthz", timeout=1).status == 200)
            print("test button:", call(url, "/v1/destinations/am/test", "{}"))
            call(url, "/v1/events?source=acme", '{"action":"repo.delete","actor":"eve","resource":"acme/api"}')
            labelled = '/api/v2/alerts?filter=alertname%3D%22Repository%20deleted%22'
            active = wait("the alert in Alertmanager", lambda: call(manager, labelled))[0]
            labels = active["labels"]
            assert labels["severity"] == "high" and labels["entity"] == "eve" and labels["owner"] == "team-a", labels
            assert active["annotations"]["runbook"] == "Ask who did it.", active["annotations"]
            print("active:", labels)
            call(url, f"/v1/alerts/{labels['alert_id']}/close", '{"verdict":"benign"}')
            wait("the end of the alert in Alertmanager", lambda: not call(manager, labelled))
            print("resolved")
        finally:
            for process in (custody, alertmanager):
                process.terminate()
                process.wait()


main()
