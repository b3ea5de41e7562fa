import EventModel
import Foundation
import Testing

@testable import custody

/// `custody identity`, and the identities that push and run find where they are.
@Suite("Workload identities on the command line")
struct IdentityCommandTests {
    private static let made =
        #"{"name":"api","issuer":"https://token.actions.githubusercontent.com","source":"ci","use":"once","keys":{"count":4}}"#

    private func body(_ arguments: String...) async throws -> (String?, CommandRun) {
        try await StubServer.run { _ in
            .json(Self.made, status: 201)
        } _: { url, stub in
            let run = await CommandBench().run(
                ["identity", "add", "api", "--source", "ci", "--audience", "https://c.example", "--url", url]
                    + arguments,
                input: [])
            return (stub.requests.first?.body, run)
        }
    }

    @Test("A repository of GitHub is bound by its name, with further claims")
    func github() async throws {
        let (body, run) = try await body(
            "--github", "acme/api", "--claim", "ref=refs/heads/main", "--claim", "ref=refs/tags/v*")
        #expect(
            body
                == #"{"name":"api","issuer":"https://token.actions.githubusercontent.com","audiences":["https://c.example"],"claims":{"ref":["refs/heads/main","refs/tags/v*"],"repository":["acme/api"]},"source":"ci","use":"once"}"#
        )
        #expect(
            run.output == "api: https://token.actions.githubusercontent.com may send as ci, each token once\n")
    }

    @Test("A project of GitLab and a service account of Kubernetes are bound by what their tokens say")
    func others() async throws {
        let gitlab = try await body("--gitlab", "acme/web", "--kind", "generic").0
        #expect(gitlab?.contains(#""issuer":"https://gitlab.com""#) == true)
        #expect(
            gitlab?.contains(#""claims":{"project_path":["acme/web"]},"source":"ci","kinds":["generic"],"use":"once""#)
                == true)
        let cluster = try await body("--kubernetes", "prod/web", "--issuer", "https://k8s.example").0
        #expect(
            cluster?.contains(#""claims":{"sub":["system:serviceaccount:prod:web"]},"source":"ci","use":"lifetime""#)
                == true)
    }

    @Test("What cannot be meant is said before anything is sent")
    func usage() async throws {
        let start = ["identity", "add", "api", "--source", "ci"]
        for rest in [
            ["--audience", "a"], ["--github", "acme/api"], ["--audience", "a", "--github", "a/b", "--gitlab", "a/b"],
            ["--audience", "a", "--kubernetes", "prod/web"],
            ["--audience", "a", "--kubernetes", "web", "--issuer", "i"],
            ["--audience", "a", "--issuer", "i", "--claim", "x"],
            ["--audience", "a", "--github", "a/b", "--jwks", "f", "--jwks-url", "u"],
        ] {
            #expect(await CommandBench().run(start + rest, input: []).status == 64, "\(rest)")
        }
    }

    // MARK: Sending

    private static let answer = #"{"accepted":1,"duplicates":0,"rejected":[],"first_index":0,"last_index":0}"#

    /// A server that gives sessions for tokens and takes events with a session alone; GitHub's endpoint, too.
    private static func serve(_ asked: StubServer.Asked, expires: String = "2026-11-24T01:00:00Z") -> StubServer.Answer
    {
        switch asked.path {
        case "/github":
            return asked.header("Authorization") == "Bearer request-token"
                ? .json(#"{"value":"github-token-for-\#(asked.query["audience"] ?? "")"}"#) : .json("{}", status: 401)
        case "/v1/identities/session":
            let token = asked.header("Authorization") ?? ""
            guard
                token.hasPrefix("Bearer github-token-for-https://c.example") || token == "Bearer pod"
                    || token == "Bearer job"
            else { return .problem(401, "unknown_credential", "this token is not known") }
            return .json(
                #"{"token":"session-\#(token.suffix(3))","expires":"\#(expires)","sources":["ci"]}"#, status: 201)
        case "/v1/events":
            return asked.header("Authorization")?.hasPrefix("Bearer session-") == true
                ? .json(answer) : .problem(401, "unauthenticated", "a bearer token is needed")
        default: return .problem(404, "not_found", "no")
        }
    }

    private static func bench(_ directory: TemporaryDirectory, _ environment: [String: String]) -> CommandBench {
        var bench = CommandBench()
        bench.environment = environment
        bench.environment["XDG_STATE_HOME"] = directory.path
        return bench
    }

    @Test("In a job of GitHub Actions push asks for a token of the right audience and exchanges it once")
    func githubJob() async throws {
        let directory = try TemporaryDirectory()
        try await StubServer.run {
            Self.serve($0)
        } _: { url, stub in
            let bench = Self.bench(
                directory,
                [
                    "ACTIONS_ID_TOKEN_REQUEST_URL": url + "/github?api-version=2.0",
                    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-token", "CUSTODY_AUDIENCE": "https://c.example",
                ])
            let run = await bench.run("push", "--url", url, input: "{\"id\":\"a\"}\n")
            #expect(run.status == 0, "\(run.errors)")
            #expect(stub.requests.filter { $0.path == "/github" }.map { $0.query["audience"] } == ["https://c.example"])
            #expect(stub.requests.filter { $0.path == "/v1/identities/session" }.count == 1)
        }
    }

    @Test("A job's one token serves several commands, and only for as long as its session lasts")
    func gitlabJob() async throws {
        let directory = try TemporaryDirectory()
        try await StubServer.run {
            Self.serve($0)
        } _: { url, stub in
            var bench = Self.bench(directory, ["CUSTODY_ID_TOKEN": "job"])
            for _ in 0..<2 {
                #expect(await bench.run("push", "--url", url, input: "{\"id\":\"a\"}\n").status == 0)
            }
            #expect(await bench.run("run", "--url", url, "--", "true").status == 0)
            #expect(stub.requests.filter { $0.path == "/v1/identities/session" }.count == 1)
            // 2026-11-24T00:59:30Z: within a minute of its end.
            bench.now = .init(seconds: 1_795_482_000 - 30)
            #expect(await bench.run("push", "--url", url, input: "{\"id\":\"a\"}\n").status == 0)
            #expect(stub.requests.filter { $0.path == "/v1/identities/session" }.count == 2)
            let files = try FileManager.default.contentsOfDirectory(atPath: directory.path + "/custody/sessions")
            #expect(files.count == 1)
            let file = directory.path + "/custody/sessions/" + (files.first ?? "")
            let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }
    }

    @Test("A pod's file is read when a session is needed, so that the kubelet's new token counts")
    func pod() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.file("token", "old\n")
        try await StubServer.run {
            Self.serve($0)
        } _: { url, stub in
            let bench = Self.bench(directory, ["CUSTODY_ID_TOKEN_FILE": file])
            let refused = await bench.run("push", "--no-spool", "--url", url, input: "{\"id\":\"a\"}\n")
            #expect(refused.status == 77 && refused.errors.contains("unknown_credential"), "\(refused.errors)")
            _ = try directory.file("token", "pod\n")
            #expect(await bench.run("push", "--url", url, input: "{\"id\":\"a\"}\n").status == 0)
            let gone = Self.bench(directory, ["CUSTODY_ID_TOKEN_FILE": directory.path + "/none"])
            #expect(await gone.run("push", "--no-spool", "--url", url, input: "{\"id\":\"a\"}\n").status == 77)
        }
    }

    @Test("A token of Custody's own goes before, and commands that read use no workload's identity")
    func precedence() async throws {
        let directory = try TemporaryDirectory()
        try await StubServer.run { asked in
            switch asked.path {
            case "/v1/events": .json(Self.answer)
            case "/v1/tokens": .json(#"{"tokens":[]}"#)
            default: .problem(404, "not_found", "no")
            }
        } _: { url, stub in
            let bench = Self.bench(directory, ["CUSTODY_ID_TOKEN": "job", "CUSTODY_TOKEN": "mine"])
            #expect(await bench.run("push", "--url", url, input: "{\"id\":\"a\"}\n").status == 0)
            #expect(stub.requests.allSatisfy { $0.header("Authorization") == "Bearer mine" })
            let reader = Self.bench(directory, ["CUSTODY_ID_TOKEN": "job"])
            _ = await reader.run("token", "list", "--url", url)
            #expect(stub.requests.allSatisfy { $0.header("Authorization") != "Bearer job" })
        }
    }
}
