"""What the Python checks of this directory share."""
import json, os, signal, socket, subprocess, time, urllib.request

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


class Server:
    """The program under test; restarted on the same directory. Its memory can be limited by a cgroup, for which one is root."""

    token = "check-0123456789-0123456789-0123456789"

    def __init__(self, program, data, memory_mib=None):
        self.program, self.data, self.process, self.peak_mib, self.starts = os.path.abspath(program), data, None, 0, []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.group = None
        if memory_mib:
            self.group = f"/sys/fs/cgroup/memory/custody-check-{os.getpid()}"
            os.makedirs(self.group)
            with open(self.group + "/memory.limit_in_bytes", "w") as limit:
                limit.write(str(memory_mib << 20))

    def enter_group(self):
        if self.group:
            with open(self.group + "/cgroup.procs", "w") as members:
                members.write(str(os.getpid()))

    def start(self):
        began = time.time()
        self.process = subprocess.Popen(
            [self.program, "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}"], stdout=subprocess.DEVNULL,
            env={**os.environ, "CUSTODY_ADMIN_TOKEN": self.token}, preexec_fn=self.enter_group)
        while self.process.poll() is None:
            try:
                call(self.url, "/healthz", timeout=1)
                break
            except ValueError:
                break
            except OSError:
                time.sleep(0.05)
            if time.time() - began > 600:
                raise SystemExit("the server did not start within 600 s")
        if self.process.poll() is not None:
            raise SystemExit("the server ended by itself")
        self.starts.append(time.time() - began)

    def note_memory(self):
        try:
            with open(f"/proc/{self.process.pid}/status") as status:
                for line in status:
                    if line.startswith("VmHWM"):
                        self.peak_mib = max(self.peak_mib, int(line.split()[1]) >> 10)
        except OSError:
            pass

    def kill(self):
        self.note_memory()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.note_memory()
        self.process.terminate()
        self.process.wait()
