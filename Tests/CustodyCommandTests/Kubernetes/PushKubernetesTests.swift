import Foundation
import Synchronization
import SystemPackage
import Testing

@testable import custody

/// `custody push kubernetes` against a stand-in of the API server that also misbehaves.
struct PushKubernetesTests {
    private static func pods(_ items: [String], version: String = "10", next: String = "") -> String {
        #"{"kind":"PodList","metadata":{"resourceVersion":"\#(version)","continue":"\#(next)"},"items":[\#(items.joined(separator: ","))]}"#
    }

    private static func pod(_ uid: String, version: String = "9") -> String {
        """
        {"metadata":{"name":"api-\(uid)","namespace":"shop","uid":"\(uid)","resourceVersion":"\(version)"},
         "status":{"containerStatuses":[{"name":"api","image":"a:1","imageID":"a@\(ClusterObserverTests.digest)",
         "containerID":"containerd://\(uid)","state":{"running":{"startedAt":"2026-11-26T04:00:00Z"}}}]}}
        """.replacing("\n", with: " ")
    }

    private static func empty() -> StubServer.Answer { .json(pods([])) }

    /// The events that the Custody server was sent: `change container`.
    private static func sent(_ stub: StubServer) -> [String] {
        stub.requests.filter { $0.path == "/v1/events" }.flatMap { $0.body.split(separator: "\n") }.compactMap { line in
            let event = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            guard let event, let change = event["change"] as? String else { return nil }
            return "\(change) \((event["container"] as? [String: Any])?["id"] ?? "?")"
        }
    }

    private static func accepted(_ asked: StubServer.Asked) -> StubServer.Answer {
        let count = asked.body.split(separator: "\n").count
        return .json(#"{"accepted":\#(count),"duplicates":0,"rejected":[],"first_index":0,"last_index":\#(count - 1)}"#)
    }

    private struct Place {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("watch-\(UUID().uuidString)").path
        var bench: CommandBench {
            CommandBench(environment: [
                "CUSTODY_TOKEN": "a-token-for-tests", "CUSTODY_SPOOL": directory + "/spool",
                "XDG_STATE_HOME": directory,
            ])
        }
        func arguments(_ url: String) -> [String] {
            [
                "push", "kubernetes", "--source", "prod", "--cluster", "prod", "--api-server", url, "--once", "--url",
                url,
            ]
        }
        func remove() { try? FileManager.default.removeItem(atPath: directory) }
    }

    @Test("One look tells all that runs, page by page; the next one what ended since, and nothing twice")
    func once() async throws {
        let place = Place()
        defer { place.remove() }
        let isSecond = Mutex(false)
        try await StubServer.run { asked in
            switch asked.path {
            case "/v1/events": Self.accepted(asked)
            case "/api/v1/namespaces/kube-system": .json(#"{"metadata":{"uid":"c1"}}"#)
            case "/api/v1/pods":
                switch (isSecond.withLock { $0 }, asked.query["continue"]) {
                case (false, nil): .json(Self.pods([Self.pod("p1")], next: "page 2/+"))
                case (false, "page 2/+"): .json(Self.pods([Self.pod("p2")]))
                default: .json(Self.pods([Self.pod("p2")]))
                }
            case "/ledger/checkpoint": .problem(404, "not_found", "no checkpoint yet")
            default: Self.empty()
            }
        } _: { url, stub in
            let first = await place.bench.run(place.arguments(url), input: [])
            #expect(first.status == 0, "\(first.errors)")
            #expect(Self.sent(stub).sorted() == ["started containerd://p1", "started containerd://p2"])
            isSecond.withLock { $0 = true }
            let second = await place.bench.run(place.arguments(url), input: [])
            #expect(second.status == 0, "\(second.errors)")
            #expect(Self.sent(stub).count == 3 && Self.sent(stub).last == "ended containerd://p1")
            #expect(stub.requests.filter { $0.path == "/v1/events" }.allSatisfy { $0.query["source"] == "prod" })
        }
    }

    @Test("A cluster that denies the first list ends the command with what is missing")
    func denied() async throws {
        let place = Place()
        defer { place.remove() }
        try await StubServer.run { asked in
            switch asked.path {
            case "/v1/events": Self.accepted(asked)
            case "/api/v1/pods":
                .json(
                    #"{"kind":"Status","code":403,"message":"pods is forbidden: User \"x\" cannot list"}"#, status: 403)
            case "/api/v1/namespaces/kube-system": .json(#"{"kind":"Status","code":403}"#, status: 403)
            case "/ledger/checkpoint": .problem(404, "not_found", "no checkpoint yet")
            default: Self.empty()
            }
        } _: { url, _ in
            let run = await place.bench.run(place.arguments(url), input: [])
            #expect(run.status == 77)
            #expect(run.errors.contains("pods is forbidden: User \"x\" cannot list"))
            #expect(run.errors.contains("the cluster's identity is not known"))
        }
    }

    @Test("A memory that cannot be read is no reason to forget what ran")
    func damagedMemory() async throws {
        let place = Place()
        defer { place.remove() }
        try FileManager.default.createDirectory(
            atPath: place.directory + "/custody/kubernetes", withIntermediateDirectories: true)
        try Data("{".utf8).write(to: URL(fileURLWithPath: place.directory + "/custody/kubernetes/prod.json"))
        try await StubServer.run { asked in
            switch asked.path {
            case "/api/v1/namespaces/kube-system": .json(#"{"metadata":{"uid":"c1"}}"#)
            case "/ledger/checkpoint": .problem(404, "not_found", "no checkpoint yet")
            default: Self.empty()
            }
        } _: { url, _ in
            let run = await place.bench.run(place.arguments(url), input: [])
            #expect(run.status == 65 && run.errors.contains("holds no memory of a watch"))
        }
    }

    @Test(
        "A watch goes on where it stood, survives what cannot be read, and lists again when the cluster has forgotten")
    func watch() async throws {
        let lists = Mutex(0)
        let watches = Mutex<[String]>([])
        let lines = Mutex<[[UInt8]]>([])
        try await StubServer.run { asked in
            guard asked.path == ClusterWatch.pods else { return asked.query["watch"] == nil ? Self.empty() : .json("") }
            guard asked.query["watch"] != nil else {
                let count = lists.withLock {
                    $0 += 1; return $0
                }
                return .json(Self.pods(count == 1 ? [Self.pod("p1")] : [Self.pod("p3")], version: "\(count)0"))
            }
            let number = watches.withLock {
                $0.append(asked.query["resourceVersion"] ?? ""); return $0.count
            }
            switch number {
            case 1:
                return .json(
                    #"{"type":"ADDED","object":\#(Self.pod("p2"))}"# + "\n"
                        + #"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"15"}}}"# + "\n")
            case 2: return .problem(500, "x", "overloaded")
            case 3: return .json("{\"type\":\"ADDED\",\"obj")
            case 4:
                return .json(#"{"type":"MODIFIED","object":\#(Self.pod("p2", version: "16"))}"# + "\nnot JSON\n")
            case 5: return .json(#"{"type":"ERROR","object":{"code":410,"message":"too old"}}"# + "\n")
            default: return .json(#"{"type":"DELETED","object":\#(Self.pod("p3"))}"# + "\n")
            }
        } _: { url, _ in
            var context = CommandContext.current
            context.console = Console(
                writeOutput: { _ in }, writeError: { _ in }, width: nil, usesColour: false, showsProgress: false)
            let waits = Mutex<[Duration]>([])
            context.sleep = { wait in waits.withLock { $0.append(wait) } }
            let access = KubernetesAccess(server: url, authorities: nil, credential: .token("t"), name: "prod")
            let api = try KubernetesAPI(access, context)
            let place = Place()
            defer { place.remove() }
            let path = place.directory + "/m.json"
            let done = AsyncStream.makeStream(of: Void.self)
            let journal = ClusterJournal(
                observer: ClusterObserver(cluster: .init(name: "prod", uid: "c1")), memoryPath: .init(path),
                kept: KeptLines(),
                context: context,
                write: { bytes, room in
                    lines.withLock { $0.append(bytes) }
                    if String(decoding: bytes, as: UTF8.self).contains(#""id":"c1/p3/containerd://p3/ended""#) {
                        done.continuation.finish()
                    }
                    room()
                })
            let watching = Task {
                try await ClusterWatch(api: api, journal: journal, isOnce: false, context: context).run()
            }
            for await _ in done.stream {}
            watching.cancel()
            _ = await watching.result
            await api.shutdown()
            let told = lines.withLock { $0 }.flatMap { $0.split(separator: UInt8(ascii: "\n")) }.map {
                String(decoding: $0, as: UTF8.self)
            }
            let ids = told.compactMap { $0.firstMatch(of: #/"id":"(c1/[^"]*)"/#).map { String($0.output.1) } }
            #expect(
                ids.prefix(6) == [
                    "c1/p1/containerd://p1/started", "c1/p2/containerd://p2/started", "c1/p3/containerd://p3/started",
                    "c1/p1/containerd://p1/ended", "c1/p2/containerd://p2/ended", "c1/p3/containerd://p3/ended",
                ])
            // From the list, from the bookmark, from what a watch that broke had shown, and from the new list.
            #expect(watches.withLock { Array($0.prefix(6)) } == ["10", "15", "15", "15", "16", "20"])
            #expect(waits.withLock { $0 }.contains(.seconds(1)))
        }
    }

    @Test("The memory on disk never knows more than what has been kept")
    func order() async throws {
        let place = Place()
        defer { place.remove() }
        let path = place.directory + "/m.json"
        let kept = KeptLines()
        let journal = ClusterJournal(
            observer: ClusterObserver(cluster: .init(name: "prod", uid: "c1")), memoryPath: .init(path), kept: kept,
            context: .current, write: { _, room in room() })
        let pods = try ["p1", "p2"].map { try ClusterObserverTests.pod($0, state: ClusterObserverTests.running) }
        for pod in pods { await journal.record { $0.observe(pod, now: $1) } }
        await journal.finish()
        #expect(!FileManager.default.fileExists(atPath: path))
        kept.add([2])
        #expect(kept.count == 0)
        await journal.finish()
        #expect(!FileManager.default.fileExists(atPath: path))
        kept.add([1])
        #expect(kept.count == 2)
        await journal.finish()
        let memory = try ClusterMemory(json: Array(try Data(contentsOf: URL(fileURLWithPath: path))))
        #expect(Set(memory.pods.keys) == ["p1", "p2"])
    }
}
