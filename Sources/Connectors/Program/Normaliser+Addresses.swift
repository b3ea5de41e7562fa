internal import EventModel

// Values that are taken apart into several fields.

extension Normaliser {
    mutating func setAddress(
        _ field: Field, _ alternatives: Kept<Alternative>, _ element: Int, _ record: inout EventRecord
    ) {
        for alternative in alternatives where evaluate(alternative) {
            // `X-Forwarded-For` lists: the first is the client, the rest its proxies.
            guard value.contains(UInt8(ascii: ",")) else {
                if Self.setAddress(field, value, element, &record) { return }
                continue
            }
            let pieces = value.split(separator: UInt8(ascii: ","))
            var isSet = false
            for piece in pieces {
                let text = Array(piece.drop { $0 == 0x20 })
                if !isSet {
                    isSet = Self.setAddress(field, text, element, &record)
                } else {
                    _ = Self.setAddress(.clientChain, text, record.count(of: .clientChain), &record)
                }
            }
            if isSet { return }
        }
    }

    private static func setAddress(
        _ field: Field, _ text: [UInt8], _ element: Int, _ record: inout EventRecord
    ) -> Bool {
        text.withUnsafeBytes { text in
            guard let address = NetworkAddress(text) else {
                if field == .clientIP, !record.contains(.clientName), !text.hasSameBytes(as: "-") {
                    record.set(.clientName, text)
                }
                return false
            }
            var clean = address.text
            withUnsafeBytes(of: &clean.bytes) { bytes in
                record.set(field, element: element, bytes.slice(0..<clean.count))
            }
            if field == .clientIP, let port = address.port { record.set(.clientPort, integer: Int64(port)) }
            return true
        }
    }

    static func setImage(_ text: UnsafeRawBufferPointer, _ element: Int, _ record: inout EventRecord) {
        guard let image = ImageReference(text) else {
            record.warn("artifact: not an image reference")
            return
        }
        record.set(.artifactName, element: element, image.name)
        if let tag = image.tag { record.set(.artifactTag, element: element, tag) }
        guard let digest = image.digest else { return }
        var clean = Array(digest)
        guard HexValue.makeDigest(&clean) else { return }
        clean.withUnsafeBytes { record.set(.artifactDigest, element: element, $0) }
        image.packageURL(digest: clean).withUnsafeBytes { record.set(.artifactPURL, element: element, $0) }
    }
}
