import Crypto
import DurableFiles
import EventModel
import Foundation
import Intake
import Journal
import Ledger
import SystemPackage
import TestSupport
import Testing

@testable import CustodyServer

@Suite("Evidence packs offline")
struct EvidenceVerifierTests {
    private let key: LedgerKey

    init() throws { key = try LedgerKey(name: "custody/0123abcd", seed: Array(repeating: 3, count: 32)) }

    /// A ledger of one event, and its pack.
    private func pack(visible: Set<FieldGroup>) throws -> [UInt8] {
        var record = EventRecord()
        record.set(.action, "code.push")
        record.set(.actorName, "octocat")
        record.set(.clientIP, "203.0.113.7")
        var sealed: [UInt8] = []
        _ = Array(#"{"secret":"of the payload"}"#.utf8).withUnsafeBytes {
            SealedForm.append(&record, payload: $0, to: &sealed)
        }
        var random = SystemRandomNumberGenerator()
        let seed = SaltSeed(root: Bytes32(using: &random))
        var deriver = SaltDeriver(seed)
        let derived = deriver.salts(at: 0)
        let salts = try #require(derived)
        let parts = try #require(EvidenceFormat.parts(of: seed, at: 0))
        return try sealed.withUnsafeBytes { bytes in
            let view = try SealedView(bytes)
            let leaf = try LeafEntries.entry(of: view, salts: salts).leafHash
            let checkpoint = try SignedCheckpoint(
                signing: Checkpoint(origin: key.verifierKey.name, size: 1, root: leaf), with: key)
            let header = EvidenceFormat.header(
                query: "*", created: Timestamp(seconds: 0), key: key.verifierKey, checkpoint: checkpoint.note.bytes,
                disclosing: visible)
            let line = try EvidenceFormat.line(view, index: 0, parts: parts, visible: visible, proof: [])
            return try signed(header + line + EvidenceFormat.trailer(events: 1, coverage: EvidenceCoverage()))
        }
    }

    private func signed(_ lines: [UInt8]) throws -> [UInt8] {
        try lines + EvidenceFormat.signature(over: Array(SHA256.hash(data: lines)), by: key)
    }

    private func code(_ pack: [UInt8], key: VerifierKey? = nil) -> EvidenceError.Code? {
        do {
            _ = try EvidenceVerifier(key: key).verify(pack)
            return nil
        } catch {
            return (error as? EvidenceError)?.code
        }
    }

    @Test("A pack that hides groups proves the others, and holds nothing of what it hides")
    func partialDisclosure() throws {
        let pack = try pack(visible: [.envelope, .resource])
        var shown: [UInt8: [UInt8]] = [:]
        let report = try EvidenceVerifier(key: key.verifierKey).verify(pack) { _, groups in shown = groups }
        #expect(report.events == 1 && report.isKeyTrusted)
        #expect(Set(shown.keys) == [FieldGroup.envelope.rawValue, FieldGroup.resource.rawValue])
        let text = String(decoding: pack, as: UTF8.self)
        for hidden in ["octocat", "of the payload"] {
            #expect(!text.contains(hidden))
            // Whatever the alignment, base64 of the middle of the text would show.
            for offset in 0..<3 {
                let middle = Data(hidden.utf8.dropFirst(offset).prefix(3)).base64EncodedString()
                #expect(
                    !text.contains(middle + Data(hidden.utf8.dropFirst(offset + 3).prefix(3)).base64EncodedString()))
            }
        }
    }

    @Test("Without a key the pack's own is used and nobody vouches for it; another key refuses the pack")
    func keys() throws {
        let pack = try pack(visible: Set(FieldGroup.allCases))
        #expect(try EvidenceVerifier(key: nil).verify(pack).isKeyTrusted == false)
        let other = try LedgerKey(name: key.verifierKey.name, seed: Array(repeating: 4, count: 32))
        #expect(code(pack, key: other.verifierKey) == .altered)
    }

    @Test("An event told twice, an event left out and a file cut anywhere are found, whoever signed")
    func structure() throws {
        let pack = try pack(visible: Set(FieldGroup.allCases))
        let lines = pack.split(separator: UInt8(ascii: "\n")).map { Array($0) + [UInt8(ascii: "\n")] }
        let two = Array(
            String(decoding: lines[2], as: UTF8.self).replacingOccurrences(of: "\"events\":1", with: "\"events\":2")
                .utf8)
        #expect(code(try signed(lines[0] + lines[1] + lines[1] + two)) == .altered)
        #expect(code(try signed(lines[0] + lines[2])) == .altered)
        #expect(code(try signed(lines[0] + lines[1] + lines[2])) == nil)
        #expect(code(pack + lines[1]) == .altered)
        for end in stride(from: 0, to: pack.count, by: 7) { #expect(code(Array(pack[..<end])) != nil) }
    }

    @Test("Every byte is covered: query, time and the statement of coverage too")
    func everyByte() throws {
        let pack = try pack(visible: [.envelope])
        for position in pack.indices {
            var altered = pack
            altered[position] ^= 1
            #expect(code(altered, key: key.verifierKey) != nil, "byte \(position)")
        }
    }

    /// `CUSTODY_FUZZ_ROUNDS` runs more than the default.
    private static let rounds = ProcessInfo.processInfo.environment["CUSTODY_FUZZ_ROUNDS"].flatMap { Int($0) } ?? 800

    @Test("A pack that a fuzzer changed proves nothing, and is an error of its own kind")
    func fuzz() throws {
        let (pack, other) = (try pack(visible: [.envelope]), try pack(visible: Set(FieldGroup.allCases)))
        let pieces = ["{", "}", "\n", "\"hash\":", "\"salt\":", "[]", "null", "-1", "1e9", "\"\""].map {
            Array($0.utf8)
        }
        var mutator = ByteMutator(seed: 3, pieces: pieces)
        for round in 0..<Self.rounds {
            let changed = mutator.mutated(pack, mixedWith: other)
            guard changed != pack, changed != other else { continue }
            do {
                _ = try EvidenceVerifier(key: key.verifierKey).verify(changed)
                Issue.record("round \(round) verifies")
            } catch is EvidenceError {
                continue
            }
        }
    }

    @Test("A file is verified line by line, whatever the pieces in which it is read")
    func streaming() throws {
        let disk = FaultingFileSystem(seed: 1)
        let pack = try pack(visible: [.envelope])
        try disk.writeAtomically(pack, to: "/pack")
        #expect(try EvidenceVerifier(key: key.verifierKey).verify(try disk.open("/pack", .read)).events == 1)
        try disk.writeAtomically(
            [UInt8](repeating: 65, count: EvidenceFormat.maximumLineBytes + 2_000_000), to: "/long")
        #expect(throws: EvidenceError.self) {
            try EvidenceVerifier(key: nil).verify(try disk.open("/long", .read))
        }
    }

    @Test("A second spelling of the same base64 is found")
    func spelling() throws {
        let pack = try pack(visible: [])
        // A hash has 32 bytes: the character before the padding has two bits that mean nothing.
        let at = try #require(pack.lastRange(of: Array("=\"}".utf8))?.lowerBound) - 1
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let position = try #require(alphabet.firstIndex(of: pack[at]))
        var altered = pack
        altered[at] = alphabet[position ^ 1]
        #expect(code(altered) != nil)
    }
}
