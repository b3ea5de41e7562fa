import DurableFiles
import EventModel
import SystemPackage
import Testing

@testable import CustodyServer

@Suite("The keys of relay and server")
struct RelayKeyTests {
    private let relay: RelayIdentity
    private let server: RelayIdentity

    init() throws {
        relay = try RelayIdentity.load(directory: "/relay/keys", fileSystem: FaultingFileSystem(seed: 1))
        server = try RelayIdentity.load(directory: "/server/keys", fileSystem: FaultingFileSystem(seed: 2))
    }

    @Test("What the relay seals the server alone opens, and nobody else's seal passes for the relay's")
    func seal() throws {
        let text = Array("a delivery".utf8)
        let atRelay = try RelayChannel(relay, with: server.publicKey, isRelay: true)
        let atServer = try RelayChannel(server, with: relay.publicKey, isRelay: false)
        let sealed = try atRelay.seal(text)
        #expect(sealed.count == text.count + RelayChannel.overhead)
        #expect(try atServer.open(sealed) == text)
        #expect(try atRelay.seal(text) != sealed)
        // Who has the relay's disk has its key, and cannot open what it sealed.
        #expect(throws: (any Error).self) { try atRelay.open(sealed) }
        let stranger = try RelayIdentity.load(directory: "/x", fileSystem: FaultingFileSystem(seed: 3))
        let foreign = try RelayChannel(stranger, with: server.publicKey, isRelay: true).seal(text)
        #expect(throws: (any Error).self) { try atServer.open(foreign) }
        for place in sealed.indices {
            var changed = sealed
            changed[place] ^= 1
            #expect(throws: (any Error).self) { try atServer.open(changed) }
        }
        #expect(throws: (any Error).self) { try atServer.open(sealed.prefix(40)) }
    }

    @Test("Both sides make the same proofs, over purpose and texts, and a stranger makes none")
    func proof() throws {
        let atRelay = try RelayChannel(relay, with: server.publicKey, isRelay: true)
        let atServer = try RelayChannel(server, with: relay.publicKey, isRelay: false)
        let code = atServer.proof("p", [[1, 2], [3]])
        #expect(atRelay.isProof(code, "p", [[1, 2], [3]]))
        let others: [(String, [[UInt8]])] = [
            ("q", [[1, 2], [3]]), ("p", [[1], [2, 3]]), ("p", [[1, 2, 3]]), ("p", [[1, 2], [3], []]),
        ]
        for (purpose, texts) in others {
            #expect(!atRelay.isProof(code, purpose, texts))
        }
        #expect(!atRelay.isProof("", "p", [[1, 2], [3]]) && !atRelay.isProof(code + "0", "p", [[1, 2], [3]]))
    }

    @Test("A key is made once, survives a restart, and what is none is said to be none")
    func files() throws {
        let disk = FaultingFileSystem(seed: 4)
        let made = try RelayIdentity.load(directory: "/k", fileSystem: disk)
        disk.restartMachine()
        #expect(try RelayIdentity.load(directory: "/k", fileSystem: disk).publicKey == made.publicKey)
        #expect(try RelayPublicKey(made.publicKey.description) == made.publicKey)
        for text in ["", "abc", "AAAA", made.publicKey.description + "A"] {
            #expect(throws: ConfigurationError.self) { try RelayPublicKey(text) }
        }
        try disk.writeAtomically([1, 2, 3], to: "/k/relay.key")
        #expect(throws: ConfigurationError.self) { try RelayIdentity.load(directory: "/k", fileSystem: disk) }
    }

    @Test("An entry is what it was when it is read again, whatever its body holds")
    func entries() throws {
        let entry = RelayEntry(
            name: "acme ci", method: "POST", received: .init(seconds: 7), client: nil,
            headers: [["X-A", "1"], ["x-a", "2\u{00e9}"]], body: [10, 0, 255, 10])
        #expect(try RelayEntry(text: entry.text()) == entry && entry[header: "X-a"] == "1")
        let batch = [RelayBatch.Entry(id: "relay:s/1", entry: entry), .init(id: "relay:s/2", entry: entry)]
        #expect(try RelayBatch.entries(RelayBatch.text(batch)) == batch)
        #expect(throws: RelayError.self) { try RelayEntry(text: [1, 2, 3]) }
        let text = try RelayBatch.text(batch)
        for end in [1, 11, 13, text.count - 1] {
            #expect(throws: RelayError.self) { try RelayBatch.entries(Array(text.prefix(end))) }
        }
    }

    @Test("An address gets its burst, then as many a second as it may; the table of addresses has a bound")
    func flood() {
        var limits = RelayLimits()
        (limits.burst, limits.requestsPerSecond, limits.addresses) = (3, 2, 10)
        var flood = FloodGuard(limits)
        #expect((0..<4).map { _ in flood.take("a", at: 100) } == [nil, nil, nil, 1])
        #expect(flood.take("b", at: 100) == nil)
        #expect(flood.take("a", at: 100.4) == 1 && flood.take("a", at: 101) == nil)
        for number in 0..<100 { _ = flood.take("x\(number)", at: 101) }
        #expect(flood.count <= 10)
        limits.requestsPerSecond = 0.01
        var slow = FloodGuard(limits)
        #expect((0..<4).map { _ in slow.take("a", at: 0) } == [nil, nil, nil, 100])
    }
}
