import Foundation
import Testing

@testable import Ledger

/// The kept corpus: inputs that readers once had to be taught, and spellings that others get wrong, one file each.
/// What a fuzzer finds is added to it. `Fixtures/corpus/FORMAT/accepted…` has to be read and written again byte for byte, all other
/// files have to be refused, with an error of the ledger's.
@Suite("The kept corpus of the ledger's readers")
struct CorpusTests {
    private static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures/corpus")

    private static func files(_ format: String) throws -> [(name: String, bytes: [UInt8])] {
        let directory = directory.appendingPathComponent(format)
        return try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted().map {
            ($0, Array(try Data(contentsOf: directory.appendingPathComponent($0))))
        }
    }

    /// - Parameter read: reads and spells again.
    private func judge(_ format: String, _ read: ([UInt8]) throws -> [UInt8]) throws {
        let files = try Self.files(format)
        #expect(files.count >= 5 && files.contains { $0.name.hasPrefix("accepted") })
        for (name, bytes) in files {
            do {
                let spelled = try read(bytes)
                #expect(name.hasPrefix("accepted") && spelled == bytes, "\(format)/\(name) is read")
            } catch is LedgerError {
                #expect(!name.hasPrefix("accepted"), "\(format)/\(name) is refused")
            }
        }
    }

    @Test("Notes")
    func notes() throws { try judge("note") { try SignedNote(parsing: $0).bytes } }

    @Test("Checkpoints")
    func checkpoints() throws { try judge("checkpoint") { try Checkpoint(parsing: $0).text } }

    @Test("Proof files")
    func proofs() throws { try judge("proof") { try TlogProof(parsing: $0).bytes } }

    @Test("Verifier keys")
    func keys() throws {
        try judge("vkey") { bytes in
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw LedgerError(.malformed, "not UTF-8")
            }
            return Array(try VerifierKey(parsing: text).description.utf8)
        }
    }

    @Test("Tile paths")
    func paths() throws {
        try judge("tilepath") { bytes in
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw LedgerError(.malformed, "not UTF-8")
            }
            return Array(try TilePath(parsing: text).description.utf8)
        }
    }

    @Test("Policies")
    func policies() throws {
        try judge("policy") { bytes in
            _ = try WitnessPolicy(parsing: bytes)
            return bytes
        }
    }
}
