import Digests
package import EventModel

/// What makes two deliveries of one event the same: a keyed hash over source, connector and delivery id.
///
/// Keyed, because senders choose their ids: nobody outside can make two keys collide, so that 56 bits in the table are
/// enough. The same goes for the digest of the payload's bytes.
package struct DeliveryKey: Hashable, Sendable {
    /// A part of the hash. The table tells keys apart by 56 of these bits, so no more are kept anywhere.
    package let bits: UInt64

    package init(bits: UInt64) { self.bits = bits }
}

/// Makes delivery keys under the secret of one installation (DATA/keys/deduplication.key).
package struct DeliveryKeyer: Sendable {
    private let secret: [UInt8]

    /// - Parameter secret: 32 random bytes.
    package init(secret: [UInt8]) { self.secret = secret }

    /// The key of an event; nil when its sender gave no id, so that nothing can be a duplicate of it.
    package func key(sourceName: String, connector: String, delivery: UnsafeRawBufferPointer) -> DeliveryKey {
        // Hashed at once: a digest that is fed in pieces costs more than putting them together.
        var text: [UInt8] = []
        text.reserveCapacity(secret.count + sourceName.utf8.count + connector.utf8.count + delivery.count + 2)
        text.append(contentsOf: secret)
        // A separator that no name holds keeps neighbouring parts apart.
        text.append(contentsOf: sourceName.utf8)
        text.append(0)
        text.append(contentsOf: connector.utf8)
        text.append(0)
        text.append(contentsOf: delivery)
        return DeliveryKey(bits: text.withUnsafeBytes { Self.word(1, ofDigestOf: $0) })
    }

    /// A keyed 64-bit digest of a payload, from its SHA-256.
    package func payloadDigest(sha256: UnsafeRawBufferPointer) -> UInt64 {
        secret.withUnsafeBytes { Self.word(0, ofDigestOf: sha256, after: $0) }
    }

    /// Key and payload digest of an event that was sealed before, for rebuilding the table; nil when it has no key.
    package func entry(of view: SealedView) -> (key: DeliveryKey, payload: UInt64)? {
        guard let delivery = view.value(.sourceDelivery), let name = view.text(.sourceName),
            let connector = view.text(.sourceKind), let digest = view.text(.payloadSHA256)
        else { return nil }
        var sha256: [UInt8] = []
        sha256.reserveCapacity(32)
        guard Hex.decode(digest, into: &sha256) else { return nil }
        return (
            key(sourceName: name, connector: connector, delivery: delivery),
            sha256.withUnsafeBytes { payloadDigest(sha256: $0) }
        )
    }

    /// One of the four words of a SHA-256.
    private static func word(
        _ number: Int, ofDigestOf body: UnsafeRawBufferPointer,
        after head: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    ) -> UInt64 {
        withUnsafeTemporaryAllocation(byteCount: MessageDigest.byteCount, alignment: 8) { digest in
            MessageDigest.write(of: body, after: head, to: digest.baseAddress!)
            return digest.load(fromByteOffset: number * 8, as: UInt64.self)
        }
    }
}
