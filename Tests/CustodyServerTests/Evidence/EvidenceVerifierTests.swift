import EventModel
import Foundation
import Intake
import Journal
import Ledger
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
                count: 1)
            return try header + EvidenceFormat.line(view, index: 0, parts: parts, visible: visible, proof: [])
        }
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

    @Test("An event told twice, an event left out and a file cut anywhere are found")
    func structure() throws {
        let pack = try pack(visible: Set(FieldGroup.allCases))
        let line = try #require(pack.firstIndex(of: UInt8(ascii: "\n"))) + 1
        let twice = String(decoding: pack, as: UTF8.self).replacingOccurrences(of: "\"count\":1", with: "\"count\":2")
        #expect(code(Array(twice.utf8) + pack[line...]) == .altered)
        #expect(code(Array(pack[..<line])) == .altered)
        for end in stride(from: 0, to: pack.count - 1, by: 7) { #expect(code(Array(pack[..<end])) != nil) }
    }

    @Test("A second spelling of the same base64 is found")
    func spelling() throws {
        let pack = try pack(visible: [])
        // A hash has 32 bytes: the character before the padding has two bits that mean nothing.
        let at = try #require(pack.lastIndex(of: UInt8(ascii: "="))) - 1
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let position = try #require(alphabet.firstIndex(of: pack[at]))
        var altered = pack
        altered[at] = alphabet[position ^ 1]
        #expect(code(altered) != nil)
    }
}
