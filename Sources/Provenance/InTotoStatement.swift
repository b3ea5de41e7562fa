package import EventModel

/// An in-toto Statement (attestation framework, spec/v1/statement.md; v0.1 is read too): what is claimed of which
/// artifacts. The predicate stays JSON.
package struct InTotoStatement: Equatable, Sendable {
    package struct Subject: Equatable, Sendable {
        package let name: String?
        /// At least one; several describe the same artifact.
        package let digests: [ArtifactDigest]
    }

    /// The media type of a statement inside an envelope.
    package static let payloadType = "application/vnd.in-toto+json"
    package static let types: Set<String> = ["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"]
    /// Subjects of one statement; an attestation of a whole release lists some hundreds.
    package static let maximumSubjects = 10_000

    package let type: String
    package let subjects: [Subject]
    package let predicateType: String
    /// Compact JSON; nil when there is none.
    package let predicate: [UInt8]?

    /// Reads the statement inside an envelope.
    ///
    /// - Throws: ``ProvenanceError`` `unsupportedPayload` and as ``init(_:)``; `EventModelError` for what is no JSON.
    package init(_ envelope: DSSEEnvelope, parser: JSONParser = JSONParser()) throws {
        guard envelope.payloadType == Self.payloadType else {
            throw ProvenanceError(
                .unsupportedPayload, "the envelope holds \(envelope.payloadType), no in-toto statement")
        }
        self = try parser.withDocument(envelope.payload) { try InTotoStatement($0) }
    }

    /// - Throws: ``ProvenanceError`` `unsupportedStatement` for another version, `malformedStatement`, `malformedDigest`.
    package init(_ value: JSONValue) throws {
        guard let type = value["_type"]?.string?.text else {
            throw ProvenanceError(.malformedStatement, "the statement has no _type")
        }
        guard Self.types.contains(type) else {
            throw ProvenanceError(.unsupportedStatement, "statements of type \(type) are not known")
        }
        guard let predicateType = value["predicateType"]?.string?.text, !predicateType.isEmpty else {
            throw ProvenanceError(.malformedStatement, "the statement has no predicateType")
        }
        guard let list = value["subject"], list.kind == .array else {
            throw ProvenanceError(.malformedStatement, "the statement has no subject")
        }
        var subjects: [Subject] = []
        for element in list.elements {
            guard subjects.count < Self.maximumSubjects else {
                throw ProvenanceError(
                    .malformedStatement, "the statement has more than \(Self.maximumSubjects) subjects")
            }
            subjects.append(try Self.subject(element))
        }
        guard !subjects.isEmpty else { throw ProvenanceError(.malformedStatement, "the statement has no subject") }
        self.type = type
        self.subjects = subjects
        self.predicateType = predicateType
        predicate = value["predicate"].map { value in
            var bytes: [UInt8] = []
            JSONText.append(value, to: &bytes)
            return bytes
        }
    }

    private static func subject(_ value: JSONValue) throws -> Subject {
        guard let digest = value["digest"], digest.kind == .object else {
            throw ProvenanceError(.malformedStatement, "a subject has no digest")
        }
        var digests: [ArtifactDigest] = []
        for member in digest.members {
            guard let hex = member.value.string?.text else {
                throw ProvenanceError(.malformedDigest, "a subject's digest is no text")
            }
            digests.append(try ArtifactDigest(algorithm: member.key.text, hex: hex))
        }
        guard !digests.isEmpty else { throw ProvenanceError(.malformedStatement, "a subject has no digest") }
        return Subject(name: value["name"]?.string?.text, digests: digests)
    }
}
