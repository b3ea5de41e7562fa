import Foundation
import Testing

@testable import custody

@Suite("custody run")
struct RunCommandTests {
    private func bench(_ directory: TemporaryDirectory, url: String) -> CommandBench {
        var bench = CommandBench()
        bench.environment["CUSTODY_SPOOL"] = directory.path + "/spool"
        bench.environment["CUSTODY_URL"] = url
        bench.environment["PATH"] = "/usr/bin:/bin"
        return bench
    }

    private static let accepted = StubServer.Answer.json(
        #"{"accepted":1,"duplicates":0,"rejected":[],"first_index":0,"last_index":0}"#)

    private func event(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test("A step is recorded with its words, status, digests and what the CI system says")
    func recorded() async throws {
        let directory = try TemporaryDirectory()
        let made = directory.path + "/made.txt"
        try Data("abc".utf8).write(to: URL(fileURLWithPath: directory.path + "/read.txt"))
        try await StubServer.run({ _ in Self.accepted }) { url, stub in
            var bench = bench(directory, url: url)
            for (name, value) in [
                ("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "acme/api"),
                ("GITHUB_SHA", "6113728f27ae82c7b1a177c8d03f9e96e0adf246"),
                ("GITHUB_RUN_ID", "77"), ("GITHUB_ACTOR", "octocat"),
            ] { bench.environment[name] = value }
            let run = await bench.run(
                "run", "--source", "ci", "--input", directory.path + "/read.txt", "--output", made, "--", "sh", "-c",
                "printf abc > \(made)")
            #expect(run.status == 0, "\(run.errors)")
            let asked = try #require(stub.requests.last)
            #expect(asked.path == "/v1/events" && asked.query["source"] == "ci")
            let event = try event(asked.body)
            #expect(event["outcome"] as? String == "success" && event["outcome_code"] as? String == "0")
            #expect((event["command"] as? [String])?.first == "sh" && event["run_id"] as? String == "77")
            #expect(event["ci_system"] as? String == "github-actions" && event["actor"] as? String == "octocat")
            // SHA-256 of "abc" (FIPS 180-2, appendix B.1).
            let digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
            for list in ["inputs", "artifacts"] {
                #expect((event[list] as? [[String: Any]])?.first?["digest"] as? String == digest)
            }
        }
    }

    @Test("The exit status is the command's; one that is not there is 127; the words can be left out")
    func statuses() async throws {
        let directory = try TemporaryDirectory()
        try await StubServer.run({ _ in Self.accepted }) { url, stub in
            let bench = bench(directory, url: url)
            #expect(await bench.run("run", "--no-command", "--", "sh", "-c", "exit 7").status == 7)
            let event = try event(#require(stub.requests.last).body)
            #expect(event["outcome"] as? String == "failure" && event["outcome_code"] as? String == "7")
            #expect(event["command"] == nil && event["operation"] == nil)
            #expect(await bench.run("run", "--", "no-such-command-anywhere").status == 127)
            #expect(await bench.run("run", "--", "sh", "-c", "kill -9 $$").status == 137)
            #expect(await bench.run("run").status == 64)
        }
    }

    @Test("Without a server the record waits in the spool; a denial fails the step only when it is required")
    func unsent() async throws {
        let directory = try TemporaryDirectory()
        let away = await bench(directory, url: "http://127.0.0.1:9").run("run", "--", "true")
        #expect(away.status == 0)
        let walk = FileManager.default.enumerator(atPath: directory.path + "/spool")
        #expect((walk?.compactMap { $0 as? String } ?? []).count { $0.hasSuffix(".json") } == 1)
        let other = try TemporaryDirectory()
        try await StubServer.run({ _ in .problem(403, "not_permitted", "no") }) { url, _ in
            let bench = bench(other, url: url)
            #expect(await bench.run("run", "--", "true").status == 0)
            #expect(await bench.run("run", "--require", "--", "true").status == 77)
            #expect(await bench.run("run", "--require", "--", "false").status == 1)
        }
    }

    @Test("Outside a CI system only the user is known; inside each, its own variables")
    func identities() {
        #expect(BuildIdentity(environment: ["USER": "mona"])["actor"] == "mona")
        let gitlab = BuildIdentity(environment: [
            "GITLAB_CI": "true", "CI_PROJECT_PATH": "acme/api", "CI_JOB_NAME": "build", "CI_COMMIT_SHA": "",
        ])
        #expect(gitlab["ci_system"] == "gitlab-ci" && gitlab["job"] == "build" && gitlab["commit"] == nil)
        #expect(BuildIdentity(environment: ["JENKINS_URL": "x", "BUILD_NUMBER": "9"])["run_id"] == "9")
    }

    @Test("Files below a directory are digested, by path; more than the limit, and what is not there, are refused")
    func digests() throws {
        let directory = try TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: directory.path + "/a/b", withIntermediateDirectories: true)
        for name in ["a/2", "a/b/1"] {
            try Data(name.utf8).write(to: URL(fileURLWithPath: directory.path + "/" + name))
        }
        let entries = try FileDigests.of([directory.path + "/a", directory.path + "/a/2"])
        #expect(
            entries.map(\.path) == ["a/2", "a/b/1"].map { directory.path + "/" + $0 } && entries.map(\.size) == [3, 5])
        #expect(throws: CommandFailure.self) { try FileDigests.of([directory.path + "/none"]) }
    }
}
