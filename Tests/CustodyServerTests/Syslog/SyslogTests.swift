import Connectors
import EventModel
import Foundation
import HummingbirdTesting
import NIOCore
import NIOEmbedded
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import CustodyServer

@Suite("Syslog over streams and datagrams")
struct SyslogTests {
    private func frames(_ bytes: [UInt8], limit: Int = 64, pieces: Int = 1) -> [SyslogFrame] {
        var decoder = SyslogDecoder(limit: limit)
        var buffer = ByteBuffer()
        var found: [SyslogFrame] = []
        for start in stride(from: 0, to: bytes.count, by: max(1, bytes.count / pieces)) {
            buffer.writeBytes(bytes[start..<min(bytes.count, start + max(1, bytes.count / pieces))])
            while let frame = decoder.next(in: &buffer) { found.append(frame) }
        }
        while let frame = decoder.last(in: &buffer) { found.append(frame) }
        return found
    }

    private func texts(_ text: String, pieces: Int = 1) -> [String] {
        frames(Array(text.utf8), pieces: pieces).map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    @Test(
        "Octet counts and line feeds are told apart by each message's first byte, however the bytes arrive",
        arguments: [1, 2, 5, 1_000])
    func framing(pieces: Int) {
        #expect(
            texts("5 <1>ab6 <1>c\nd<2>line\n<3>nul\u{0}\n\n<4>last", pieces: pieces) == [
                "<1>ab", "<1>c\nd", "<2>line", "<3>nul", "<4>last",
            ])
        #expect(texts("5 <1>ab\n5 <1>cd\n", pieces: pieces) == ["<1>ab", "<1>cd"])
        // A part of a counted message is none.
        #expect(texts("9 <1>ab", pieces: pieces) == [])
        #expect(texts("12 is no count of this\n0123\n99999999999 x\n", pieces: pieces).last == "99999999999 x")
    }

    @Test("What is longer than a message may be is cut, and its rest skipped", arguments: [1, 3, 500])
    func long(pieces: Int) {
        let long = String(repeating: "x", count: 100)
        let line = frames(Array("<1>\(long)\n<2>next\n".utf8), limit: 10, pieces: pieces)
        #expect(line.map(\.isCut) == [true, false] && line.last?.bytes == Array("<2>next".utf8))
        let counted = frames(Array("103 <1>\(long)7 <2>next".utf8), limit: 10, pieces: pieces)
        #expect(counted.map(\.isCut) == [true, false] && counted.last?.bytes == Array("<2>next".utf8))
    }

    @Test("Changed bytes give messages within the limit, and come to an end", arguments: 0..<40)
    func fuzz(seed: Int) {
        let sample = Array("5 <1>ab6 <1>c\nd<2>line\n<3>nul\u{0}<4>last".utf8)
        var mutator = ByteMutator(seed: UInt64(seed), pieces: [Array("999999 ".utf8), Array("0 ".utf8), [0x0A]])
        for round in 1..<60 {
            let found = frames(mutator.mutated(sample, mixedWith: sample), limit: 16, pieces: round % 7 + 1)
            #expect(found.allSatisfy { !$0.bytes.isEmpty && $0.bytes.count <= 16 })
        }
    }

    @Test("In a pipeline the messages of one read come together, and the last of a closed connection, too")
    func pipeline() throws {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(SyslogStreamDecoder()))
        try channel.pipeline.syncOperations.addHandler(SyslogBatcher<SyslogFrame>())
        try channel.writeInbound(ByteBuffer(string: "<1>a\n<2>b\n<3>c"))
        let batch = try channel.readInbound(as: [SyslogFrame].self)
        #expect(batch?.map(\.bytes) == [Array("<1>a".utf8), Array("<2>b".utf8)])
        _ = try channel.finish()
        #expect(try channel.readInbound(as: [SyslogFrame].self)?.map(\.bytes) == [Array("<3>c".utf8)])
    }

    @Test("A JSON object stands alone with the head's time and host; what is no UTF-8 is repaired and says so")
    func deliveries() {
        let received = Timestamp(parsing: "2026-11-20T12:00:00Z")!
        let delivery = SyslogDelivery.make(
            [
                SyslogFrame(bytes: Array(#"<13>1 2026-11-20T10:00:00Z h app - - - @cee: {"a":1}"#.utf8)),
                SyslogFrame(bytes: Array("<13>Nov 20 10:00:00 h app: text {not json}\n".utf8)),
                SyslogFrame(bytes: Array("<13>app: ".utf8) + [0xE4]), SyslogFrame(bytes: [0x20]),
            ], received: received)
        let events = (delivery.frames ?? []).map { String(decoding: delivery.body[$0.range], as: UTF8.self) }
        #expect(events == [#"{"a":1}"#, "<13>Nov 20 10:00:00 h app: text {not json}", "<13>app: \u{FFFD}"])
        #expect(delivery.frames?[0].time == Timestamp(parsing: "2026-11-20T10:00:00Z"))
        #expect(delivery.frames?[0].instance == "h" && delivery.frames?[2].warning != nil)
    }

    @Test("A peer's source is told by its address or certificate; without a source for all, others may not send")
    func peers() throws {
        var configuration = ServerConfiguration()
        let digest = String(repeating: "ab", count: 32)
        try configuration.read(
            yaml: """
                syslog:
                  - listen: 127.0.0.1:6514
                    transport: tls
                    tls_cert: c.pem
                    tls_key: k.pem
                    client_ca: ca.pem
                    peers:
                      - {address: 10.0.0.0/8, fingerprint: "SHA256:\(digest.uppercased())", source: both}
                      - {address: "2001:db8::1", source: six}
                      - {address: 10.1.2.3, source: one}
                """, file: "c.yml")
        let settings = try #require(configuration.syslog.first)
        #expect(settings.source(address: "10.9.9.9", fingerprint: digest) == "both")
        #expect(settings.source(address: "10.1.2.3", fingerprint: nil) == "one")
        #expect(settings.source(address: "2001:db8::1", fingerprint: nil) == "six")
        #expect(
            settings.source(address: "10.9.9.9", fingerprint: nil) == nil
                && settings.source(address: nil, fingerprint: nil) == nil)
    }

    @Test(
        "What is wrong with a listener is said",
        arguments: [
            ("{listen: '6514', source: a}", "is not HOST:PORT"),
            ("{listen: ':1', transport: quic, source: a}", "transport is"),
            ("{listen: ':1', transport: tls, source: a}", "tls needs"), ("{listen: ':1'}", "a source, or peers"),
            ("{listen: ':1', peers: [{address: x, source: a}]}", "no address"),
            ("{listen: ':1', peers: [{source: a}]}", "an address or a fingerprint"),
            ("{listen: ':1', peers: [{fingerprint: ab, source: a}]}", "SHA-256"),
        ])
    func badSettings(entry: String, reason: String) throws {
        var configuration = ServerConfiguration()
        let error = try #require(throws: ConfigurationError.self) {
            try configuration.read(yaml: "syslog:\n  - \(entry)\n", file: "c.yml")
        }
        #expect(error.description.contains(reason), "\(error)")
    }

    @Test("Messages over TCP and UDP become events of the listener's source, which is made when it is not there")
    func listeners() async throws {
        let settings = [SyslogSettings.Transport.tcp, .udp].map {
            SyslogSettings(host: "127.0.0.1", port: 0, transport: $0, source: "hosts")
        }
        try await TestServer.run({ $0.syslog = settings }) { server, client in
            let state = server.service.state
            try await ConfiguredSources(state).make(state.configuration)
            let listeners = try await SyslogListeners(settings, state: state, counters: state.syslogCounters)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await listeners.run() }
                let stream = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .connect(host: "127.0.0.1", port: listeners.ports[0]).get()
                try await stream.writeAndFlush(
                    ByteBuffer(
                        string:
                            "<38>Nov 20 11:59:58 h sshd[1]: Accepted publickey for mona from 192.0.2.7 port 5 ssh2\n"))
                let datagrams = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .bind(host: "127.0.0.1", port: 0).get()
                let target = try SocketAddress(ipAddress: "127.0.0.1", port: listeners.ports[1])
                try await datagrams.writeAndFlush(
                    AddressedEnvelope(remoteAddress: target, data: ByteBuffer(string: "<13>app: by datagram")))
                #expect(try await client.search("source.name:hosts actor:mona", expecting: 1).count == 1)
                #expect(try await client.search("source.name:hosts datagram", expecting: 1).count == 1)
                try await stream.close()
                try await datagrams.close()
                group.cancelAll()
            }
            #expect(state.syslogCounters.messages.load(ordering: .relaxed) == 2)
        }
    }
}
