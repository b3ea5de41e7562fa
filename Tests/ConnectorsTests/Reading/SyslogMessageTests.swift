import EventModel
import TestSupport
import Testing

@testable import Connectors

@Suite("Syslog messages")
struct SyslogMessageTests {
    private func read<Result>(
        _ text: String, received: String = "2026-11-20T12:00:00Z", _ body: (SyslogMessage?) throws -> Result
    ) rethrows -> Result {
        try Array(text.utf8).withUnsafeBytes { try body(SyslogMessage($0, received: Timestamp(parsing: received))) }
    }

    @Test("RFC 5424: head, structured data with escapes, byte order mark (its §6.5, examples 1, 3 and 4)")
    func modern() throws {
        try read(
            "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{FEFF}'su root' failed for lonvick"
        ) {
            let message = try #require($0)
            #expect(message.facility == "auth" && message.severity == "critical")
            #expect(message.time == Timestamp(parsing: "2003-10-11T22:14:15.003Z"))
            #expect(message.host == "mymachine.example.com" && message.app == "su" && message.process == nil)
            #expect(message.messageID == "ID47" && message.message == "'su root' failed for lonvick")
        }
        try read(
            #"<165>1 2003-10-11T22:14:15.003Z h evntslog - ID47 [a@1 iut="3" x="q\"\\\]z\n"][b@2 class="high"] An event"#
        ) {
            let message = try #require($0)
            #expect(message.data.map(\.id) == ["a@1", "b@2"])
            #expect(message.data.first?.parameters.last?.value == #"q"\]z\n"#)
            #expect(message.message == "An event")
        }
        try read("<165>1 - - - - - -") {
            let message = try #require($0)
            #expect(message.message.isEmpty)
        }
    }

    @Test("RFC 3164: time without a year, host, tag, process; a relay's RFC 3339 time; no head at all")
    func traditional() throws {
        try read("<38>Nov 20 11:59:58 web-1 sshd[4711]: Accepted publickey for mona") {
            let message = try #require($0)
            #expect(message.time == Timestamp(parsing: "2026-11-20T11:59:58Z"))
            #expect(message.host == "web-1" && message.app == "sshd" && message.process == "4711")
            #expect(message.message == "Accepted publickey for mona")
        }
        try read("<13>2026-11-20T11:59:58.5+01:00 web-1 app: hello") {
            let message = try #require($0)
            #expect(message.time == Timestamp(parsing: "2026-11-20T10:59:58.5Z") && message.app == "app")
        }
        try read("<0>Use the BFG!") {
            let message = try #require($0)
            #expect(message.message == "Use the BFG!")
        }
        try read("<13>Nov  2 01:02:03 app[1]: no host") {
            let message = try #require($0)
            #expect(message.host == nil && message.app == "app" && message.message == "no host")
        }
    }

    @Test(
        "The year is the one that brings the time closest to its receipt",
        arguments: [
            ("Dec 31 23:59:59", "2027-01-01T00:00:03Z", "2026-12-31T23:59:59Z"),
            ("Jan  1 00:00:03", "2026-12-31T23:59:59Z", "2027-01-01T00:00:03Z"),
            ("Feb 29 10:00:00", "2028-03-01T00:00:00Z", "2028-02-29T10:00:00Z"),
            ("Jun  1 00:00:00", "2026-11-20T12:00:00Z", "2026-06-01T00:00:00Z"),
        ])
    func years(time: String, received: String, expected: String) throws {
        try read("<13>\(time) h app: x", received: received) {
            let message = try #require($0)
            #expect(message.time == Timestamp(parsing: expected))
        }
    }

    @Test(
        "What has no priority is no syslog message",
        arguments: ["", "<", "<>x", "<192>x", "<1234>x", "34>1 x", "<-1>x", "{\"a\":1}"])
    func noMessage(text: String) { read(text) { #expect($0 == nil) } }

    @Test(
        "Structured data that breaks its grammar stays in the message", arguments: ["[a b=\"c]", "[a b=c]", "[", "[a"])
    func brokenData(data: String) throws {
        try read("<13>1 - h app - - \(data) text") {
            let message = try #require($0)
            #expect(message.message == "\(data) text")
        }
    }

    private func event(_ text: String, connector: Connector? = nil) throws -> (record: EventRecord, isText: Bool) {
        var found: (EventRecord, Bool)?
        let bytes = Array(text.utf8)
        try bytes.withUnsafeBytes { body in
            try DeliveryReader().read(
                body, headers: DeliveryHeaders(), connector: connector, frames: [DeliveryFrame(range: 0..<bytes.count)],
                received: Timestamp(parsing: "2026-11-20T12:00:00Z"),
                onEvent: { record, event in found = (record, event.isText) },
                onRefusal: { Issue.record("refused: \($0.error)") })
        }
        return try #require(found)
    }

    @Test("A program's words are read by its connector whatever the head's form; others by the connector syslog-stream")
    func connectors() throws {
        let words = "Accepted publickey for mona from 192.0.2.7 port 50022 ssh2"
        for head in ["<38>Nov 20 11:59:58 web-1 sshd[47]: ", "<38>1 2026-11-20T11:59:58Z web-1 sshd 47 - - "] {
            let (record, _) = try event(head + words)
            #expect(record.text(.sourceKind) == "openssh-syslog" && record.text(.actorName) == "mona")
            #expect(record.time(.time) == Timestamp(parsing: "2026-11-20T11:59:58Z"))
            #expect(record.text(.sourceInstance) == "web-1" && record.text(.corrSession) == "web-1/47")
        }
        let (other, isText) = try event(
            "<86>1 2026-11-20T11:59:58Z web-1 tool 12 - [x@1 user=\"eve\"] two words\nline 2")
        #expect(isText && other.text(.sourceKind) == "syslog-stream" && other.text(.sourceInstance) == "web-1")
        #expect(other.text(.outcomeReason) == "two words\nline 2")
        #expect(other.time(.time) == Timestamp(parsing: "2026-11-20T11:59:58Z"))
    }

    @Test("Changed bytes are read or are no message", arguments: 0..<40)
    func fuzz(seed: Int) {
        let sample = Array(
            #"<165>1 2003-10-11T22:14:15.003Z h app 1 ID47 [a@1 iut="3" x="q\"z"][b@2 c="d"] An event"#.utf8)
        let other = Array("<38>Nov 20 11:59:58 web-1 sshd[4711]: Accepted".utf8)
        var mutator = ByteMutator(
            seed: UInt64(seed), pieces: [Array("[".utf8), Array("\\\"".utf8), [0xEF, 0xBB, 0xBF]])
        for round in 0..<100 {
            let bytes = mutator.mutated(round % 2 == 0 ? sample : other, mixedWith: sample)
            bytes.withUnsafeBytes { body in
                guard let message = SyslogMessage(body, received: Timestamp(seconds: 1_795_000_000)) else { return }
                #expect(message.content.upperBound == bytes.count)
                #expect((try? JSONParser().withDocument(message.document) { $0.kind }) == .object)
            }
        }
    }
}
