import Foundation
import Ledger
import Synchronization
import Testing

@testable import custody

@Suite("What commands remember of servers")
struct SeenServersTests {
    /// A ledger of few leaves behind a stub: its checkpoint, its key and its one tile.
    private struct StubLedger: Sendable {
        let key: LedgerKey
        let leaves: [TreeHash]

        init(_ name: String, _ texts: [String]) throws {
            key = try LedgerKey(name: name, seed: [UInt8](repeating: 7, count: 32))
            leaves = texts.map { Array($0.utf8).withUnsafeBytes { MerkleHashing.leaf($0) } }
        }

        var checkpoint: [UInt8] {
            get throws {
                let root = leaves.count == 1 ? leaves[0] : MerkleHashing.node(leaves[0], leaves[1])
                let tree = Checkpoint(origin: key.verifierKey.name, size: UInt64(leaves.count), root: root)
                return try SignedCheckpoint(signing: tree, with: key).note.bytes
            }
        }

        func answer(_ path: String) -> StubServer.Answer {
            switch path {
            case "/ledger/checkpoint":
                .init(
                    body: (try? checkpoint).map { String(decoding: $0, as: UTF8.self) } ?? "", contentType: "text/plain"
                )
            case "/ledger/vkey": .init(body: "\(key.verifierKey)\n", contentType: "text/plain")
            case "/v1/events/42": .json(#"{"index":42,"action":"x.y"}"#)
            default: .problem(404, "not_found", "there is none")
            }
        }
    }

    private final class Served: Sendable {
        private let ledger: Mutex<StubLedger>
        init(_ ledger: StubLedger) { self.ledger = Mutex(ledger) }
        var now: StubLedger {
            get { ledger.withLock { $0 } }
            set { ledger.withLock { $0 = newValue } }
        }
    }

    private func bench(_ directory: TemporaryDirectory) -> CommandBench {
        var bench = CommandBench()
        bench.environment["XDG_STATE_HOME"] = directory.path
        return bench
    }

    @Test("A ledger is remembered by any command that talks to its server; another history is refused with status 2")
    func fork() async throws {
        let directory = try TemporaryDirectory()
        let served = Served(try StubLedger("custody/0123abcd", ["a"]))
        try await StubServer.run { asked in
            served.now.answer(asked.path)
        } _: { url, stub in
            let bench = bench(directory)
            #expect(await bench.run("show", "42", "--url", url).status == 0)
            let asked = stub.requests.count
            // What was seen already costs one request.
            #expect(await bench.run("show", "42", "--url", url).status == 0)
            #expect(stub.requests.count == asked + 2)
            served.now = try StubLedger("custody/0123abcd", ["b"])
            let run = await bench.run("show", "42", "--url", url)
            #expect(run.status == 2 && run.output.contains("x.y"))
            #expect(run.errors.contains("rolled back or rewritten") && run.errors.contains("docs/witnesses.md"))
            // It stays refused: the evidence was not overwritten.
            #expect(await bench.run("show", "42", "--url", url).status == 2)
            served.now = try StubLedger("custody/0123abcd", ["a"])
            #expect(await bench.run("show", "42", "--url", url).status == 0)
        }
    }

    @Test("Without a place to remember in, and with a server that has no ledger yet, nothing is asked of anybody")
    func nothing() async throws {
        let directory = try TemporaryDirectory()
        try await StubServer.run { asked in
            asked.path == "/v1/events/42" ? .json(#"{"index":42}"#) : .problem(404, "not_found", "nothing yet")
        } _: { url, stub in
            #expect(await CommandBench().run("show", "42", "--url", url).status == 0)
            #expect(stub.requests.count == 1)
            let run = await bench(directory).run("show", "42", "--url", url)
            #expect(run.status == 0 && run.errors.isEmpty)
        }
    }

    @Test(
        "A server of this machine may have another ledger; one elsewhere that exchanged it is refused until somebody looks"
    )
    func exchanged() async throws {
        let directory = try TemporaryDirectory()
        let served = Served(try StubLedger("custody/0123abcd", ["a"]))
        try await StubServer.run { asked in
            served.now.answer(asked.path)
        } _: { url, _ in
            let bench = bench(directory)
            #expect(await bench.run("show", "42", "--url", url).status == 0)
            served.now = try StubLedger("custody/89abcdef", ["a"])
            let run = await bench.run("show", "42", "--url", url)
            #expect(run.status == 0 && run.errors.contains("now it has the ledger custody/89abcdef"))
            let again = await bench.run("show", "42", "--url", url)
            #expect(again.status == 0 && again.errors.isEmpty)
        }
        let elsewhere = directory.path + "/custody/servers/http%3A%2F%2Fledger.example"
        try Data("custody/0123abcd\n".utf8).write(to: URL(fileURLWithPath: elsewhere))
        var context = CommandContext.process
        context.environment = ["XDG_STATE_HOME": directory.path]
        let client = ServerClient(address: try ServerAddress("http://ledger.example"), credential: .none(hint: ""))
        let answer = ServerAnswer(
            status: 200, contentType: "text/plain", retryAfter: nil, body: try served.now.checkpoint)
        let failure = await #expect(throws: CommandFailure.self) {
            try await SeenLedgers(context)?.check(client, answer)
        }
        #expect(failure?.code == .integrity && failure?.reason?.contains("remove") == true)
    }
}
