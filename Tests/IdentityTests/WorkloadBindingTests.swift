import EventModel
import Foundation
import GRDB
import Testing

@testable import Identity

@Suite("Bindings of workloads")
struct WorkloadBindingTests {
    private static let now = Timestamp(seconds: 1_790_000_000)

    private func database(_ path: String? = nil) throws -> any DatabaseWriter {
        let queue = try path.map { try DatabaseQueue(path: $0) } ?? DatabaseQueue()
        var migrator = DatabaseMigrator()
        IdentitySchema.register(in: &migrator)
        try migrator.migrate(queue)
        return queue
    }

    private func binding(
        _ name: String = "ci", issuer: String = "https://token.actions.githubusercontent.com",
        audiences: [String] = ["https://custody.example"], claims: [String: [String]] = ["repository": ["acme/api"]],
        keys: WorkloadBinding.Keys = .discovery
    ) -> WorkloadBinding {
        WorkloadBinding(
            name: name, issuer: issuer, audiences: audiences,
            conditions: claims.sorted { $0.key < $1.key }.map { .init(claim: $0.key, patterns: $0.value) },
            source: "ci",
            keys: keys, created: Self.now)
    }

    private func code(_ body: () throws -> Void) -> IdentityError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? IdentityError)?.code
        }
    }

    @Test("Audience and every claim have to hold; the first that does not is named")
    func mismatch() {
        let binding = binding("x", claims: ["ref": ["refs/heads/main", "refs/tags/v*"], "repository": ["acme/*"]])
        let audience = ["https://custody.example"]
        #expect(
            binding.mismatch(audiences: audience, claims: ["repository": ["acme/api"], "ref": ["refs/heads/main"]])
                == nil)
        #expect(
            binding.mismatch(audiences: audience, claims: ["repository": ["acme/api"], "ref": ["refs/tags/v1"]]) == nil)
        #expect(
            binding.mismatch(
                audiences: audience, claims: ["repository": ["acme-evil/api"], "ref": ["refs/heads/main"]])
                == "repository")
        #expect(binding.mismatch(audiences: audience, claims: ["repository": ["acme/api"]]) == "ref")
        #expect(binding.mismatch(audiences: ["https://custody.example/"], claims: [:]) == "aud")
        #expect(binding.mismatch(audiences: [], claims: [:]) == "aud")
    }

    @Test(
        "Patterns mean what they say",
        arguments: [
            ("a", "a", true), ("a", "A", false), ("", "*", true), ("acme/api", "acme/*", true),
            ("acme", "acme/*", false),
            ("repo:a/b:ref:x", "repo:a/b:*", true), ("abcabc", "a*c", true), ("abcabd", "a*c", false),
            ("ab", "a*b*", true),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "a*a*a*a*a*a*c", false), ("x*y", "x*y", true), ("", "a", false),
        ])
    func patterns(text: String, pattern: String, fits: Bool) {
        #expect(WorkloadBinding.matches(Array(text.utf8), Array(pattern.utf8)) == fits)
    }

    @Test("A binding that would let in everybody, or nobody, is refused")
    func refusals() throws {
        let store = try WorkloadBindingStore(database: database())
        let bad = [
            binding(claims: [:]), binding(claims: ["repository": ["*"]]), binding(claims: ["repository": ["*/api"]]),
            binding(claims: ["ref": ["main"]]),
            binding(claims: ["sub": ["repo:*"]]), binding(claims: ["repository": []]), binding(audiences: []),
            binding(issuer: "https://gitlab.com", claims: ["ref": ["main"]]),
            binding(issuer: "https://k8s.example", claims: ["sub": ["system:serviceaccount:*"]]),
            binding(issuer: "kubernetes/serviceaccount", claims: ["sub": ["system:serviceaccount:a:b"]]),
            binding(keys: .url("file:///etc/passwd")), binding(keys: .url("https://user@x.example/")),
            binding(claims: ["repository": [String(repeating: "a", count: 1_025)]]),
            binding(claims: ["repository": ["a\u{0}"]]),
        ]
        for binding in bad { #expect(code { try store.add(binding) } == .invalidBinding, "\(binding)") }
        #expect(code { try store.add(binding("Bad Name")) } == .invalidName)
        #expect(code { try store.add(binding("session")) } == .reservedName)
        #expect(store.list().isEmpty)
    }

    @Test("A binding outlives the process, is found by its issuer to the letter, and goes when it is removed")
    func storing() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("workload-\(UUID().uuidString).db")
            .path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let made = binding(issuer: "https://k8s.example/", claims: ["sub": ["system:serviceaccount:prod:web"]])
        try WorkloadBindingStore(database: database(path)).add(made)
        let store = try WorkloadBindingStore(database: database(path))
        #expect(store.list() == [made])
        #expect(store.bindings(of: "https://k8s.example/") == [made])
        #expect(store.bindings(of: "https://k8s.example").isEmpty)
        #expect(code { try store.add(made) } == .alreadyExists)
        try store.remove(name: "ci")
        #expect(store.binding(named: "ci") == nil)
        #expect(code { try store.remove(name: "ci") } == .notFound)
    }

    @Test("Of uses at once, one is the first; after a restart, too")
    func usedOnce() async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("used-\(UUID().uuidString).db").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let store = UsedTokenStore(database: try database(path))
        let firsts = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    try await store.note([1, 2], expires: Timestamp(seconds: 1_790_000_100), now: Self.now) == .first
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(firsts == 1)
        let later = UsedTokenStore(database: try database(path))
        #expect(try await later.note([1, 2], expires: Timestamp(seconds: 1_790_000_100), now: Self.now) == .again)
        try await later.forget([1, 2])
        #expect(try await later.note([1, 2], expires: Timestamp(seconds: 1_790_000_100), now: Self.now) == .first)
    }

    @Test("Memory of uses is bounded: when it is full none is forgotten before its time, and new ones wait")
    func bounded() async throws {
        let store = UsedTokenStore(database: try database(), limit: 2)
        let end = Timestamp(seconds: 1_790_000_100)
        for number in UInt8(0)..<2 { #expect(try await store.note([number], expires: end, now: Self.now) == .first) }
        #expect(try await store.note([9], expires: end, now: Self.now) == .full)
        #expect(try await store.note([0], expires: end, now: Self.now) == .again)
        let later = Timestamp(seconds: 1_790_000_101)
        #expect(try await store.note([9], expires: end, now: later) == .first)
        #expect(try store.count == 1)
    }
}
