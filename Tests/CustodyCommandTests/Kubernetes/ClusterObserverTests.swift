import Foundation
import Testing

@testable import custody

/// From the states of a cluster to what happened in it.
struct ClusterObserverTests {
    static let digest = "sha256:" + String(repeating: "ab", count: 32)
    private var observer = ClusterObserver(cluster: .init(name: "prod", uid: "c1"))

    /// A pod with one container in the given state.
    static func pod(
        _ uid: String = "p1", id: String? = "containerd://a", state: String, last: String = "{}", restarts: Int = 0
    ) throws -> KubernetesObjects.Pod {
        let container = id.map { #""containerID":"\#($0)","# } ?? ""
        return try JSONDecoder().decode(
            KubernetesObjects.Pod.self,
            from: Data(
                """
                {"metadata":{"name":"api-\(uid)","namespace":"shop","uid":"\(uid)","resourceVersion":"5"},
                 "spec":{"nodeName":"n1","serviceAccountName":"api"},
                 "status":{"containerStatuses":[{"name":"api","image":"ghcr.io/acme/api:1",
                   "imageID":"ghcr.io/acme/api@\(digest)",\(container)"restartCount":\(restarts),
                   "state":\(state),"lastState":\(last)}]}}
                """.utf8))
    }

    static let running = #"{"running":{"startedAt":"2026-11-26T04:00:00Z"}}"#
    static func terminated(_ id: String, code: Int = 1) -> String {
        #"""
        {"terminated":{"containerID":"\#(id)","exitCode":\#(code),"reason":"Error",
         "startedAt":"2026-11-26T03:00:00Z","finishedAt":"2026-11-26T03:30:00Z"}}
        """#
    }

    private static func told(_ seen: [ClusterObservation]) -> [String] {
        seen.map { "\($0.change) \($0.container?.id ?? $0.workload?.name ?? "?")" }
    }

    @Test("A container is told when it starts, once, with the digest that runs")
    mutating func start() throws {
        #expect(try observer.observe(Self.pod(id: nil, state: #"{"waiting":{}}"#), now: "t0").isEmpty)
        let seen = try observer.observe(Self.pod(state: Self.running), now: "t1")
        #expect(Self.told(seen) == ["started containerd://a"])
        #expect(seen[0].container?.digest == Self.digest && seen[0].time == "2026-11-26T04:00:00Z")
        #expect(seen[0].id == "c1/p1/containerd://a/started" && seen[0].pod?.node == "n1")
        #expect(try observer.observe(Self.pod(state: Self.running), now: "t2").isEmpty)
    }

    @Test("A restart ends one container and starts the next, also when nobody saw the first one run")
    mutating func restart() throws {
        let state = try Self.pod(
            id: "containerd://b", state: Self.running, last: Self.terminated("containerd://a"), restarts: 1)
        #expect(
            Self.told(observer.observe(state, now: "t")) == [
                "started containerd://a", "ended containerd://a", "started containerd://b",
            ])
        #expect(observer.observe(state, now: "t").isEmpty)
        // Two restarts later the first is not shown any more, and is forgotten; the one that was missed cannot be known.
        let later = try Self.pod(
            id: "containerd://d", state: Self.running, last: Self.terminated("containerd://c"), restarts: 3)
        let seen = observer.observe(later, now: "t")
        #expect(
            Self.told(seen) == [
                "started containerd://c", "ended containerd://c", "started containerd://d", "ended containerd://b",
            ])
        #expect(seen.last?.end?.inferred == true)
        #expect(observer.memory.pods["p1"]?.containers.count == 2)
    }

    @Test("What still ran in a pod that is gone has ended, whether its deletion was seen or not")
    mutating func gone() throws {
        _ = try observer.observe(Self.pod("p1", state: Self.running), now: "t")
        _ = try observer.observe(Self.pod("p2", id: "containerd://b", state: Self.running), now: "t")
        let deleted = try observer.remove(Self.pod("p1", state: Self.terminated("containerd://a", code: 0)), now: "t")
        #expect(Self.told(deleted) == ["ended containerd://a"] && deleted[0].end?.exitCode == 0)
        let missed = observer.removePods(except: [], now: "t9")
        #expect(Self.told(missed) == ["ended containerd://b"])
        #expect(missed[0].end?.inferred == true && missed[0].time == "t9")
        #expect(observer.memory.pods.isEmpty)
    }

    @Test("The memory of an earlier run is gone on with; that of another cluster is not")
    mutating func memory() throws {
        _ = try observer.observe(Self.pod(state: Self.running), now: "t")
        let memory = try ClusterMemory(json: try observer.memory.json)
        var next = ClusterObserver(cluster: .init(name: "prod", uid: "c1"), memory: memory)
        #expect(try next.observe(Self.pod(state: Self.running), now: "t").isEmpty)
        #expect(Self.told(next.removePods(except: [], now: "t")) == ["ended containerd://a"])
        var other = ClusterObserver(cluster: .init(name: "test", uid: "c2"), memory: memory)
        #expect(other.removePods(except: [], now: "t").isEmpty)
        #expect(throws: DecodingError.self) {
            try ClusterMemory(json: Array(#"{"version":9,"pods":{},"workloads":{}}"#.utf8))
        }
    }

    static func workload(_ generation: Int, image: String, owner: String = "") throws -> KubernetesObjects.Workload {
        try JSONDecoder().decode(
            KubernetesObjects.Workload.self,
            from: Data(
                """
                {"metadata":{"name":"api","namespace":"shop","uid":"w1","generation":\(generation),
                  "creationTimestamp":"2026-01-01T00:00:00Z",\(owner)
                  "managedFields":[{"manager":"kubectl-set","operation":"Update","time":"2026-11-26T04:00:00Z"},
                    {"manager":"kube-controller-manager","time":"2026-11-26T05:00:00Z","subresource":"status"}]},
                 "spec":{"replicas":2,"template":{"spec":{"containers":[{"name":"api","image":"\(image)"}]}}}}
                """.utf8))
    }

    @Test("A workload is told when its specification changes, with who changed it and which image it had")
    mutating func workloads() throws {
        let first = try observer.observe(Self.workload(1, image: "a:1"), kind: "Deployment", now: "t")
        #expect(first.map(\.change) == ["created"] && first[0].time == "2026-01-01T00:00:00Z")
        #expect(try observer.observe(Self.workload(1, image: "a:1"), kind: "Deployment", now: "t").isEmpty)
        let second = try observer.observe(Self.workload(2, image: "a:2"), kind: "Deployment", now: "t")
        #expect(second.map(\.change) == ["updated"])
        #expect(second[0].workload?.previousImages == ["a:1"] && second[0].workload?.manager == "kubectl-set")
        #expect(second[0].time == "2026-11-26T04:00:00Z")
        #expect(observer.removeWorkloads("Job", except: [], now: "t").isEmpty)
        #expect(observer.removeWorkloads("Deployment", except: ["w1"], now: "t").isEmpty)
        #expect(observer.removeWorkloads("Deployment", except: [], now: "t").map(\.change) == ["deleted"])
    }

    @Test("What a controller made is told by its controller's change alone")
    mutating func controlled() throws {
        let owned = try Self.workload(
            1, image: "a", owner: #""ownerReferences":[{"kind":"CronJob","name":"n","controller":true}],"#)
        #expect(observer.observe(owned, kind: "Job", now: "t").isEmpty && observer.memory.workloads.isEmpty)
    }

    @Test(
        "Only the digest of a manifest is a digest",
        arguments: [
            ("docker-pullable://r/a@\(digest)", digest), ("r:5000/a@\(digest)", digest), (digest, nil),
            ("a@sha256:12", nil),
            ("", nil), (nil, nil),
        ] as [(String?, String?)])
    func digests(imageID: String?, digest: String?) {
        #expect(ClusterObservation.digest(ofImageID: imageID) == digest)
    }

    @Test("An observation is one line with sorted keys in snake case")
    mutating func line() throws {
        let seen = try observer.observe(Self.pod(state: Self.running), now: "2026-11-26T04:00:01Z")
        let text = String(decoding: try seen[0].line, as: UTF8.self)
        #expect(
            text.hasPrefix(#"{"change":"started","cluster":{"name":"prod","uid":"c1"},"container":{"digest":"sha256:"#))
        #expect(text.contains(#""image_id":"ghcr.io/acme/api@"#) && text.contains(#""service_account":"api""#))
        #expect(text.hasSuffix("}\n") && text.filter { $0 == "\n" }.count == 1)
    }
}
