#!/usr/bin/env python3
"""Has real programs of a software supply chain tell Custody what they do, and checks what it makes of that.

    clients.py CUSTODY

CUSTODY is the program. What is on the machine is used, and what is not is skipped by name: git; `docker-registry` and `skopeo`; nginx with the
Python packages `devpi-server` and `devpi-client`, and pip; `syslog-ng` (or SYSLOG_NG, a directory into which its package was unpacked).
Everything listens on loopback. Exit 0 when everything that is there is seen working.
"""
import glob, hashlib, io, json, os, re, shutil, subprocess, sys, tarfile, tempfile, time, urllib.parse, urllib.request, zipfile
from custody_check import wait

ADMIN = "client-check-0123456789-0123456789"
PORT = int(os.environ.get("CUSTODY_PORT", "25280"))
URL = f"http://127.0.0.1:{PORT}"
HERE = os.path.dirname(os.path.realpath(__file__))
done = []


def call(path, body=None):
    request = urllib.request.Request(URL + path, data=body and json.dumps(body).encode(),
                                     headers={"Authorization": "Bearer " + ADMIN, "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def found(query, count):
    """The events of a query, the oldest first, once there are so many."""
    def look():
        events = call("/v1/search?since=2000-01-01&limit=1000&q=" + urllib.parse.quote(query))["events"]
        return events if len(events) >= count else None
    events = wait(query, look, 60)
    assert len(events) == count, f"{query}: {len(events)} events, not {count}"
    return sorted(events, key=lambda event: event["index"])


def source(name, connector):
    """Adds a source and returns a token that may send for it."""
    call("/v1/sources", {"name": name, "connector": connector})
    return call("/v1/tokens", {"name": name, "scopes": ["ingest"], "sources": [name]})["token"]


def run(*words, **options):
    return subprocess.run(words, check=True, capture_output=True, text=True, **options).stdout


def background(words, log, **options):
    return subprocess.Popen(words, stdout=open(log, "w"), stderr=subprocess.STDOUT, **options)


def answers(url):
    def ask():
        try:
            urllib.request.urlopen(url, timeout=2)
        except urllib.error.HTTPError:
            pass
        return True
    wait(url, ask, 90)


def git(program, directory):
    """Pushes to a bare repository with the hook of docs/sources.md, also while the server is away."""
    text = open(HERE + "/../../docs/sources.md").read()
    hook = re.search(r"### A git server of your own.*?```sh\n(.*?)```", text, re.S).group(1)
    token = source("forge", "git-hook")
    hook = hook.replace("https://HOST", URL).replace("TOKEN=TOKEN", "TOKEN=" + token).replace("NAME", "forge")
    bare, work = directory + '/a "b".git', directory + "/work"
    run("git", "init", "-q", "--bare", bare)
    with open(bare + "/hooks/post-receive", "w") as file:
        file.write(hook)
    os.chmod(bare + "/hooks/post-receive", 0o755)
    state = directory + "/git-state"
    environment = {**os.environ, "PATH": os.path.dirname(program) + ":" + os.environ["PATH"], "REMOTE_USER": "ada",
                   "REMOTE_ADDR": "192.0.2.7", "XDG_STATE_HOME": state, "GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "user.name",
                   "GIT_CONFIG_VALUE_0": "Ada", "GIT_CONFIG_KEY_1": "user.email", "GIT_CONFIG_VALUE_1": "ada@example.net"}

    def here(*words):
        return run("git", "-C", work, *words, env=environment)
    run("git", "init", "-q", "-b", "main", work)
    here("remote", "add", "origin", bare)
    here("commit", "-q", "--allow-empty", "-m", "one")
    here("push", "-q", "origin", "main")
    here("commit", "-q", "--allow-empty", "-m", "two")
    here("tag", "v1")
    here("push", "-q", "origin", "main", "v1")
    here("commit", "-q", "--amend", "--allow-empty", "-m", "other")
    here("push", "-q", "-f", "origin", "main")
    here("push", "-q", "origin", ":v1")
    events = found("source:forge action:*", 5)
    assert [event["action"] for event in events] == ["branch.create", "code.push", "tag.create", "code.force_push", "tag.delete"], events
    for event in events:
        assert event["actor"]["name"] == "ada" and event["client"]["ip"] == "192.0.2.7" and event["vcs"]["repo"] == 'a "b".git', event
    assert events[3]["vcs"]["commit"] == here("rev-parse", "main").strip()
    done.append(run("git", "--version").strip() + ", post-receive")


def registry(directory):
    """An image is pushed and pulled with skopeo; the registry's own notifications tell of it."""
    token = source("registry", "oci-distribution-notification")
    port = PORT + 1
    with open(directory + "/registry.yml", "w") as file:
        file.write(f"""version: 0.1
storage: {{filesystem: {{rootdirectory: {directory}/registry}}}}
http: {{addr: "127.0.0.1:{port}"}}
notifications:
  endpoints:
    - name: custody
      url: {URL}/v1/hooks/registry
      headers: {{Authorization: ["Bearer {token}"]}}
      timeout: 5s
      threshold: 3
      backoff: 1s
""")
    process = background(["docker-registry", "serve", directory + "/registry.yml"], directory + "/registry.log")
    try:
        answers(f"http://127.0.0.1:{port}/v2/")
        image = directory + "/image"
        layout(image)
        run("skopeo", "copy", "-q", "--insecure-policy", "--dest-tls-verify=false", "oci:" + image, f"docker://127.0.0.1:{port}/acme/api:1.0")
        run("skopeo", "copy", "-q", "--insecure-policy", "--src-tls-verify=false", f"docker://127.0.0.1:{port}/acme/api:1.0", "dir:" + directory + "/pulled")
        digest = hashlib.sha256(open(directory + "/pulled/manifest.json", "rb").read()).hexdigest()
        pushed = found("source:registry action:artifact.publish resource:*acme/api*", 3)
        pulled = found("source:registry action:artifact.pull resource:*acme/api*", 3)
        for events in (pushed, pulled):
            digests = {artifact["digest"] for event in events for artifact in event["artifact"]}
            assert "sha256:" + digest in digests, (digest, digests)
            assert all(event["client"]["ip"] == "127.0.0.1" and "skopeo" in event["client"]["agent"] for event in events), events
        done.append("docker-registry and " + run("skopeo", "--version").strip())
    finally:
        process.terminate()
        process.wait()


def layout(path):
    """Writes an image of one file as an OCI layout."""
    os.makedirs(path + "/blobs/sha256")

    def blob(data):
        name = hashlib.sha256(data).hexdigest()
        open(f"{path}/blobs/sha256/{name}", "wb").write(data)
        return {"digest": "sha256:" + name, "size": len(data)}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("hello")
        entry.size = 5
        archive.addfile(entry, io.BytesIO(b"hello"))
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar", **blob(buffer.getvalue())}
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", **blob(json.dumps(
        {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}}).encode())}
    manifest = {"mediaType": "application/vnd.oci.image.manifest.v1+json", **blob(json.dumps(
        {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": [layer]}).encode())}
    open(path + "/oci-layout", "w").write('{"imageLayoutVersion":"1.0.0"}')
    json.dump({"schemaVersion": 2, "manifests": [manifest]}, open(path + "/index.json", "w"))


def packages(directory, log):
    """A package is published to devpi and installed with pip, through nginx, whose access log is followed."""
    port, front = PORT + 2, PORT + 3
    state = directory + "/devpi"
    binaries = os.path.dirname(sys.executable)
    run(binaries + "/devpi-init", "--serverdir", state, "--no-root-pypi", "--root-passwd", "secret-of-the-check")
    server = background([binaries + "/devpi-server", "--serverdir", state, "--host", "127.0.0.1", "--port", str(port),
                         "--outside-url", f"http://127.0.0.1:{front}"], directory + "/devpi.log")
    open(directory + "/nginx.conf", "w").write(f"""
daemon off; pid {directory}/nginx.pid; error_log {directory}/nginx.err;
events {{}}
http {{
  client_body_temp_path {directory}; proxy_temp_path {directory}; fastcgi_temp_path {directory}; uwsgi_temp_path {directory}; scgi_temp_path {directory};
  log_format proxy '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';
  server {{ listen 127.0.0.1:{front}; access_log {log} proxy;
    location / {{ proxy_pass http://127.0.0.1:{port}; proxy_set_header Host $http_host; proxy_set_header X-outside-url http://127.0.0.1:{front}; }} }}
}}
""")
    proxy = background([shutil.which("nginx") or "/usr/sbin/nginx", "-c", directory + "/nginx.conf"], directory + "/nginx.log")
    try:
        for each in (port, front):
            answers(f"http://127.0.0.1:{each}/+api")
        wheel = directory + "/acmelib-1.2.3-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("acmelib.py", "value = 42\n")
            info = "acmelib-1.2.3.dist-info/"
            archive.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: acmelib\nVersion: 1.2.3\n")
            archive.writestr(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: check\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(info + "RECORD", "")
        client = ["--clientdir", directory + "/devpi-client"]
        for words in (["use", f"http://127.0.0.1:{front}"], ["login", "root", "--password", "secret-of-the-check"], ["index", "-c", "root/dev"],
                      ["use", "root/dev"], ["upload", wheel]):
            run(binaries + "/devpi", words[0], *client, *words[1:])
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
        run(sys.executable, "-m", "pip", "install", "-q", "--no-cache-dir", "--disable-pip-version-check", "--target", directory + "/site",
            "--index-url", f"http://127.0.0.1:{front}/root/dev/+simple/", "acmelib==1.2.3", env={**environment, "PIP_CONFIG_FILE": os.devnull})
        event = found("source:proxy action:package.download", 1)[0]
        assert event["client"]["ip"] == "127.0.0.1" and event["client"]["agent"].startswith("pip/"), event
        assert "acmelib-1.2.3-py3-none-any.whl" in event["resource"]["name"] and event["outcome"] == "success", event
        done.append("devpi behind nginx, pip install")
    finally:
        for process in (proxy, server):
            process.terminate()
            process.wait()


def syslog_ng(program, directory):
    """Lines of a file, sent by syslog-ng as RFC 5424 with octet counts over TCP, and as RFC 3164 over UDP."""
    names = {"ng-tcp": f'syslog("127.0.0.1" port({PORT + 4}) transport("tcp"))', "ng-udp": f'network("127.0.0.1" port({PORT + 4}) transport("udp"))'}
    for name, way in names.items():
        open(f"{directory}/{name}.log", "w").write("".join(
            f"Accepted publickey for {name} from 192.0.2.{number} port 50022 ssh2\n" for number in range(20)))
        open(f"{directory}/{name}.conf", "w").write(f"""@version: 3.38
source s {{ file("{directory}/{name}.log" program-override("sshd") default-facility(auth) flags(no-parse) read-old-records(yes)); }};
destination d {{ {way}; }};
log {{ source(s); destination(d); }};
""")
        modules = sorted(glob.glob(os.path.dirname(os.path.dirname(os.path.dirname(program))) + "/usr/lib/syslog-ng/*/"))
        process = background(
            [program, "-F", "--no-caps", "-f", f"{directory}/{name}.conf", "-R", f"{directory}/{name}.persist", "-p", f"{directory}/{name}.pid",
             "-c", f"{directory}/{name}.ctl", *(["--module-path", modules[0]] if modules else [])], f"{directory}/{name}.out",
            env={**os.environ, "LD_LIBRARY_PATH": os.path.dirname(os.path.dirname(os.path.dirname(program))) + "/usr/lib/syslog-ng"})
        try:
            events = found(f"actor:{name} action:account.login", 20)
            assert {event["source"]["kind"] for event in events} == {"openssh-syslog"}
        finally:
            process.terminate()
            process.wait()
        done.append("syslog-ng, " + name)


def find_syslog_ng():
    unpacked = os.environ.get("SYSLOG_NG")
    return unpacked + "/usr/sbin/syslog-ng" if unpacked else shutil.which("syslog-ng")


def main():
    program = os.path.realpath(sys.argv[1])
    with tempfile.TemporaryDirectory() as directory:
        log = directory + "/access.log"
        open(directory + "/config.yml", "w").write(f"""
syslog:
  - {{listen: "127.0.0.1:{PORT + 4}", transport: tcp, source: syslog-ng}}
  - {{listen: "127.0.0.1:{PORT + 4}", transport: udp, source: syslog-ng}}
pull:
  - {{source: proxy, connector: nginx-access-log, every: 1, files: {{paths: ["{log}"]}}}}
""")
        # The hook calls the program by its name.
        os.mkdir(directory + "/bin")
        os.symlink(program, directory + "/bin/custody")
        server = background([program, "serve", "--data", directory + "/data", "--listen", f"127.0.0.1:{PORT}", "--guard", directory + "/guard",
                             "--config", directory + "/config.yml"], directory + "/server.log",
                            env={**os.environ, "CUSTODY_ADMIN_TOKEN": ADMIN})
        try:
            answers(URL + "/healthz")
            devpi = os.path.exists(os.path.dirname(sys.executable) + "/devpi-server")
            checks = [
                ("git", shutil.which("git"), lambda: git(directory + "/bin/custody", directory)),
                ("docker-registry, skopeo", shutil.which("docker-registry") and shutil.which("skopeo"), lambda: registry(directory)),
                ("nginx, devpi", devpi and (shutil.which("nginx") or os.path.exists("/usr/sbin/nginx")), lambda: packages(directory, log)),
                ("syslog-ng", find_syslog_ng(), lambda: syslog_ng(find_syslog_ng(), directory)),
            ]
            for name, is_there, check in checks:
                if is_there and name not in os.environ.get("SKIP", ""):
                    check()
                else:
                    print("skipped:", name)
        finally:
            server.terminate()
            server.wait()
    for line in done:
        print("seen working:", line)


main()
