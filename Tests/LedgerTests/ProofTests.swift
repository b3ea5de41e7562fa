import DurableFiles
import Testing

@testable import Ledger

@Suite struct ProofTests {
    @Test("Every inclusion and consistency proof of every small tree verifies and equals RFC 6962's")
    func allSmallTrees() throws {
        let tree = TreeOfLeaves(size: 40)
        for size in 1...40 {
            let root = tree.root(size)
            for index in 0..<size {
                let proof = try hashes(.inclusion(of: UInt64(index), in: UInt64(size)), tree, size)
                #expect(proof == tree.inclusionProof(index, in: 0..<size))
                try MerkleProofs.verifyInclusion(
                    of: tree.leaves[index], at: UInt64(index), in: UInt64(size), root: root, proof: proof)
            }
            for old in 1...size {
                let proof = try hashes(.consistency(from: UInt64(old), to: UInt64(size)), tree, size)
                try MerkleProofs.verifyConsistency(
                    from: UInt64(old), tree.root(old), to: UInt64(size), root, proof: proof)
            }
        }
    }

    @Test(
        "A flipped bit, another position, a missing or an added hash makes a proof fail", arguments: [7, 300, 65_793])
    func tamperedProofs(size: Int) throws {
        let fixture = try LedgerFixture()
        let reader = try fixture.build([UInt64(size)]).reader
        let root = try reader.root(of: UInt64(size))
        var generator = SeededGenerator(seed: UInt64(size))
        for _ in 0..<12 {
            let index = UInt64.random(in: 0..<UInt64(size), using: &generator)
            let old = UInt64.random(in: 1..<UInt64(size), using: &generator)
            let leaf = TreeOfLeaves.entry(index).leafHash
            let oldRoot = try reader.root(of: old)
            let inclusion = try reader.inclusionProof(of: index, in: UInt64(size))
            let consistency = try reader.consistencyProof(from: old, to: UInt64(size))
            func isIncluded(_ proof: [TreeHash], at index: UInt64, _ root: TreeHash, leaf: TreeHash) -> Bool {
                (try? MerkleProofs.verifyInclusion(of: leaf, at: index, in: UInt64(size), root: root, proof: proof))
                    != nil
            }
            func isConsistent(_ proof: [TreeHash], _ oldRoot: TreeHash, _ root: TreeHash) -> Bool {
                (try? MerkleProofs.verifyConsistency(from: old, oldRoot, to: UInt64(size), root, proof: proof)) != nil
            }
            #expect(isIncluded(inclusion, at: index, root, leaf: leaf))
            #expect(isConsistent(consistency, oldRoot, root))
            for altered in alterations(of: inclusion, &generator) {
                #expect(!isIncluded(altered, at: index, root, leaf: leaf))
            }
            for altered in alterations(of: consistency, &generator) {
                #expect(!isConsistent(altered, oldRoot, root))
            }
            #expect(!isIncluded(inclusion, at: index ^ 1, root, leaf: leaf))
            #expect(!isIncluded(inclusion, at: index, flipped(root, &generator), leaf: leaf))
            #expect(!isIncluded(inclusion, at: index, root, leaf: flipped(leaf, &generator)))
            #expect(!isConsistent(consistency, flipped(oldRoot, &generator), root))
            #expect(!isConsistent(consistency, oldRoot, flipped(root, &generator)))
        }
    }

    @Test("Proofs for what the tree does not have are refused")
    func outOfRange() throws {
        let fixture = try LedgerFixture()
        let reader = try fixture.build([300]).reader
        #expect(throws: LedgerError.self) { try reader.inclusionProof(of: 300, in: 300) }
        #expect(throws: LedgerError.self) { try reader.inclusionProof(of: 0, in: 301) }
        #expect(throws: LedgerError.self) { try reader.consistencyProof(from: 0, to: 300) }
        #expect(throws: LedgerError.self) { try reader.consistencyProof(from: 200, to: 100) }
        #expect(throws: LedgerError.self) { try reader.tlogProof(of: 300) }
        #expect(throws: LedgerError.self) { try reader.entry(at: 300) }
        #expect(throws: LedgerError.self) { try reader.tile(level: 0, index: 1, width: 45) }
        #expect(throws: LedgerError.self) { try reader.tile(level: 1, index: 0) }
        #expect(throws: LedgerError.self) { try reader.tile(level: 9, index: 0, width: 1) }
        #expect(try reader.tile(level: 0, index: 1, width: 44).count == 44 * 32)
        #expect(try reader.tile(level: 0, index: 1, width: 3).count == 3 * 32)
    }

    @Test("A .tlog-proof verifies offline, is printed as it was read, and fails for another leaf")
    func tlogProof() throws {
        let fixture = try LedgerFixture()
        let reader = try fixture.build([700]).reader
        let key = fixture.key.verifierKey
        let made = try reader.tlogProof(of: 511)
        let proof = try TlogProof(parsing: made.bytes)
        #expect(proof == made)
        #expect(try proof.verify(leaf: TreeOfLeaves.entry(511).leafHash, key: key).checkpoint.size == 700)
        #expect(throws: LedgerError.self) { try proof.verify(leaf: TreeOfLeaves.entry(512).leafHash, key: key) }
        let extra = TlogProof(index: 3, hashes: proof.hashes, checkpoint: proof.checkpoint, extra: [1, 2, 3])
        #expect(try TlogProof(parsing: extra.bytes) == extra)
        #expect(String(decoding: extra.bytes, as: UTF8.self).hasPrefix("c2sp.org/tlog-proof@v1\nextra AQID\nindex 3\n"))
    }

    @Test("The proof of a log of one leaf has no hashes and still verifies")
    func singleLeaf() throws {
        let fixture = try LedgerFixture()
        let reader = try fixture.build([1]).reader
        let proof = try TlogProof(parsing: reader.tlogProof(of: 0).bytes)
        #expect(proof.hashes.isEmpty)
        _ = try proof.verify(leaf: TreeOfLeaves.entry(0).leafHash, key: fixture.key.verifierKey)
    }

    @Test("A .tlog-proof with any altered byte fails")
    func alteredTlogProof() throws {
        let fixture = try LedgerFixture()
        let bytes = try fixture.build([5]).reader.tlogProof(of: 2).bytes
        for index in bytes.indices {
            var altered = bytes
            altered[index] ^= 1
            #expect(throws: LedgerError.self, "byte \(index)") {
                try TlogProof(parsing: altered).verify(
                    leaf: TreeOfLeaves.entry(2).leafHash, key: fixture.key.verifierKey)
            }
        }
    }

    private func hashes(_ plan: ProofPlan, _ tree: TreeOfLeaves, _ size: Int) throws -> [TreeHash] {
        var tiles: [TilePath: [TreeHash]] = [:]
        for path in try plan.tiles() {
            #expect(path.content == .hashes(level: 0))
            tiles[path] = Array(tree.leaves[0..<path.width])
        }
        return try plan.hashes(from: tiles)
    }

    private func alterations(of proof: [TreeHash], _ generator: inout SeededGenerator) -> [[TreeHash]] {
        var all = [proof + [.zero]]
        if !proof.isEmpty { all += [Array(proof.dropLast()), Array(proof.dropFirst())] }
        for index in proof.indices {
            var altered = proof
            altered[index] = flipped(altered[index], &generator)
            all.append(altered)
        }
        return all
    }

    private func flipped(_ hash: TreeHash, _ generator: inout SeededGenerator) -> TreeHash {
        var altered = hash
        let bit = Int.random(in: 0..<256, using: &generator)
        altered.withUnsafeMutableBytes { $0[bit / 8] ^= 1 << UInt8(bit % 8) }
        return altered
    }
}

@Suite struct BatchedProofTests {
    @Test("Proofs made together are those made one by one, in the order that was asked for")
    func sameProofs() throws {
        let fixture = try LedgerFixture()
        let reader = try fixture.build([70_000]).reader
        let indexes: [UInt64] = [69_999, 0, 255, 256, 257, 65_535, 65_536, 12_345, 0, 69_887, 69_888, 300]
        for size in [70_000, 69_890] as [UInt64] {
            let asked = indexes.filter { $0 < size }
            let together = try reader.inclusionProofs(of: asked, in: size)
            for (index, proof) in zip(asked, together) {
                #expect(try proof == reader.inclusionProof(of: index, in: size))
                try MerkleProofs.verifyInclusion(
                    of: TreeOfLeaves.entry(index).leafHash, at: index, in: size, root: reader.root(of: size),
                    proof: proof)
            }
        }
        #expect(throws: LedgerError.self) { try reader.inclusionProofs(of: [70_000], in: 70_000) }
        let files = try reader.tlogProofs(of: [5, 70_000])
        #expect(files.keys.sorted() == [5])
        let file = try #require(files[5])
        _ = try file.verify(leaf: TreeOfLeaves.entry(5).leafHash, key: fixture.key.verifierKey)
    }
}
