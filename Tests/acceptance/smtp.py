#!/usr/bin/env python3
"""Sends mail to a real SMTP server (aiosmtpd) and checks what arrives: STARTTLS and TLS from the first byte, passwords, refusals.

    smtp.py CUSTODY

CUSTODY is the program. Needs `openssl` and aiosmtpd (`pip install aiosmtpd`). Exit 0 when every mail that should arrive does,
and none that should not.
"""
from functools import partial
import email, email.policy, json, os, ssl, subprocess, sys, tempfile, time, urllib.error, urllib.request

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, SMTP
from custody_check import DELETION_RULE, call, wait

TOKEN = "smtp-check-0123456789-0123456789-0123456789"
PASSWORD = "correct horse/battery:staple é"


class Box:
    """What a server took, and what it refuses."""

    def __init__(self):
        self.mails = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((session, envelope, email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return "250 OK"


class ImplicitTLS(Controller):
    def factory(self):
        return SMTP(self.handler, **self.SMTP_kwargs)


def authenticate(server, session, envelope, mechanism, data):
    good = data.login == b"custody" and data.password == PASSWORD.encode()
    return AuthResult(success=good, handled=False)


def certificate(directory, name):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext",
         f"subjectAltName=DNS:{name}", "-keyout", f"{directory}/{name}.key", "-out", f"{directory}/{name}.pem"],
        check=True, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{directory}/{name}.pem", f"{directory}/{name}.key")
    return context


def main():
    program, port = sys.argv[1], int(os.environ.get("CUSTODY_PORT", "18590"))
    url = f"http://127.0.0.1:{port}"
    ask = partial(call, url, token=TOKEN)
    with tempfile.TemporaryDirectory() as directory:
        context, other = certificate(directory, "localhost"), certificate(directory, "elsewhere")
        starttls, implicit, plain, wrong = Box(), Box(), Box(), Box()
        password = {"authenticator": authenticate, "auth_required": True}
        servers = [
            Controller(starttls, hostname="127.0.0.1", port=port + 1, tls_context=context, require_starttls=True, **password),
            ImplicitTLS(implicit, hostname="127.0.0.1", port=port + 2, ssl_context=context, auth_require_tls=False, **password),
            Controller(plain, hostname="127.0.0.1", port=port + 3),
            ImplicitTLS(wrong, hostname="127.0.0.1", port=port + 4, ssl_context=other),
        ]
        os.mkdir(directory + "/rules")
        open(directory + "/rules/r.yml", "w").write(DELETION_RULE)

        def destination(name, server, security, **more):
            settings = {"name": name, "kind": "email", "smtp": f"localhost:{port + server}", "security": security,
                        "from": "custody@example.org", "to": ["ops@example.org"], "ca_file": directory + "/localhost.pem",
                        "grouping": {"wait": "0s", "interval": "0s", "repeat": "0s"}, **more}
            if security == "none":
                del settings["ca_file"]
            return settings

        login = {"username": "custody", "password": PASSWORD}
        destinations = [
            destination("starttls", 1, "starttls", to=["ops@example.org", "nobody@example.org"], **login),
            destination("tls", 2, "tls", **login),
            destination("plain", 3, "none"),
            destination("no-starttls", 3, "starttls"),
            destination("wrong-name", 4, "tls", ca_file=directory + "/elsewhere.pem"),
            destination("unknown-ca", 4, "tls"),
            destination("wrong-password", 1, "starttls", username="custody", password="guess"),
            destination("nobody", 1, "starttls", to=["nobody@example.org"], **login),
        ]
        for one in destinations[3:]:
            # These are for the test button alone.
            one["minimum_severity"] = "critical"
        json.dump({"rules": [directory + "/rules"], "allowed_targets": ["localhost"], "notifications": destinations},
                  open(directory + "/config.yml", "w"))
        for server in servers:
            server.start()
        custody = subprocess.Popen(
            [program, "serve", "--data", directory + "/data", "--listen", f"127.0.0.1:{port}", "--config", directory + "/config.yml"],
            stdout=subprocess.DEVNULL, env={**os.environ, "CUSTODY_ADMIN_TOKEN": TOKEN})
        try:
            wait("Custody", lambda: urllib.request.urlopen(url + "/healthz", timeout=1).status == 200)
            for name in ["starttls", "tls", "plain"]:
                answer = ask(f"/v1/destinations/{name}/test", "{}")
                # One of two recipients of the first is unknown: the button says so, the other gets the mail.
                assert answer["delivered"] or name == "starttls" and "nobody@" in answer["reason"], (name, answer)
            for name, reason in [("no-starttls", "STARTTLS"), ("wrong-name", "certificate"), ("unknown-ca", "authority"),
                                 ("wrong-password", "password"), ("nobody", "recipient")]:
                answer = ask(f"/v1/destinations/{name}/test", "{}")
                assert not answer["delivered"] and reason in answer["reason"], (name, answer)
                print(f"{name}: {answer['reason']}")
            assert not wrong.mails
            for box in (starttls, implicit, plain):
                assert len(box.mails) == 1, len(box.mails)
                box.mails.clear()
            ask("/v1/events?source=acme",
                 json.dumps({"action": "repo.delete", "actor": "zoë\r\nBcc: all@example.org", "resource": "acme/api\n."}))
            for box, encrypted in ((starttls, True), (implicit, True), (plain, False)):
                session, envelope, mail = wait("the mail", lambda: box.mails)[0]
                assert envelope.rcpt_tos == ["ops@example.org"] and envelope.mail_from == "custody@example.org"
                assert bool(session.ssl) == encrypted or box is implicit, session.ssl
                assert mail["Bcc"] is None and "Repository deleted" in mail["Subject"], mail["Subject"]
                assert mail["Message-ID"] and mail["Date"] and mail["To"].startswith("ops@example.org"), mail.items()
                text = mail.get_body().get_content()
                assert "Ask who did it." in text and "zoë" in text, text
                assert len(mail.defects) == 0, mail.defects
            print("subject:", starttls.mails[0][2]["Subject"])
            print("mails arrive over STARTTLS, TLS and plain; nothing goes where TLS or the name is wrong")
        finally:
            custody.terminate()
            custody.wait()
            for server in servers:
                server.stop()


main()
