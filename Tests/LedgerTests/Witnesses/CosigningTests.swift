import DurableFiles
import Foundation
import Synchronization
import SystemPackage
import Testing

@testable import Ledger

/// Witnesses in this process behind their URLs, with what a network may do to a request.
final class WitnessNetwork: WitnessTransport {
    struct Lost: Error {}
    typealias Answer = @Sendable (_ body: [UInt8]) async throws -> WitnessReply

    private let sites = Mutex<[String: Answer]>([:])
    private let requests = Mutex(0)

    var count: Int { requests.withLock { $0 } }

    func set(_ url: String, _ answer: @escaping Answer) { sites.withLock { $0[url + "/add-checkpoint"] = answer } }

    func set(_ url: String, _ witness: Witness) {
        set(url) { body in
            let answer = witness.addCheckpoint(body)
            return WitnessReply(status: answer.status, contentType: answer.contentType, body: answer.body)
        }
    }

    func post(_ body: [UInt8], to url: String, timeout: Duration) async throws -> WitnessReply {
        requests.withLock { $0 += 1 }
        guard let answer = sites.withLock({ $0[url] }) else { throw Lost() }
        return try await answer(body)
    }
}

@Suite("Having witnesses cosign")
struct CosigningTests {
    private let disk = FaultingFileSystem(seed: 1)
    private let network = WitnessNetwork()
    private let clock = SecondClock(1_795_435_200)

    private func witness(_ name: String, _ seed: UInt8, of log: VerifierKey) throws -> (Witness, String) {
        let witness = try Witness(
            directory: FilePath("/" + name), fileSystem: disk,
            key: WitnessKey(name: "example/" + name, seed: Array(repeating: seed, count: 32)), logs: [log],
            now: { [clock] in clock.now })
        network.set("https://" + name, witness)
        return (witness, "witness \(name) \(witness.verifierKey) https://\(name)")
    }

    private func policy(_ lines: [String]) throws -> WitnessPolicy {
        try WitnessPolicy(parsing: Array((lines.joined(separator: "\n") + "\n").utf8))
    }

    /// Waits for something that another task brings about; the limit only ends a test that failed.
    private func eventually(_ condition: () -> Bool) async -> Bool {
        let deadline = ContinuousClock.now + .seconds(20)
        while !condition() {
            guard ContinuousClock.now < deadline else { return false }
            await Task.yield()
        }
        return true
    }

    private func ledger() throws -> LedgerFixture {
        try disk.createDirectory("/data")
        return try LedgerFixture(fileSystem: disk, directory: "/data")
    }

    @Test("Each checkpoint is cosigned by all witnesses on top of the one before, and verifies under the policy")
    func growth() async throws {
        let fixture = try ledger()
        let (_, a) = try witness("a", 1, of: fixture.key.verifierKey)
        let (_, b) = try witness("b", 2, of: fixture.key.verifierKey)
        let policy = try policy([a, b, "group both all a b", "quorum both"])
        let cosigning = try Cosigning(policy, transport: network)
        cosigning.start()
        defer { cosigning.stop() }
        let writer = try fixture.open()
        for size in [1, 255, 256, 700] as [UInt64] {
            try writer.append(TreeOfLeaves.entries(writer.size..<size), at: writer.size)
            let signed = try #require(try writer.prepare())
            #expect(writer.reader.size < size)
            cosigning.seek(signed, proofs: writer.proofs)
            #expect(await eventually { cosigning.outcome.isComplete })
            #expect(cosigning.outcome.isQuorum)
            let published = try writer.publish(signed.adding(cosigning.outcome.signatures))
            let (read, judgement) = try policy.checkpoint(
                try writer.reader.checkpoint(), logs: [fixture.key.verifierKey])
            #expect(read == published && judgement.times.count == 2)
        }
        // One to learn the size, then one a checkpoint: nothing is asked twice.
        #expect(network.count == 8)
        #expect(try fixture.open().reader.latest?.note.signatures.count == 3)
    }

    @Test("A restarted log learns from 409 where its witness is, and proves from there")
    func conflictIsFollowed() async throws {
        let fixture = try ledger()
        let (_, a) = try witness("a", 1, of: fixture.key.verifierKey)
        let policy = try policy([a, "quorum a"])
        let writer = try fixture.build([300])
        for size in [400, 900] as [UInt64] {
            try writer.append(TreeOfLeaves.entries(writer.size..<size), at: writer.size)
            let signed = try #require(try writer.prepare())
            let cosigning = try Cosigning(policy, transport: network)
            cosigning.start()
            cosigning.seek(signed, proofs: writer.proofs)
            #expect(await eventually { cosigning.outcome.isQuorum })
            cosigning.stop()
            // Nothing of this is published: the process is thought to have died here.
        }
        #expect(network.count == 3)
    }

    @Test("A witness that is away is asked again, for what is sought by then, with pauses that double up to a limit")
    func backOff() async throws {
        let fixture = try ledger()
        let (site, a) = try witness("a", 1, of: fixture.key.verifierKey)
        network.set("https://a") { _ in throw WitnessNetwork.Lost() }
        let pauses = Mutex<[Duration]>([])
        let network = network
        let cosigning = try Cosigning(
            policy([a, "quorum a"]), transport: network,
            sleep: { pause in
                let count = pauses.withLock { pauses in
                    pauses.append(pause)
                    return pauses.count
                }
                if count == 9 { network.set("https://a", site) }
            })
        cosigning.start()
        defer { cosigning.stop() }
        let writer = try fixture.build([10])
        try writer.append(TreeOfLeaves.entries(10..<20), at: 10)
        cosigning.seek(try #require(try writer.prepare()), proofs: writer.proofs)
        #expect(await eventually { cosigning.outcome.isQuorum })
        let taken = pauses.withLock { $0 }
        #expect(taken.prefix(4) == [.milliseconds(500), .seconds(1), .seconds(2), .seconds(4)])
        #expect(taken.allSatisfy { $0 <= .seconds(30) } && taken.last == .seconds(30))
        #expect(cosigning.statuses[0].failure == nil && cosigning.statuses[0].size == 20)
    }

    @Test(
        "An answer that is not the protocol's is a failure and never a cosignature",
        arguments: ["", "\n", "— example/a AAAA\n", "— other/a IDJKvgAAAABrBCrA\n", "200\n"])
    func badAnswers(text: String) async throws {
        let fixture = try ledger()
        let (_, a) = try witness("a", 1, of: fixture.key.verifierKey)
        let key = try VerifierKey(parsing: a.split(separator: " ")[2], as: .cosignature)
        let writer = try fixture.build([10])
        let latest = try #require(writer.reader.latest)
        network.set("https://a") { _ in
            WitnessReply(status: 200, contentType: "text/plain", body: Array(text.utf8))
        }
        var client = WitnessClient(prefix: "https://a", key: key, transport: network, timeout: .seconds(1))
        await #expect(throws: WitnessFailure.self) { _ = try await client.cosign(latest) { _ in [] } }
        #expect(client.size == 0)
    }

    @Test("What a witness refuses is told apart: an unknown log, a lack of service, and another history")
    func failures() async throws {
        let fixture = try ledger()
        let (_, a) = try witness("a", 1, of: fixture.key.verifierKey)
        let key = try VerifierKey(parsing: a.split(separator: " ")[2], as: .cosignature)
        let latest = try #require(try fixture.build([10]).reader.latest)
        for (status, type, body, kind) in [
            (404, nil, "", .refused), (403, nil, "", .refused), (400, nil, "", .refused), (302, nil, "", .refused),
            (422, nil, "", .inconsistent), (503, nil, "", .unreachable), (429, nil, "", .unreachable),
            (409, "text/x.tlog.size", "11\n", .ahead), (409, "text/plain", "5\n", .badAnswer),
            (409, "text/x.tlog.size; q=1", "011\n", .badAnswer), (409, "text/x.tlog.size", "5\n", .badAnswer),
        ] as [(Int, String?, String, WitnessFailure.Kind)] {
            network.set("https://a") { _ in WitnessReply(status: status, contentType: type, body: Array(body.utf8)) }
            var client = WitnessClient(prefix: "https://a/", key: key, transport: network, timeout: .seconds(1))
            let error = await #expect(throws: WitnessFailure.self) {
                _ = try await client.cosign(latest) { _ in [] }
            }
            #expect(error?.kind == kind, "\(status) \(body)")
        }
    }

    @Test(
        "Two logs that witness each other: a fork that one of them makes is refused by the other, and shown by both views"
    )
    func forkIsDetected() async throws {
        let fixture = try ledger()
        let (site, a) = try witness("a", 1, of: fixture.key.verifierKey)
        let policy = try policy(["log \(fixture.key.verifierKey)", a, "quorum a"])
        // Two copies of one data directory with one key, each with leaves of its own.
        var writers: [LedgerWriter] = []
        for copy in 0..<2 {
            let path = FilePath("/copy\(copy)")
            let writer = try LedgerWriter(directory: path, fileSystem: disk, signer: fixture.key)
            try writer.append(TreeOfLeaves.entries(0..<300), at: 0)
            writers.append(writer)
        }
        try writers[0].append(TreeOfLeaves.entries(300..<400), at: 300)
        try writers[1].append(TreeOfLeaves.entries(1300..<1500), at: 300)
        var outcomes: [Cosigning] = []
        for writer in writers {
            let cosigning = try Cosigning(policy, transport: network, sleep: { _ in throw CancellationError() })
            cosigning.start()
            cosigning.seek(try #require(try writer.prepare()), proofs: writer.proofs)
            #expect(await eventually { cosigning.outcome.isComplete })
            cosigning.stop()
            outcomes.append(cosigning)
        }
        #expect(outcomes[0].outcome.isQuorum)
        #expect(!outcomes[1].outcome.isQuorum && outcomes[1].statuses[0].failure?.kind == .inconsistent)
        // A third party that got the forked view from its operator asks the witness, as tlog-witness lets it.
        let forked = try writers[1].publish()
        let hash = Witness.hash(of: forked.checkpoint.origin)
        let seen = try SignedCheckpoint(
            parsing: try #require(try site.checkpoint(ofOriginHash: hash)), verifiedBy: fixture.key.verifierKey)
        let verifier = LedgerVerifier(source: writers[1].reader, key: fixture.key.verifierKey)
        let error = await #expect(throws: LedgerError.self) {
            try await verifier.verifyConsistency(with: seen.checkpoint)
        }
        #expect(error?.code == .fork)
        #expect(throws: LedgerError.self) { try policy.checkpoint(forked.note.bytes) }
    }
}
