import AccessControl
import Crypto
import EventModel
import Synchronization

/// All tokens as authentication needs them. Immutable but for the last uses; replaced as a whole when a token changes.
final class TokenTable: Sendable {
    final class Entry: Sendable {
        let token: Token
        let hash: [UInt8]
        let principal: Principal
        /// Seconds since 1970; 0 for never.
        let lastUsed: Atomic<Int64>
        /// What the database knows of `lastUsed`.
        let lastWritten: Atomic<Int64>

        init(token: Token, hash: [UInt8]) {
            self.token = token
            self.hash = hash
            principal = token.principal
            let used = token.lastUsed?.seconds ?? 0
            lastUsed = Atomic(used)
            lastWritten = Atomic(used)
        }

        /// Notes a use, to the minute, so that a busy token does not write memory that all cores read.
        func noteUse(at now: Timestamp) {
            let seconds = now.seconds
            guard seconds - lastUsed.load(ordering: .relaxed) >= 60 else { return }
            lastUsed.store(seconds, ordering: .relaxed)
        }
    }

    let entries: [String: Entry]
    /// Tokens chosen by the operator, of which the text does not name the id: one as a rule.
    private let custom: [Entry]

    init(_ all: [(entry: Entry, isCustom: Bool)]) {
        entries = Dictionary(uniqueKeysWithValues: all.map { ($0.entry.token.id, $0.entry) })
        custom = all.filter(\.isCustom).map(\.entry)
    }

    /// The token that has this text, whether it is still good or not.
    func entry(presenting text: UnsafeRawBufferPointer) -> Entry? {
        let digest = SHA256.hash(data: text)
        return digest.withUnsafeBytes { digest in
            if let id = TokenText.id(in: text), let entry = entries[id], Self.areEqual(entry.hash, digest) {
                return entry
            }
            return custom.first { Self.areEqual($0.hash, digest) }
        }
    }

    /// Compares in a time that does not depend on the bytes.
    private static func areEqual(_ hash: [UInt8], _ digest: UnsafeRawBufferPointer) -> Bool {
        guard hash.count == digest.count else { return false }
        var difference: UInt8 = 0
        for position in digest.indices { difference |= hash[position] ^ digest[position] }
        return difference == 0
    }
}
