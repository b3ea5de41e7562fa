internal import EventModel

/// A JSON object whose meaning rests on a signature.
enum SignedObject {
    /// Members at most; honest ones have a few dozen.
    static let maximumMembers = 256

    /// Reads an object whose names stand once: of two, each reader could believe another (RFC 7519 §4).
    ///
    /// - Parameter name: What it is called in a refusal.
    /// - Throws: ``ConnectorError`` `badSignature`; what `body` throws.
    static func read<Result>(
        _ document: [UInt8], of name: String, _ body: (JSONValue) throws -> Result
    ) throws -> Result {
        do {
            return try document.withUnsafeBytes { bytes in
                try JSONParser().withDocument(bytes) { value in
                    guard value.kind == .object else { throw ConnectorError(.badSignature, "\(name) is malformed") }
                    var names: Set<[UInt8]> = []
                    for member in value.members {
                        guard names.insert(Array(member.key)).inserted, names.count <= maximumMembers else {
                            throw ConnectorError(.badSignature, "\(name) has a name twice, or too many")
                        }
                    }
                    return try body(value)
                }
            }
        } catch is EventModelError {
            throw ConnectorError(.badSignature, "\(name) is malformed")
        }
    }
}
