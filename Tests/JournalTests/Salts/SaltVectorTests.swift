import Foundation
import Testing

@testable import Journal

@Suite("Salts")
struct SaltVectorTests {
    private struct Vectors: Decodable {
        struct Seed: Decodable {
            struct Event: Decodable {
                let position: UInt8
                let key: String
                let salts: [String]
            }

            let seed: String
            let left: String
            let right: String
            let digestOfAllSalts: String
            let events: [Event]
        }

        let seeds: [Seed]
    }

    private let vectors: Vectors

    init() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/salts.json")
        vectors = try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: file))
    }

    @Test("Keys and salts equal the published vectors, in any order of positions")
    func vectorsHold() throws {
        for vector in vectors.seeds {
            let root = try #require(Bytes32(bytes(vector.seed)))
            var deriver = SaltDeriver(SaltSeed(root: root))
            for event in vector.events + vector.events.reversed() {
                let key = deriver.key(at: event.position)
                #expect(key?.array == bytes(event.key))
                let derived = deriver.salts(at: event.position)
                let salts = try #require(derived)
                #expect((0..<EventSalts.groups).map { salts.salt(ofGroup: $0) } == event.salts.map(bytes))
            }
        }
    }

    @Test("A walk over all positions gives what a fresh derivation gives at each")
    func walkEqualsFresh() throws {
        let root = try #require(Bytes32(bytes(vectors.seeds[1].seed)))
        var walking = SaltDeriver(SaltSeed(root: root))
        for position in UInt8.min...UInt8.max {
            var fresh = SaltDeriver(SaltSeed(root: root))
            #expect(walking.salts(at: position) == fresh.salts(at: position))
        }
    }

    @Test("Salts that are written together are those of each event; they end before a key that was destroyed")
    func together() throws {
        let root = try #require(Bytes32(bytes(vectors.seeds[1].seed)))
        let half = try #require(
            SaltSeed.Subtree(depth: 1, firstPosition: 0, key: LabelledHash.treeNode(0, root)))
        for (seed, positions, written) in [
            (SaltSeed(root: root), 0..<256, 256), (SaltSeed(root: root), 255..<256, 1),
            (SaltSeed(root: root), 5..<5, 0), (try #require(SaltSeed(subtrees: [half])), 100..<140, 28),
        ] {
            var deriver = SaltDeriver(seed)
            var salts = [UInt8](repeating: 0, count: positions.count * EventSalts.byteCount)
            let count = salts.withUnsafeMutableBytes { deriver.writeSalts(of: positions, to: $0) }
            #expect(count == written)
            var single = SaltDeriver(seed)
            let expected = positions.prefix(written).flatMap { position in
                (single.salts(at: UInt8(position)).map { salts in (0..<6).flatMap(salts.salt(ofGroup:)) }) ?? []
            }
            #expect(Array(salts.prefix(written * EventSalts.byteCount)) == expected)
        }
    }

    @Test("A seed of subtrees derives the same salts for what it covers and none for the rest")
    func punctured() throws {
        let vector = vectors.seeds[1]
        let root = try #require(Bytes32(bytes(vector.seed)))
        let right = try #require(Bytes32(bytes(vector.right)))
        let half = try #require(SaltSeed.Subtree(depth: 1, firstPosition: 128, key: right))
        var whole = SaltDeriver(SaltSeed(root: root))
        var part = SaltDeriver(try #require(SaltSeed(subtrees: [half])))
        for position in UInt8.min...UInt8.max {
            let salts = part.salts(at: position)
            #expect(position < 128 ? salts == nil : salts == whole.salts(at: position))
        }
    }

    @Test("A seed's description does not disclose it")
    func description() {
        var generator = SystemRandomNumberGenerator()
        let seed = SaltSeed(root: Bytes32(using: &generator))
        #expect("\(seed)" == "a salt seed of 1 subtrees" && String(reflecting: seed) == "\(seed)")
    }

    @Test("Subtrees that overlap, or lie where none can, are refused")
    func badSubtrees() throws {
        let key = Bytes32.zero
        let root = try #require(SaltSeed.Subtree(depth: 0, firstPosition: 0, key: key))
        let leaf = try #require(SaltSeed.Subtree(depth: 8, firstPosition: 3, key: key))
        #expect(SaltSeed(subtrees: [root, leaf]) == nil)
        #expect(SaltSeed(subtrees: [leaf, leaf]) == nil)
        #expect(SaltSeed.Subtree(depth: 1, firstPosition: 3, key: key) == nil)
        #expect(SaltSeed.Subtree(depth: 9, firstPosition: 0, key: key) == nil)
    }

    private func bytes(_ hex: String) -> [UInt8] {
        stride(from: 0, to: hex.count, by: 2).map { start in
            let from = hex.index(hex.startIndex, offsetBy: start)
            return UInt8(hex[from..<hex.index(from, offsetBy: 2)], radix: 16) ?? 0
        }
    }
}
