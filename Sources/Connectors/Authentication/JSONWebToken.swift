internal import EventModel

/// A JSON Web Token in its compact form (RFC 7519, RFC 7515 §7.1), taken apart and not yet believed.
struct JSONWebToken: Sendable {
    let algorithm: VerifyingKey.Algorithm
    /// `kid`.
    let keyID: [UInt8]?
    /// The claims' JSON: an object in which no name stands twice.
    let claims: [UInt8]
    /// What the signature is over.
    let signed: [UInt8]
    private let signature: [UInt8]

    /// - Parameter allowed: Algorithms that are taken, whatever keys there are.
    /// - Throws: ``ConnectorError`` `badSignature` for anything else, and for a head that asks for more than is understood here.
    init(_ text: ArraySlice<UInt8>, allowed: Set<VerifyingKey.Algorithm>) throws {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let head = BinaryText.base64(parts[0]), let body = BinaryText.base64(parts[1]),
            let signature = BinaryText.base64(parts[2])
        else { throw ConnectorError(.badSignature, "the token is malformed") }
        let (name, key) = try SignedObject.read(head, of: "the token") { head in
            // `crit` and `b64` change what a signature means (RFC 7515 §4.1.11, RFC 7797); keys that a token brings along
            // (`jwk`, `jku`, `x5c`) are not looked at.
            guard head["crit"] == nil, head["b64"] == nil else {
                throw ConnectorError(.badSignature, "the token's head asks for extensions that are not understood")
            }
            if let type = head["typ"]?.scalarText, type.lowercased() != "jwt" {
                throw ConnectorError(.badSignature, "the token says that it is something else")
            }
            return (head["alg"]?.string?.text, head["kid"]?.string.map { Array($0) })
        }
        guard let name, let algorithm = allowed.first(where: { $0.tokenName == name }) else {
            let names = allowed.compactMap(\.tokenName).sorted().joined(separator: ", ")
            throw ConnectorError(.badSignature, "the token's algorithm is none of \(names)")
        }
        try SignedObject.read(body, of: "the token") { _ in }
        self.algorithm = algorithm
        self.signature = signature
        keyID = key
        claims = body
        signed = Array(text[..<(text.startIndex + parts[0].count + 1 + parts[1].count)])
    }

    /// Whether a key of the set made the signature: of those with the token's `kid`, where both tell one, and for its algorithm.
    func isSigned(by set: VerifyingKeys) -> Bool {
        let name = algorithm.tokenName.map { Array($0.utf8) }
        return set.keys.contains { candidate in
            guard candidate.id == nil || keyID == nil || candidate.id == keyID else { return false }
            guard candidate.algorithm == nil || candidate.algorithm == name else { return false }
            return candidate.key.isValid(signature, over: signed, algorithm)
        }
    }
}
