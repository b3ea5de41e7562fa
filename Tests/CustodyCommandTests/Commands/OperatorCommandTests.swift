import CustodyServer
import Foundation
import SystemPackage
import Testing

@testable import custody

/// Commands of whoever runs a server, each against a real one or what it left.
@Suite("The operator's commands", .serialized)
struct OperatorCommandTests {
    private static let token = "operator-commands-token-0123456789"

    /// Runs `body` with the URL of a server on a data directory, then stops it.
    private func serving(
        _ data: String, guardDirectory: String, _ body: @escaping @Sendable (String) async throws -> Void
    )
        async throws
    {
        var configuration = ServerConfiguration()
        configuration.dataDirectory = FilePath(data)
        configuration.guardDirectory = FilePath(guardDirectory)
        configuration.host = "127.0.0.1"
        configuration.port = 0
        configuration.adminToken = Self.token
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let server = ServerRun(configuration: configuration, announces: false) { _, number in port.yield(number) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            group.addTask {
                for await number in ports { return try await body("http://127.0.0.1:\(number)") }
            }
            // The first to end is the body; a server that cannot start is an error.
            try await group.next()
            group.cancelAll()
            while let ended = await group.nextResult() { _ = ended }
        }
    }

    @Test("Holds, retention, backup, guard, key change, restore and verification, one after the other")
    func life() async throws {
        let place = try TemporaryDirectory()
        let (data, keeper) = (place.path + "/data", place.path + "/guard")
        var bench = CommandBench()
        bench.environment = ["CUSTODY_TOKEN": Self.token, "XDG_STATE_HOME": place.path + "/state"]
        let operators = bench
        try await serving(data, guardDirectory: keeper) { url in
            let bench = operators
            let events = (0..<40).map { #"{"id":"\#($0)","actor":"a\#($0 % 3)","action":"x.y"}"# }
            let pushed = await bench.run("push", "--source", "ci", "--url", url, input: events.joined(separator: "\n"))
            #expect(pushed.status == 0, "\(pushed.errors)")
            #expect(await bench.run("hold", "list", "--url", url).status == 1)
            let none = await bench.run("hold", "add", "case", "action:no.such", "--url", url)
            #expect(none.status == 1 || none.status == 65, "\(none.errors)")
            // A hold is of what can be found: that takes a moment.
            let deadline = ContinuousClock.now + .seconds(20)
            var held = none
            while held.status != 0, ContinuousClock.now < deadline {
                held = await bench.run("hold", "add", "case", "actor:a1", "--url", url)
            }
            #expect(held.status == 0 && held.output.contains("events"), "\(held.errors)")
            let holds = await bench.run("hold", "list", "--url", url)
            #expect(holds.status == 0 && holds.output.contains("case"))
            #expect(await bench.run("retention", "show", "--url", url).status <= 1)
            #expect(await bench.run("retention", "preview", "--url", url).status <= 1)
            // A release needs approvers.
            let release = place.path + "/release.custody"
            let asked = await bench.run("hold", "release", "0", "--request", release, "--url", url)
            #expect(asked.status == 0 || asked.status == 65, "\(asked.errors)")
            let proof = await bench.run("show", "0", "--proof", "--url", url)
            #expect(proof.status == 0, "\(proof.errors)")
        }
        let backup = await bench.run("backup", place.path + "/backup", "--data", data, "--include-keys")
        #expect(backup.status == 0 && backup.output.contains("leaves verified"), "\(backup.errors)")
        #expect(await bench.run("backup", place.path + "/other", "--data", place.path + "/nowhere").status == 65)
        let shown = await bench.run("guard", "show", "--data", data, "--guard", keeper)
        #expect(shown.status == 0 && shown.lines.count == 3 && !shown.output.contains("nothing"), "\(shown.errors)")
        // What is remembered is not lost.
        let vouched = await bench.run("guard", "accept", "--data", data, "--guard", keeper, "--reason", "a test")
        #expect(vouched.status == 2, "\(vouched.errors)")
        let inside = await bench.run("guard", "show", "--data", data, "--guard", data + "/guard")
        #expect(inside.status == 64, "a guard in the data directory would be rolled back with it")
        let restored = await bench.run("restore", place.path + "/backup", "--data", place.path + "/restored")
        #expect(restored.status == 0 && restored.output.contains("leaves restored"), "\(restored.errors)")
        let old = shown.lines[0].split(separator: " ").last.map(String.init) ?? ""
        let rotated = await bench.run("key", "rotate", "--data", data, "--guard", keeper, "--reason", "scheduled")
        #expect(rotated.status == 0 && rotated.output != old + "\n", "\(rotated.errors)")
        // The old key is followed to the new one.
        let verified = await bench.run("verify", data, "--vkey", old)
        #expect(verified.status == 0 && verified.output.contains("the key was changed 1 times"), "\(verified.errors)")
        let again = await bench.run("verify", data, "--vkey", old, "--incremental")
        #expect(again.status == 0 && again.output.contains("not compared again"), "\(again.errors)")
        let occupied = await bench.run("restore", place.path + "/backup", "--data", data)
        #expect(occupied.status != 0)
        #expect(await bench.run("restore", data, "--data", place.path + "/x").status == 65, "no backup")
        let unproven = await bench.run(
            "restore", place.path + "/backup", "--data", place.path + "/y", "--records", place.path + "/none")
        #expect(unproven.status == 64, "records are proven by what is newer")
    }

    @Test("What a witness is told to do and cannot is said")
    func witness() async throws {
        let place = try TemporaryDirectory()
        let policy = try place.file("policy", "quorum none\nquorum none\n")
        let run = await CommandBench().run("witness", "--policy", policy, "--data", place.path + "/witness")
        #expect(run.status == 64)
        let missing = await CommandBench().run("witness", "--policy", place.path + "/none", "--data", place.path + "/w")
        #expect(missing.status != 0)
    }
}
