import EventModel
import Foundation
import Provenance
import Testing

@Suite("Attestations")
struct InTotoStatementTests {
    private static let digest = String(repeating: "ab", count: 32)

    private func statement(
        type: String = "https://in-toto.io/Statement/v1", subject: String? = nil,
        predicateType: String = "https://slsa.dev/provenance/v1"
    ) -> String {
        let subject = subject ?? #"[{"name":"app.tar","digest":{"sha256":"\#(Self.digest)"}}]"#
        return #"{"_type":"\#(type)","subject":\#(subject),"predicateType":"\#(predicateType)","predicate":{"a":[1]}}"#
    }

    private func read(_ text: String) throws -> InTotoStatement {
        try JSONParser().withDocument(Array(text.utf8)) { try InTotoStatement($0) }
    }

    private func envelope(_ payload: String, type: String = InTotoStatement.payloadType) throws -> DSSEEnvelope {
        let text = """
            {"payloadType":"\(type)","payload":"\(Data(payload.utf8).base64EncodedString())",\
            "signatures":[{"keyid":"k","sig":"\(Data([1, 2, 3]).base64EncodedString())"}]}
            """
        return try JSONParser().withDocument(Array(text.utf8)) { try DSSEEnvelope($0) }
    }

    @Test("A statement inside an envelope is read with its subjects and predicate")
    func reads() throws {
        let statement = try InTotoStatement(try envelope(statement()))
        #expect(statement.predicateType == "https://slsa.dev/provenance/v1")
        #expect(statement.subjects.first?.digests.first?.description == "sha256:\(Self.digest)")
        #expect(statement.predicate == Array(#"{"a":[1]}"#.utf8))
    }

    /// The test vector of DSSE's protocol.md.
    @Test("What signatures are over is the protocol's pre-authentication encoding")
    func preAuthenticationEncoding() throws {
        let envelope = try envelope("hello world", type: "http://example.com/HelloWorld")
        #expect(
            String(decoding: envelope.signedBytes, as: UTF8.self)
                == "DSSEv1 29 http://example.com/HelloWorld 11 hello world")
    }

    @Test("What is no statement, or no longer one, is refused with a reason")
    func refuses() {
        #expect(throws: ProvenanceError.self) { try read(#"{"subject":[]}"#) }
        #expect(throws: ProvenanceError.self) { try read(statement(type: "https://in-toto.io/Statement/v9")) }
        #expect(throws: ProvenanceError.self) { try read(statement(subject: "[]")) }
        #expect(throws: ProvenanceError.self) { try read(statement(subject: #"[{"name":"x"}]"#)) }
        #expect(throws: ProvenanceError.self) { try read(statement(subject: #"[{"digest":{"sha256":"ab"}}]"#)) }
        #expect(throws: ProvenanceError.self) { try read(statement(predicateType: "")) }
        #expect(throws: ProvenanceError.self) { try InTotoStatement(try envelope("{}", type: "text/plain")) }
        #expect(throws: EventModelError.self) { try InTotoStatement(try envelope("{")) }
    }

    @Test(
        "Digests are an algorithm and hexadecimal of its length",
        arguments: [
            ("sha256:" + digest, true), ("SHA256:" + digest.uppercased(), true), ("sha256:abc", false),
            ("sha256", false),
            ("sha256:" + String(repeating: "zz", count: 32), false),
            ("gitCommit:" + String(repeating: "a", count: 40), true),
            (":ab", false), ("blake3:abcd", true),
        ])
    func digests(text: String, isValid: Bool) {
        #expect(((try? ArtifactDigest(parsing: text)) != nil) == isValid, "\(text)")
    }
}
