package import EventModel
import Foundation

/// A signed envelope of the Dead Simple Signing Envelope protocol (DSSE 1.0.2), taken apart; nothing is verified here.
package struct DSSEEnvelope: Equatable, Sendable {
    package struct Signature: Equatable, Sendable {
        /// A hint at the key; authenticated by nothing.
        package let keyID: String?
        package let bytes: [UInt8]
    }

    package let payloadType: String
    package let payload: [UInt8]
    package let signatures: [Signature]

    /// Signatures that one envelope may carry: a bound on the work of whoever checks them.
    package static let maximumSignatures = 32

    /// Reads `{"payloadType":…,"payload":BASE64,"signatures":[{"keyid":…,"sig":BASE64}]}`.
    ///
    /// - Throws: ``ProvenanceError`` `malformedEnvelope`; `EventModelError` for what is no JSON.
    package init(_ value: JSONValue) throws {
        guard let type = value["payloadType"]?.string?.text, !type.isEmpty else {
            throw ProvenanceError(.malformedEnvelope, "the envelope has no payloadType")
        }
        guard let payload = value["payload"]?.string.flatMap(Self.decoded) else {
            throw ProvenanceError(.malformedEnvelope, "the envelope's payload is not base64")
        }
        guard let list = value["signatures"], list.kind == .array else {
            throw ProvenanceError(.malformedEnvelope, "the envelope has no signatures")
        }
        var signatures: [Signature] = []
        for element in list.elements {
            guard signatures.count < Self.maximumSignatures else {
                throw ProvenanceError(
                    .malformedEnvelope, "the envelope has more than \(Self.maximumSignatures) signatures")
            }
            guard let bytes = element["sig"]?.string.flatMap(Self.decoded), !bytes.isEmpty else {
                throw ProvenanceError(.malformedEnvelope, "signature \(signatures.count) is not base64")
            }
            signatures.append(Signature(keyID: element["keyid"]?.string?.text, bytes: bytes))
        }
        guard !signatures.isEmpty else { throw ProvenanceError(.malformedEnvelope, "the envelope has no signatures") }
        payloadType = type
        self.payload = payload
        self.signatures = signatures
    }

    /// What the signatures are over: the pre-authentication encoding (protocol.md, "PAE").
    package var signedBytes: [UInt8] {
        var bytes = Array("DSSEv1 \(payloadType.utf8.count) \(payloadType) \(payload.count) ".utf8)
        bytes += payload
        return bytes
    }

    /// Standard or URL-safe base64, both of which the protocol lets a producer write.
    private static func decoded(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        var standard = text.text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        while standard.utf8.count % 4 != 0 { standard += "=" }
        return Data(base64Encoded: standard).map(Array.init)
    }
}
