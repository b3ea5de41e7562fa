import Connectors
import EventModel
import Testing

@testable import Intake

/// What is told of a payload that nobody looks at again has to be true.
@Suite("Payloads that were read")
struct CheckedPayloadTests {
    /// - Parameter lines: each a frame of the protocol's, which is not looked into before it is read.
    private static func batch(_ lines: [String]) throws -> PreparedBatch {
        let preparer = DeliveryPreparer(
            catalogue: .builtIn, keyer: DeliveryKeyer(secret: [UInt8](repeating: 1, count: 32)),
            limits: IntakeLimits(), counters: IntakeCounters(), earlierUse: { _, _ in .new })
        let source = DeliverySource(
            origin: EventOrigin(name: "bells", verified: "token"), connector: nil,
            fingerprintKey: [UInt8](repeating: 2, count: 32))
        var body: [UInt8] = []
        var frames: [DeliveryFrame] = []
        for line in lines {
            frames.append(DeliveryFrame(range: body.count..<body.count + line.utf8.count))
            body += Array(line.utf8)
        }
        return try preparer.prepare(
            Delivery(
                headers: DeliveryHeaders(), body: body, received: RereadingFixture.received, frames: frames),
            from: source)
    }

    @Test("Documents are said to be documents, also after redaction; text never is, whatever it looks like")
    func documents() throws {
        let batch = try Self.batch([
            #"{"id":"1","action":"a"}"#, "plain text", #"[{"a":1,"a":2}]"#,
            #"{"id":"2","note":"ghp_0123456789abcdefghijABCDEFGHIJ012345"}"#,
        ])
        #expect(batch.items.map(\.isDocument) == [true, false, false, true])
        for item in batch.items {
            try Array(batch.bytes[item.range]).withUnsafeBytes { bytes in
                let payload = try #require(try SealedView(bytes).payload)
                let isTaken = (try? JSONParser().withDocument(payload) { _ in true }) ?? false
                #expect(isTaken == item.isDocument)
            }
        }
    }
}
