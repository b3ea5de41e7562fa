import DurableFiles
import EventModel
import Foundation
import Synchronization
import Testing

@testable import custody

@Suite struct PushCommandTests {
    /// Accepts every line and remembers keys, as the server does.
    private final class Ledger: Sendable {
        private let state = Mutex<(next: Int, seen: [String: (Int, Int)])>((0, [:]))

        func accept(_ asked: StubServer.Asked) -> StubServer.Answer {
            let count = asked.body.split(separator: "\n").count
            let key = asked.header("Idempotency-Key") ?? ""
            return state.withLock { state in
                if let seen = state.seen[key] {
                    return .json(
                        #"{"accepted":0,"duplicates":\#(count),"rejected":[],"first_index":\#(seen.0),"last_index":\#(seen.1)}"#
                    )
                }
                let first = state.next
                state.next += count
                state.seen[key] = (first, state.next - 1)
                return .json(
                    #"{"accepted":\#(count),"duplicates":0,"rejected":[],"first_index":\#(first),"last_index":\#(state.next - 1)}"#
                )
            }
        }

        var events: Int { state.withLock { $0.next } }
    }

    private func bench(_ directory: TemporaryDirectory) -> CommandBench {
        var bench = CommandBench()
        bench.environment["CUSTODY_SPOOL"] = directory.path + "/spool"
        return bench
    }

    private func spooled(_ directory: TemporaryDirectory) -> [String] {
        let walk = FileManager.default.enumerator(atPath: directory.path + "/spool")
        return (walk?.compactMap { $0 as? String } ?? []).filter { $0.hasSuffix("json") }
    }

    private let lines = (1...2_500).map { "{\"n\":\($0)}\n" }.joined()

    @Test("Events are sent in batches with the token, a key each, and a receipt for each answer")
    func sends() async throws {
        let directory = try TemporaryDirectory()
        let (file, bench) = (try directory.file("events.ndjson", lines), bench(directory))
        let receipts = directory.path + "/receipts"
        let ledger = Ledger()
        try await StubServer.run(ledger.accept) { [lines] url, stub in
            let run = await bench.run("push", "--url", url, "--source", "ci", "--receipts", receipts, file)
            #expect(run.status == 0)
            #expect(run.output == "2,500 events accepted (indexes 0 to 2499)\n")
            #expect(run.errors.isEmpty)
            let asked = stub.requests
            #expect(asked.count == 3)
            #expect(asked.allSatisfy { $0.query == ["source": "ci", "receipt": "true"] && $0.path == "/v1/events" })
            #expect(asked.allSatisfy { $0.header("Authorization") == "Bearer a-token-for-tests" })
            #expect(Set(asked.map { $0.header("Idempotency-Key") }).count == 3)
            #expect(asked.map(\.body.count).reduce(0, +) == lines.count)
        }
        let written = try String(contentsOfFile: receipts, encoding: .utf8).split(separator: "\n")
        #expect(written.count == 3)
        #expect(written.allSatisfy { $0.contains(#""accepted":"#) && $0.contains(#""source":"ci""#) })
    }

    @Test("While the server is away everything is spooled; the next push sends it first, and once")
    func resumes() async throws {
        let directory = try TemporaryDirectory()
        let (file, bench) = (try directory.file("events.ndjson", lines), bench(directory))
        let ledger = Ledger()
        let isAway = Mutex(true)
        try await StubServer.run { asked in
            isAway.withLock { $0 } ? .problem(503, "stopping", "the server is stopping") : ledger.accept(asked)
        } _: { [self] url, _ in
            let away = await bench.run("push", "--url", url, file)
            #expect(away.status == 0)
            #expect(away.output == "0 events accepted; 2,500 spooled\n")
            #expect(away.errors.contains("note: the server is stopping [stopping, request r1]; spooling"))
            #expect(spooled(directory).count == 3)
            isAway.withLock { $0 = false }
            let back = await bench.run("push", "--url", url, "--json", "-", input: "{\"n\":0}\n")
            #expect(back.status == 0)
            #expect(
                back.output
                    == #"{"accepted":2501,"duplicates":0,"rejected":0,"spooled":0,"resumed":2500,"requests":4,"first_index":0,"last_index":2500}"#
                    + "\n")
            #expect(spooled(directory).isEmpty)
            #expect(ledger.events == 2_501)
        }
    }

    @Test("A batch whose answer was lost is sent again under its key, and is not doubled")
    func lostAnswer() async throws {
        let directory = try TemporaryDirectory()
        let bench = bench(directory)
        let ledger = Ledger()
        let losesAnswers = Mutex(true)
        try await StubServer.run { asked in
            let answer = ledger.accept(asked)
            return losesAnswers.withLock { $0 } ? .problem(500, "internal", "lost") : answer
        } _: { [self] url, _ in
            let first = await bench.run("push", "--url", url, input: "{\"n\":1}\n")
            #expect(first.output == "0 events accepted; 1 spooled\n")
            losesAnswers.withLock { $0 = false }
            let second = await bench.run("push", "--url", url, input: "")
            #expect(second.output == "0 events accepted (index 0), 1 duplicate; 1 came from the spool\n")
            #expect(ledger.events == 1)
            #expect(spooled(directory).isEmpty)
        }
    }

    @Test("Retry-After is obeyed, within bounds")
    func retryAfter() async throws {
        let directory = try TemporaryDirectory()
        let bench = bench(directory)
        let ledger = Ledger()
        let asks = Mutex(0)
        try await StubServer.run { asked in
            let number = asks.withLock {
                $0 += 1; return $0
            }
            guard number < 3 else { return ledger.accept(asked) }
            var busy = StubServer.Answer.problem(429, "overloaded", "too much at once")
            busy.retryAfter = number == 1 ? "2" : "3600"
            return busy
        } _: { url, _ in
            let run = await bench.run("push", "--url", url, input: "{\"n\":1}\n")
            #expect(run.status == 0)
            #expect(run.waits == [.seconds(2), .seconds(30)])
        }
    }

    @Test("Entries that are refused are named by file and line; the status is 65")
    func rejections() async throws {
        let directory = try TemporaryDirectory()
        let (bench, file) = (bench(directory), try directory.file("e.ndjson", "{\"a\":1}\n\n{\"a\":\n{\"a\":3}\n"))
        try await StubServer.run { _ in
            .json(
                #"{"accepted":2,"duplicates":0,"rejected":[{"position":1,"reason":"not valid JSON"}],"first_index":0,"last_index":1}"#
            )
        } _: { url, _ in
            let run = await bench.run("push", "--url", url, file)
            #expect(run.status == 65)
            #expect(run.output == "2 events accepted (indexes 0 to 1), 1 refused\n")
            #expect(run.errors == "refused: \(file): line 3: not valid JSON\n")
        }
    }

    @Test("Without a right to send, files stay where they are and nothing is spooled; the status is 77")
    func deniedFile() async throws {
        let directory = try TemporaryDirectory()
        let (file, bench) = (try directory.file("events.ndjson", lines), bench(directory))
        try await StubServer.run { _ in
            .problem(403, "forbidden", "this token may not ingest")
        } _: { [self] url, stub in
            let run = await bench.run("push", "--url", url, file)
            #expect(run.status == 77)
            #expect(run.errors == "custody: this token may not ingest [forbidden, request r1]\n")
            #expect(stub.requests.count <= PushRun.parallelRequests)
            #expect(spooled(directory).isEmpty)
        }
    }

    @Test("What came through a pipe is not lost by a denial: it waits in the spool for the next push, and comes once")
    func deniedPipe() async throws {
        let directory = try TemporaryDirectory()
        let bench = bench(directory)
        let ledger = Ledger()
        let isAllowed = Mutex(false)
        try await StubServer.run { asked in
            isAllowed.withLock { $0 } ? ledger.accept(asked) : .problem(403, "forbidden", "this token may not ingest")
        } _: { [self] url, stub in
            let run = await bench.run("push", "--url", url, input: lines)
            #expect(run.status == 77)
            #expect(run.output == "0 events accepted; 2,500 spooled\n")
            #expect(run.errors.hasSuffix("custody: this token may not ingest [forbidden, request r1]\n"))
            #expect(stub.requests.count <= PushRun.parallelRequests)
            // Denied again while something waits: what comes then waits behind it.
            #expect(await bench.run("push", "--url", url, input: "{\"n\":0}\n").status == 77)
            isAllowed.withLock { $0 = true }
            let resumed = await bench.run("push", "--url", url, input: "")
            #expect(resumed.status == 0)
            #expect(resumed.output.hasPrefix("2,501 events accepted"))
            #expect(ledger.events == 2_501 && spooled(directory).isEmpty)
        }
    }

    @Test("Without a spool a denial says how much of the pipe was lost")
    func deniedWithoutSpool() async throws {
        let bench = CommandBench()
        try await StubServer.run { _ in
            .problem(403, "forbidden", "no")
        } _: { url, _ in
            let run = await bench.run("push", "--no-spool", "--url", url, input: "{\"n\":1}\n{\"n\":2}\n")
            #expect(run.status == 77)
            #expect(run.errors.contains("2 that were read from the pipe are neither sent nor kept"))
        }
    }

    @Test("A batch that is too large is sent in halves, from a file and from the spool; one entry that is, is refused")
    func tooLarge() async throws {
        let directory = try TemporaryDirectory()
        let bench = bench(directory)
        let ledger = Ledger()
        let isAway = Mutex(true)
        let big = "{\"n\":\"\(String(repeating: "x", count: 3_000))\"}\n"
        let small = String(repeating: "{\"n\":1}\n", count: 300)
        let text = small + big + small
        try await StubServer.run { asked in
            if isAway.withLock({ $0 }) { return .problem(503, "stopping", "not now") }
            return asked.body.utf8.count > 2_000 ? .problem(413, "too_large", "too large") : ledger.accept(asked)
        } _: { [self] url, stub in
            #expect(await bench.run("push", "--url", url, input: text).status == 0)
            isAway.withLock { $0 = false }
            let resumed = await bench.run("push", "--url", url, input: "")
            #expect(resumed.status == 65)
            #expect(resumed.output.hasPrefix("600 events accepted"))
            #expect(ledger.events == 600)
            #expect(spooled(directory).filter { !$0.contains("refused/") }.isEmpty)
            #expect(spooled(directory).filter { $0.contains("refused/") }.count == 1)
            let file = try directory.file("again.ndjson", text)
            let direct = await bench.run("push", "--url", url, file)
            #expect(direct.status == 65)
            #expect(direct.errors.contains("\(file): line 301: too large"))
            #expect(ledger.events == 1_200)
        }
    }

    @Test("An array is halved between its elements, and the halves' keys follow from its own")
    func halves() throws {
        let batch = PushBatch(
            body: Array("[ {\"a\":[1,2]}, {\"b\":\"],[\"},3 ]".utf8), form: .document, entries: 3,
            read: Timestamp(seconds: 1), key: "k", origin: .init(file: "f", unit: "entry", numbers: [7, 8, 9]))
        let halves = try #require(batch.halves())
        #expect(String(decoding: halves.0.body, as: UTF8.self) == "[{\"a\":[1,2]}]")
        #expect(String(decoding: halves.1.body, as: UTF8.self) == "[{\"b\":\"],[\"},3]")
        #expect(halves.0.key == "ka" && halves.1.key == "kb")
        #expect(halves.1.origin?.numbers == [8, 9])
        #expect(halves.0.halves() == nil)
    }

    @Test("Status 69 only without a spool, or when the spool fails")
    func unreachable() async throws {
        let directory = try TemporaryDirectory()
        var bench = bench(directory)
        let url = "http://127.0.0.1:1"
        let refused = await bench.run("push", "--no-spool", "--url", url, "-", input: "{\"n\":1}\n")
        #expect(refused.status == 69)
        #expect(
            refused.errors
                == "custody: no answer from http://127.0.0.1:1: connection refused; 0 events accepted, before -: line 1\n"
        )
        let disk = FaultingFileSystem(seed: 1)
        disk.setCapacity(4)
        bench.fileSystem = disk
        #expect(await bench.run("push", "--url", url, input: "{\"n\":1}\n").status == 69)
    }

    @Test("A file that is not there is refused before anything is sent")
    func missingFile() async throws {
        let run = await bench(try TemporaryDirectory()).run("push", "/nowhere/events.ndjson")
        #expect(run.status == 65)
        #expect(run.errors == "custody: /nowhere/events.ndjson: No such file or directory\n")
    }
}
