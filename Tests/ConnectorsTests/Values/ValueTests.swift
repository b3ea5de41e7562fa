import EventModel
import Testing

@testable import Connectors

@Suite struct ValueTests {
    @Test(
        "Addresses lose ports, brackets, zones and the IPv4 mapping",
        arguments: [
            ("203.0.113.7", "203.0.113.7", nil), ("203.0.113.7:8080", "203.0.113.7", 8080),
            ("::ffff:203.0.113.7", "203.0.113.7", nil), ("[2001:db8::1]:443", "2001:db8::1", 443),
            ("2001:DB8:0:0::1", "2001:db8::1", nil), ("fe80::1%eth0", "fe80::1", nil), ("::1", "::1", nil),
            ("[::ffff:10.0.0.1]:5", "10.0.0.1", 5),
        ] as [(String, String, UInt16?)])
    func addresses(_ text: String, _ clean: String, _ port: UInt16?) throws {
        let address = try #require(Array(text.utf8).withUnsafeBytes { NetworkAddress($0) })
        let bytes = (0..<address.text.count).map { address.text.bytes[$0] }
        #expect(String(decoding: bytes, as: UTF8.self) == clean)
        #expect(address.port == port)
    }

    @Test(
        "What is no address is refused",
        arguments: [
            "", "-", "AWS Internal", "s3.amazonaws.com", "1.2.3", "1.2.3.4.5", "256.1.1.1", "host:80", "[::1",
            "12:34:56",
        ])
    func noAddresses(_ text: String) {
        #expect(Array(text.utf8).withUnsafeBytes { NetworkAddress($0) } == nil)
    }

    @Test(
        "Numbers are read as seconds to nanoseconds by magnitude",
        arguments: [
            ("1796000000", "2026-11-30T00:53:20Z"), ("1796000000123", "2026-11-30T00:53:20.123Z"),
            ("1796000000123456", "2026-11-30T00:53:20.123456Z"), ("1796000000.5", "2026-11-30T00:53:20.500Z"),
            ("\"1796000000\"", "2026-11-30T00:53:20Z"), ("\"2026-11-30 00:53:20 UTC\"", "2026-11-30T00:53:20Z"),
            ("\"2026-11-30T00:53:20.123+0100\"", "2026-11-29T23:53:20.123Z"),
        ])
    func times(_ json: String, _ expected: String) throws {
        let time = try JSONParser().withDocument(Array("{\"t\":\(json)}".utf8)) { root in
            root["t" as StaticString].flatMap { EventTime.read($0, .auto) }
        }
        #expect(time?.text == expected)
    }

    @Test(
        "Counters and broken times are no times", arguments: ["7", "99999999", "-1", "\"soon\"", "\"12345\"", "1e30"])
    func noTimes(_ json: String) throws {
        let time = try JSONParser().withDocument(Array("{\"t\":\(json)}".utf8)) { root in
            root["t" as StaticString].flatMap { EventTime.read($0, .auto) }
        }
        #expect(time == nil)
    }

    @Test(
        "An action's verb tells its activity",
        arguments: [
            ("repo.destroy", "delete"), ("pods.delete", "delete"), ("s3.GetObject", "read"),
            ("org.remove_member", "delete"),
            ("personal_access_token.access_granted", "grant"), ("change.merge", "update"), ("session.open", "create"),
            ("workflows.completed_workflow_run", "execute"), ("x.zzz", nil),
        ] as [(String, String?)])
    func activities(_ action: String, _ expected: String?) {
        let found = Array(action.utf8).withUnsafeBytes { Vocabulary.activity(ofAction: $0) }
        #expect(found.map { String(decoding: $0, as: UTF8.self) } == expected)
    }
}

@Suite struct WrittenTimeTests {
    @Test(
        "Times that programs write for people are read",
        arguments: [
            ("Nov 26, 2026 4:10:25 PM", "2026-11-26T16:10:25Z"),
            ("Nov 6, 2026, 12:00:00\u{202F}AM", "2026-11-06T00:00:00Z"),
            ("October 06, 2014 11:56", "2014-10-06T11:56:00Z"),
            ("11/26/2026 4:10:25 PM", "2026-11-26T16:10:25Z"),
            ("1/2/2026 12:10:25 PM", "2026-01-02T12:10:25Z"),
            ("20261126T161025+0130", "2026-11-26T14:40:25Z"),
            ("20261126T161025Z", "2026-11-26T16:10:25Z"),
        ])
    func read(_ text: String, _ expected: String) {
        let time = Array(text.utf8).withUnsafeBytes { EventTime.read($0, .auto) }
        #expect(time?.text == expected)
    }

    @Test(
        "What could mean two times, or none, is not read",
        arguments: [
            "26/11/2026 16:10:25", "13/26/2026 4:10:25 PM", "Nov 26 16:10:25 2026", "Foo 26, 2026 4:10:25 PM",
            "Nov 26, 2026 14:10:25 PM", "20261326T161025Z", "20261126T16", "Nov 26, 2026 4:10:25 PM CET",
        ])
    func refused(_ text: String) {
        #expect(Array(text.utf8).withUnsafeBytes { EventTime.read($0, .auto) } == nil)
    }
}
