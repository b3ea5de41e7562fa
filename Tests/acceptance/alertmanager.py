#!/usr/bin/env python3
"""Sends alerts to a real Prometheus Alertmanager and checks what it makes of them.

    alertmanager.py CUSTODY

CUSTODY is the program. Needs `prometheus-alertmanager` (Debian's package of that name). An event raises an alert; it has to
be active in Alertmanager with its labels; closing it has to resolve it there. Exit 0 when it does.
"""
from functools import partial
import json, os, subprocess, sys, tempfile, time, urllib.request

from custody_check import DELETION_RULE, call, wait

TOKEN = "alertmanager-check-0123456789-0123456789"


def main():
    program, port, manager_port = sys.argv[1], int(os.environ.get("CUSTODY_PORT", "18490")), 18493
    url, manager = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{manager_port}"
    ask = partial(call, url, token=TOKEN)
    with tempfile.TemporaryDirectory() as directory:
        os.mkdir(directory + "/rules")
        open(directory + "/rules/r.yml", "w").write(DELETION_RULE)
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
            print("test button:", ask("/v1/destinations/am/test", "{}"))
            ask("/v1/events?source=acme", '{"action":"repo.delete","actor":"eve","resource":"acme/api"}')
            labelled = '/api/v2/alerts?filter=alertname%3D%22Repository%20deleted%22'
            active = wait("the alert in Alertmanager", lambda: call(manager, labelled))[0]
            labels = active["labels"]
            assert labels["severity"] == "high" and labels["entity"] == "eve" and labels["owner"] == "team-a", labels
            assert active["annotations"]["runbook"] == "Ask who did it.", active["annotations"]
            print("active:", labels)
            ask(f"/v1/alerts/{labels['alert_id']}/close", '{"verdict":"benign"}')
            wait("the end of the alert in Alertmanager", lambda: not call(manager, labelled))
            print("resolved")
        finally:
            for process in (custody, alertmanager):
                process.terminate()
                process.wait()


main()
