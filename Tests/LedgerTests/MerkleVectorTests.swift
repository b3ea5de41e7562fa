import Foundation
import Testing

@testable import Ledger

@Suite struct MerkleVectorTests {
    struct Line: Decodable {
        let file: String
        let `case`: Vector
    }

    struct Vector: Decodable {
        let leafIdx: UInt64?
        let treeSize: UInt64?
        let size1: UInt64?
        let size2: UInt64?
        let start: UInt64?
        let end: UInt64?
        let size: UInt64?
        let root: Data?
        let root1: Data?
        let root2: Data?
        let leafHash: Data?
        let proof: [Data]?
        let wantErr: Bool
    }

    static let file: URL = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let folder =
            ProcessInfo.processInfo.environment["CUSTODY_CONFORMANCE"]
            ?? root.appending(path: "../shared/conformance").path
        return URL(filePath: folder).appending(path: "merkle/vectors.jsonl")
    }()

    @Test(
        "All proof vectors are judged as they have to be",
        .enabled(if: FileManager.default.fileExists(atPath: file.path)))
    func vectors() throws {
        var count = 0
        for text in try String(contentsOf: Self.file, encoding: .utf8).split(separator: "\n") {
            let line = try JSONDecoder().decode(Line.self, from: Data(text.utf8))
            let isAccepted = (try? Self.verify(line.case, kind: String(line.file.split(separator: "/")[1]))) != nil
            #expect(isAccepted != line.case.wantErr, "\(line.file)")
            count += 1
        }
        #expect(count == 518)
    }

    private static func verify(_ vector: Vector, kind: String) throws {
        let proof = try (vector.proof ?? []).map { try hash($0) }
        let root = try hash(vector.root ?? vector.root1 ?? Data())
        let other = try hash(vector.leafHash ?? vector.root2 ?? Data())
        switch kind {
        case "inclusion":
            try MerkleProofs.verifyInclusion(
                of: other, at: #require(vector.leafIdx), in: #require(vector.treeSize), root: root, proof: proof)
        case "consistency":
            try MerkleProofs.verifyConsistency(
                from: #require(vector.size1), root, to: #require(vector.size2), other, proof: proof)
        case "subtreeinclusion":
            let subtree = try range(vector)
            try MerkleProofs.verifyInclusion(
                of: other, at: #require(vector.leafIdx), inSubtree: subtree, root: root, proof: proof)
        default:
            let subtree = try range(vector)
            try MerkleProofs.verifyConsistency(
                ofSubtree: subtree, root, with: #require(vector.size), other, proof: proof)
        }
    }

    /// Some vectors have a placeholder text where a hash does not matter or must not match: its digest stands for it, so
    /// that equal placeholders are equal hashes.
    private static func hash(_ data: Data) throws -> TreeHash {
        guard !data.isEmpty else { throw LedgerError(.malformed, "no hash") }
        return TreeHash(data) ?? data.withUnsafeBytes { MerkleHashing.leaf($0) }
    }

    private static func range(_ vector: Vector) throws -> Range<UInt64> {
        let start = try #require(vector.start)
        let end = try #require(vector.end)
        guard start <= end else { throw LedgerError(.malformed, "no range") }
        return start..<end
    }
}
