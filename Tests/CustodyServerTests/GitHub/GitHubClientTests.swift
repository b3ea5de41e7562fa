import Connectors
import EventModel
import Foundation
import Intake
import Synchronization
import Testing

@testable import CustodyServer

@Suite("Credentials and limits of GitHub")
struct GitHubClientTests {
    private func client(
        _ clock: GitHubWorld.Clock, _ github: StandInGitHub, app: Bool = true
    ) throws -> GitHubClient {
        GitHubClient(
            try GitHubSettings(GitHubWorld.entry(app: app), source: "acorn"), transport: github, limit: 1 << 20,
            now: { clock.now })
    }

    private func world() -> (GitHubWorld.Clock, StandInGitHub) {
        let clock = GitHubWorld.Clock(GitHubWorld.start)
        return (clock, StandInGitHub(now: { clock.now }))
    }

    @Test("An installation's token is used for its hour and renewed before its end")
    func renewal() async throws {
        let (clock, github) = world()
        let client = try client(clock, github)
        for _ in 0..<3 { _ = try await client.get("/installation/repositories") }
        #expect(github.state.withLock { $0.tokensMade } == 1)
        clock.advance(3_400)
        _ = try await client.get("/installation/repositories")
        #expect(github.state.withLock { $0.tokensMade } == 2)
    }

    @Test("A revoked token is replaced once; a revoked installation and a wrong token are denied, with GitHub's words")
    func revoked() async throws {
        let (clock, github) = world()
        let app = try client(clock, github)
        _ = try await app.get("/installation/repositories")
        github.change { $0.access = [:] }
        _ = try await app.get("/installation/repositories")
        #expect(github.state.withLock { $0.tokensMade } == 2)
        github.change {
            $0.access = [:]
            $0.installed = false
        }
        let gone = await #expect(throws: PullError.self) { try await app.get("/installation/repositories") }
        #expect(gone?.code == .denied, "\(String(describing: gone))")
        github.change { $0.token = "another" }
        let wrong = await #expect(throws: PullError.self) { try await client(clock, github, app: false).get("/user") }
        #expect(wrong?.code == .denied && wrong?.reason.contains("Bad credentials") == true)
    }

    @Test(
        "A clock that is wrong by minutes or days is noticed and got round",
        arguments: [-100_000, -700, -90, 20, 90, 700, 100_000] as [Int64])
    func skew(seconds: Int64) async throws {
        let (clock, github) = world()
        github.change { $0.skew = seconds }
        let client = try client(clock, github)
        _ = try await client.get("/installation/repositories")
        _ = try await client.get("/app/hook/deliveries", as: .app)
        #expect(await client.status.skew == seconds)
    }

    @Test("A limit that is reached stops every stream until GitHub's hour is over")
    func limits() async throws {
        let (clock, github) = world()
        github.change { $0.limit = 1 }
        let client = try client(clock, github, app: false)
        _ = try await client.get("/user")
        // Of one request nothing is left to others, so the next hour is waited for without asking.
        let asked = github.requests.count
        let pause = await #expect(throws: GitHubPause.self) { try await client.get("/user") }
        #expect(pause?.until == GitHubWorld.start + 3_600 && github.requests.count == asked)
        clock.advance(3_601)
        _ = try await client.get("/user")
    }

    @Test("A secondary limit is obeyed for as long as it says, else for a minute")
    func secondary() async throws {
        let (clock, github) = world()
        github.change {
            $0.faultEvery = 1
            $0.faults = [.secondaryLimit]
        }
        let client = try client(clock, github, app: false)
        let error = await #expect(throws: PullError.self) { try await client.get("/user") }
        #expect(error?.code == .limited && error?.retryAfterSeconds == 30)
        await #expect(throws: GitHubPause.self) { try await client.get("/user") }
        github.change { $0.faultEvery = 0 }
        clock.advance(31)
        _ = try await client.get("/user")
    }

    @Test("The credential goes nowhere but to the API")
    func elsewhere() async throws {
        let (clock, github) = world()
        let error = await #expect(throws: PullError.self) {
            try await client(clock, github).get("https://evil.example/repos?page=2")
        }
        #expect(error?.code == .malformed && github.requests.isEmpty)
    }

    @Test(
        "What is missing or wrong in the settings is said",
        arguments: [
            ("{source: a, organization: acorn}", "it needs app_id and private_key, or a token"),
            ("{source: a, organization: acorn, app_id: 5}", "app_id needs the App's private_key"),
            ("{source: a, organization: acorn, private_key: x}", "private_key needs the app_id"),
            ("{source: a, organization: acorn, app_id: 5, private_key: x}", "no RSA key in PEM"),
            ("{source: a, organization: acorn, app_id: 5, private_key: x, token: y2345678}", "not both"),
            ("{source: a, organization: 'a/b', token: x2345678}", "organization is the name"),
            ("{source: a, organization: acorn, token: '${NO_SUCH_VARIABLE_HERE}'}", "the environment has no"),
            ("{source: a, organization: acorn, token: x2345678, api: 'http://example.com'}", "api is an https URL"),
            (
                "{source: a, organization: acorn, token: x2345678, streams: [everything]}",
                "there is no stream everything"
            ),
            ("{source: a, organization: acorn, token: x2345678, backfill_days: 900}", "backfill_days is 0 to 400"),
            ("{source: a, organization: acorn, token_file: /no/such/file}", "cannot be read"),
            ("{organization: acorn, token: x2345678}", "source is missing"),
        ])
    func settings(entry: String, reason: String) throws {
        var configuration = ServerConfiguration()
        let error = try #require(throws: ConfigurationError.self) {
            try configuration.read(yaml: "github:\n  - \(entry)\n", file: "c.yml")
        }
        #expect(error.description.contains(reason), "\(error)")
    }

    @Test("A token of an App says what GitHub asks for, and its signature is the key's")
    func token() throws {
        let key = try #require(RSASigningKey(pem: GitHubTestKey.pem))
        let token = try key.token(claims: #"{"iss":"1"}"#)
        let parts = token.split(separator: ".").map(String.init)
        #expect(StandInGitHub.decoded(parts[0]) == #"{"alg":"RS256","typ":"JWT"}"#)
        #expect(StandInGitHub.decoded(parts[1]) == #"{"iss":"1"}"# && parts[2].count == 342)
        #expect(RSASigningKey(pem: "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----") == nil)
    }
}
