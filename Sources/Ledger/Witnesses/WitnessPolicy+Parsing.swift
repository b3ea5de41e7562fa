extension WitnessPolicy {
    /// Reads a policy file.
    ///
    /// Names are octets: nothing is folded or normalised. A key of a type that the field knows and Custody does not
    /// (ML-DSA, ECDSA) is accepted and never counts, so that a policy can be shared with programs that know it.
    /// - Throws: ``LedgerError/Code/malformed`` with the number of the line.
    package init(parsing bytes: [UInt8]) throws {
        guard bytes.count <= Self.maximumSize else { throw LedgerError(.malformed, "the policy is too large") }
        var reader = PolicyReader()
        for (number, line) in bytes.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
            do {
                try reader.read(line)
            } catch let error as LedgerError {
                throw LedgerError(.malformed, "policy line \(number + 1): \(error.reason)")
            }
        }
        self = try reader.finished()
    }
}

/// Reads a policy line by line; each line refers to what stands above it only.
private struct PolicyReader {
    private var policy = WitnessPolicy()
    private var names: [[UInt8]: Int] = [:]
    private var members: Set<Int> = []
    private var groups = 0
    private var hasQuorum = false

    private static let none = Array("none".utf8)
    /// Signature types that a log may have: Ed25519, and those that are only accepted.
    private static let logTypes: Set<UInt8> = [0x01, 0x02, 0x05, 0x06]
    /// Signature types that a witness may have: timed Ed25519, and ML-DSA-44, which is only accepted.
    private static let witnessTypes: Set<UInt8> = [0x04, 0x06]

    mutating func read(_ line: ArraySlice<UInt8>) throws {
        guard line.allSatisfy({ $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7f) }) else {
            throw LedgerError(.malformed, "there is a control character")
        }
        let items = line.split { $0 == 0x20 || $0 == 0x09 }.map { Array($0) }
        guard let keyword = items.first, keyword.first != UInt8(ascii: "#") else { return }
        switch String(decoding: keyword, as: UTF8.self) {
        case "log": try log(items)
        case "witness": try witness(items)
        case "group": try group(items)
        case "quorum": try quorum(items)
        default: throw LedgerError(.malformed, "a line begins with log, witness, group or quorum")
        }
    }

    func finished() throws -> WitnessPolicy {
        guard hasQuorum else { throw LedgerError(.malformed, "the policy has no quorum line") }
        return policy
    }

    private mutating func log(_ items: [[UInt8]]) throws {
        guard (2...3).contains(items.count) else { throw LedgerError(.malformed, "write: log VKEY [URL]") }
        let (key, publicKey) = try Self.key(items[1], of: Self.logTypes, as: .ed25519)
        guard !policy.logs.contains(where: { $0.publicKey == publicKey }) else {
            throw LedgerError(.malformed, "this log's key stands above already")
        }
        try Self.check(policy.logs.count)
        policy.logs.append(.init(key: key, url: items.count == 3 ? Self.text(items[2]) : nil, publicKey: publicKey))
    }

    private mutating func witness(_ items: [[UInt8]]) throws {
        guard (3...4).contains(items.count) else { throw LedgerError(.malformed, "write: witness NAME VKEY [URL]") }
        let (key, publicKey) = try Self.key(items[2], of: Self.witnessTypes, as: .cosignature)
        guard !policy.witnesses.contains(where: { $0.publicKey == publicKey }) else {
            throw LedgerError(.malformed, "this witness' key stands above already")
        }
        try Self.check(policy.witnesses.count)
        try define(items[1], as: .witness(policy.witnesses.count))
        policy.witnesses.append(
            .init(
                name: Self.text(items[1]), key: key, url: items.count == 4 ? Self.text(items[3]) : nil,
                publicKey: publicKey))
    }

    private mutating func group(_ items: [[UInt8]]) throws {
        guard items.count >= 4 else { throw LedgerError(.malformed, "write: group NAME all|any|K MEMBER…") }
        var indexes: [Int] = []
        for name in items[3...] {
            guard let index = names[name] else {
                throw LedgerError(.malformed, "\(Self.text(name)) is not defined above")
            }
            // A witness that counted twice could make a quorum alone.
            guard members.insert(index).inserted else {
                throw LedgerError(.malformed, "\(Self.text(name)) is a member of a group already")
            }
            indexes.append(index)
        }
        let threshold: Int
        switch String(decoding: items[2], as: UTF8.self) {
        case "all": threshold = indexes.count
        case "any": threshold = 1
        case let number:
            guard let value = StrictDecimal.decode(number), value >= 1, value <= UInt64(indexes.count) else {
                throw LedgerError(.malformed, "a threshold is all, any or a number from 1 to \(indexes.count)")
            }
            threshold = Int(value)
        }
        try Self.check(groups)
        groups += 1
        try define(items[1], as: .group(threshold: threshold, members: indexes))
    }

    private mutating func quorum(_ items: [[UInt8]]) throws {
        guard items.count == 2 else { throw LedgerError(.malformed, "write: quorum NAME|none") }
        guard !hasQuorum else { throw LedgerError(.malformed, "there is a quorum line already") }
        hasQuorum = true
        guard items[1] != Self.none else { return }
        guard let index = names[items[1]] else {
            throw LedgerError(.malformed, "\(Self.text(items[1])) is not defined above")
        }
        policy.quorum = index
    }

    private mutating func define(_ name: [UInt8], as node: WitnessPolicy.Node) throws {
        guard name != Self.none, names[name] == nil else {
            throw LedgerError(.malformed, "the name \(Self.text(name)) is taken")
        }
        names[name] = policy.nodes.count
        policy.nodes.append(node)
    }

    /// The key of a vkey, and the public key under which duplicates are found.
    private static func key(
        _ item: [UInt8], of types: Set<UInt8>, as type: VerifierKey.SignatureType
    ) throws -> (VerifierKey?, [UInt8]) {
        guard let text = String(validating: item, as: UTF8.self),
            let encoded = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false).dropFirst(2).first,
            let material = StrictBase64.decode(encoded), let first = material.first
        else { throw LedgerError(.malformed, "a verifier key is name+id+key") }
        guard types.contains(first) else {
            throw LedgerError(.malformed, "a key of the signature type \(first) cannot stand here")
        }
        let publicKey = Array(material.dropFirst())
        return (first == type.rawValue ? try VerifierKey(parsing: text, as: type) : nil, publicKey)
    }

    private static func check(_ count: Int) throws {
        guard count < WitnessPolicy.maximumCount else {
            throw LedgerError(.malformed, "a policy has at most \(WitnessPolicy.maximumCount) lines of a kind")
        }
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
