import Testing

@testable import Ledger

/// The worked example of docs/format/ledger.md, computed there with Python's hashlib.
@Suite struct EventCommitmentTests {
    static let groups = [
        #"{"time":"2026-11-23T12:00:00Z"}"#, #"{"name":"octocat"}"#, "", #"{"name":"acme/api"}"#, "",
        #"{"action":"push"}"#,
    ].map { Array($0.utf8) }
    static let salts = Array(0..<96 as Range<UInt8>)
    static let hashes = [
        "56b61bd90b553558e619fa194360d4716631e65e853ff8a464de0a129680e9f6",
        "d7673b4e872fcf910c3a933c5127ae16adfa54fe7674ebe5fce062b9db12ee06",
        "cd928dab2824be4371d2ea4a34e1adbcb57728dfa1323594e458d6313fa9c10c",
        "f138abf95099595fd5fadd94b70080d08a3d00f969d16e41ee811b7df025f755",
        "801537abbb51ac1e329f1043ec994f7839aceaae67a9604f6a7d17ab6194adb4",
        "76b67d14590b1e542f46c8649c62d617ae1e42b88ac12522997b5d564b6a9894",
    ]
    static let root = "b64c135235692815b18f436bfddec283169eec1c467c706013ccc08c5506613a"

    private func salt(_ group: Int) -> [UInt8] { Array(Self.salts[group * 16..<(group + 1) * 16]) }

    @Test("The worked example's event root is computed from its groups and salts")
    func eventRoot() {
        var root = TreeHash.zero
        let all = Self.groups.flatMap { $0 }
        all.withUnsafeBytes { bytes in
            var offset = 0
            let parts = Self.groups.map { group in
                defer { offset += group.count }
                return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + group.count])
            }
            let groups = CommittedGroups(
                envelope: parts[0], actor: parts[1], network: parts[2], resource: parts[3], text: parts[4],
                raw: parts[5])
            Self.salts.withUnsafeBytes { salts in
                root.withUnsafeMutableBytes { EventCommitment.root(of: groups, salts: salts, into: $0) }
            }
        }
        #expect(root.hex == Self.root)
    }

    @Test("Roots that are computed together are those that each event has alone", arguments: [1, 2, 31, 32])
    func together(count: Int) {
        let bytes = (0..<8_192).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        bytes.withUnsafeBytes { bytes in
            let events = (0..<count).map { event in
                // Groups of all lengths, a few of them empty, as those of events are.
                let parts = (0..<6).map { group in
                    UnsafeRawBufferPointer(rebasing: bytes[event..<event + (event * 97 + group * 389) % 2_000])
                }
                return (
                    groups: CommittedGroups(
                        envelope: parts[0], actor: parts[1], network: parts[2], resource: parts[3], text: parts[4],
                        raw: parts[5]),
                    salts: UnsafeRawBufferPointer(rebasing: bytes[event * 7..<event * 7 + 96])
                )
            }
            let expected = events.map { event in
                var root = TreeHash.zero
                root.withUnsafeMutableBytes { EventCommitment.root(of: event.groups, salts: event.salts, into: $0) }
                return root
            }
            var queue = CommitmentQueue()
            // Twice: the queue is used again and again.
            for _ in 0..<2 {
                for event in events { queue.add(event.groups, salts: event.salts) }
                var roots: [TreeHash] = []
                queue.finish { roots.append($0) }
                #expect(roots == expected)
            }
        }
    }

    @Test("Each group can be disclosed alone and leads to the same root", arguments: 0..<6)
    func disclosure(group: Int) throws {
        var others = try Self.hashes.map { try #require(LowercaseHex.decode($0).flatMap { TreeHash($0) }) }
        others.remove(at: group)
        let root = try EventCommitment.root(
            disclosing: UInt8(group), salt: salt(group), bytes: Self.groups[group], otherHashes: others)
        #expect(root.hex == Self.root)
        let forged = try EventCommitment.root(
            disclosing: UInt8(group), salt: salt(group), bytes: Self.groups[group] + [0], otherHashes: others)
        #expect(forged.hex != Self.root)
        let wrongSalt = try EventCommitment.root(
            disclosing: UInt8(group), salt: salt(5 - group), bytes: Self.groups[group], otherHashes: others)
        #expect(wrongSalt.hex != Self.root)
    }

    @Test("A disclosure of the wrong shape is refused")
    func refusals() {
        let five = [TreeHash](repeating: .zero, count: 5)
        #expect(throws: LedgerError.self) {
            try EventCommitment.root(disclosing: 6, salt: salt(0), bytes: [], otherHashes: five)
        }
        #expect(throws: LedgerError.self) {
            try EventCommitment.root(disclosing: 0, salt: [1], bytes: [], otherHashes: five)
        }
        #expect(throws: LedgerError.self) {
            try EventCommitment.root(disclosing: 0, salt: salt(0), bytes: [], otherHashes: five + five)
        }
        #expect(throws: LedgerError.self) { try EventCommitment.root(groupHashes: five) }
    }

    @Test("The worked example's leaf entry has 44 bytes and its leaf hash")
    func leafEntry() throws {
        let root = try #require(LowercaseHex.decode(Self.root).flatMap { TreeHash($0) })
        let entry = LeafEntry(kind: .event, retentionClass: 2, received: 1_795_435_200_123, root: root)
        #expect(LowercaseHex.encode(entry.bytes) == "01000002000001a20846fe7b" + Self.root)
        #expect(entry.leafHash.hex == "0ce576832b8b27ca50a3b5784993e4946352b6807f782b02883d8e3ab016fdea")
        #expect(try entry.bytes.withUnsafeBytes { try LeafEntry($0) } == entry)
    }

    @Test("An entry of another version or length is refused")
    func entryRefusals() {
        var bytes = TreeOfLeaves.entry(1).bytes
        #expect(throws: LedgerError.self) { try bytes.dropLast().withUnsafeBytes { try LeafEntry($0) } }
        bytes[0] = 2
        #expect(throws: LedgerError.self) { try bytes.withUnsafeBytes { try LeafEntry($0) } }
    }

    @Test("A kind that this version does not name keeps its number")
    func unknownKind() throws {
        let entry = LeafEntry(kind: LeafKind(rawValue: 200), retentionClass: 0, received: 0, root: .zero)
        let read = try entry.bytes.withUnsafeBytes { try LeafEntry($0) }
        #expect(read == entry)
        #expect(read.kind.description == "kind 200")
        #expect(LeafKind.beacon.description == "beacon")
    }
}
