import Connectors
import EventModel
import TestSupport
import Testing

@testable import Intake

@Suite("Envelopes of Splunk's collector")
struct CollectorEnvelopesTests {
    private let limits = ProtocolLimits(IntakeLimits())

    private func read(_ text: String) throws -> CollectorEnvelopes {
        try Array(text.utf8).withUnsafeBytes { try CollectorEnvelopes($0, limits: limits) }
    }

    @Test("Objects stand alone, other events keep their envelope; time and host come from the envelope")
    func envelopes() throws {
        let body = """
            {"time":1763632800.25,"host":"web-1","event":{
              "a":1}}{"event":"text","time":"1763632800"}
            [{"event":{"b":2},"time":1763632800250}]
            """
        let envelopes = try read(body)
        let events = envelopes.frames.map { String(decoding: Array(body.utf8)[$0.range], as: UTF8.self) }
        #expect(events == ["{\n  \"a\":1}", #"{"event":"text","time":"1763632800"}"#, #"{"b":2}"#])
        #expect(
            envelopes.frames.map(\.time) == [
                Timestamp(milliseconds: 1_763_632_800_250), Timestamp(seconds: 1_763_632_800),
                Timestamp(milliseconds: 1_763_632_800_250),
            ])
        #expect(envelopes.frames.map(\.instance) == ["web-1", nil, nil] && envelopes.fault == nil)
    }

    @Test(
        "What is wrong with an envelope is told in Splunk's numbers, with the envelope's",
        arguments: [
            (#"{"event":{}}{"time":1}"#, CollectorEnvelopes.Fault.eventFieldRequired, 1),
            (#"{"event":""}"#, .eventFieldBlank, 0), (#"{"event":null}"#, .eventFieldBlank, 0),
            (#"{"event":{}} text that is no envelope"#, .invalidDataFormat, 1),
            (#"{"event":{"#, .invalidDataFormat, 0),
        ])
    func faults(body: String, fault: CollectorEnvelopes.Fault, number: Int) throws {
        let envelopes = try read(body)
        #expect(envelopes.fault?.0 == fault && envelopes.fault?.number == number)
        #expect(envelopes.frames[number].refusal == fault.text)
    }

    @Test("Times that are none are left out", arguments: ["-1", "1e9", "\"soon\"", "99999999999999999999", "1.x", "0"])
    func badTimes(time: String) throws {
        #expect(try read(#"{"time":\#(time),"event":{}}"#).frames.first?.time == nil)
    }

    @Test("Changed bytes are read or refused", arguments: 0..<40)
    func fuzz(seed: Int) throws {
        let sample = Array(#"{"time":1763632800.25,"host":"web-1","event":{"a":[1,{"b":"\"}"}]}}{"event":"x"}"#.utf8)
        var mutator = ByteMutator(seed: UInt64(seed), pieces: [Array("{\"event\":".utf8), Array("[".utf8), [0xFF]])
        for _ in 0..<100 {
            let bytes = mutator.mutated(sample, mixedWith: sample)
            let envelopes = try bytes.withUnsafeBytes { try CollectorEnvelopes($0, limits: limits) }
            for frame in envelopes.frames { #expect(frame.range.upperBound <= bytes.count) }
        }
    }
}
