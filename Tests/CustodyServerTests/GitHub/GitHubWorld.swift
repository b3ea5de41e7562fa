import AccessControl
import EventModel
import EventStore
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Identity
import Intake
import QueryLanguage
import Synchronization
import Testing

@testable import CustodyServer

/// A server that reads a stand-in of GitHub, on a clock that only the test moves.
final class GitHubWorld: Sendable {
    final class Clock: Sendable {
        private let seconds: Atomic<Int64>
        private let began = ContinuousClock.now
        init(_ seconds: Int64) { self.seconds = Atomic(seconds) }
        var now: Timestamp { Timestamp(seconds: seconds.load(ordering: .relaxed)) }
        /// The same moment, moved on by the time that the test itself takes: what the store shows depends on its age.
        var running: Timestamp {
            let passed = (ContinuousClock.now - began).components
            return now.advanced(byNanoseconds: passed.seconds * 1_000_000_000 + passed.attoseconds / 1_000_000_000)
        }
        func advance(_ by: Int64) { seconds.add(by, ordering: .relaxed) }
    }

    static let start = Timestamp(parsing: "2026-11-26T09:00:00Z")!.seconds
    static let day: Int64 = 86_400

    let clock: Clock
    let github: StandInGitHub
    let server: TestServer

    init(_ server: TestServer, _ clock: Clock, _ github: StandInGitHub) {
        self.server = server
        self.clock = clock
        self.github = github
    }

    var state: ServerState { server.service.state }

    /// Runs `body` against a fresh server, with GitHub as `prepare` leaves it.
    static func run(
        _ prepare: (inout StandInGitHub.State) -> Void = { _ in }, in directory: URL? = nil,
        _ body: @escaping @Sendable (GitHubWorld, any TestClientProtocol) async throws -> Void
    ) async throws {
        let clock = Clock(start)
        let github = StandInGitHub(now: { clock.running })
        github.change(prepare)
        try await TestServer.run(in: directory, now: { clock.running }) { server, client in
            server.service.state.github.use(github)
            try await body(GitHubWorld(server, clock, github), client)
        }
    }

    static func entry(
        app: Bool = false, streams: [String]? = nil, days: Int64? = nil, redeliver: Bool? = nil
    ) -> GitHubSettings.Entry {
        var entry = GitHubSettings.Entry(organization: "acorn")
        if app {
            entry.appID = 4_711
            entry.privateKey = GitHubTestKey.pem
        } else {
            entry.token = "ghp_standin0123456789"
        }
        entry.streams = streams
        entry.backfillDays = days
        entry.redeliver = redeliver
        return entry
    }

    /// Connects the source `acorn` and returns its streams, which nothing runs but ``drain(_:rounds:)``.
    func connect(_ entry: GitHubSettings.Entry) throws -> Streams {
        if state.sources.source(named: "acorn") == nil {
            _ = try state.sources.add(
                name: "acorn", connector: GitHubJoin.webhook, secret: "standin-secret", now: clock.now)
        }
        _ = try state.github.set(entry, source: "acorn", now: clock.now)
        return try reopen()
    }

    /// The streams as a new process would open them: with nothing but the cursors.
    func reopen() throws -> Streams {
        let connection = try #require(state.github.connection(of: "acorn"))
        let streams = GitHubStreams(connection.settings, state: state)
        state.github.run([streams])
        return Streams(streams)
    }

    struct Streams {
        let streams: GitHubStreams
        let runs: [PullRun]

        init(_ streams: GitHubStreams) {
            self.streams = streams
            runs = streams.progress.map(streams.pull)
        }
    }

    /// Lets every stream go on until none has more to do, waiting after failures as the schedule does.
    ///
    /// - Returns: The failures on the way.
    @discardableResult
    func drain(_ streams: Streams, maximumSteps: Int = 200_000) async throws -> [PullError] {
        var failures: [PullError] = []
        var steps = 0
        for run in streams.runs {
            var hasMore = true
            while hasMore {
                steps += 1
                guard steps < maximumSteps else {
                    Issue.record("no end after \(steps) steps")
                    return failures
                }
                do {
                    hasMore = try await run.step()
                } catch let error as PullError {
                    failures.append(error)
                    guard error.code != .denied else { break }
                    // Longer than a failing repository is left alone.
                    clock.advance(max(error.retryAfterSeconds ?? 0, 61))
                }
            }
        }
        return failures
    }

    /// Counts the kept events by a query.
    func count(_ query: String, _ client: any TestClientProtocol, expecting: Int = 0) async throws -> Int {
        let query = try Query(parsing: "source.name:acorn \(query) | stats count", now: clock.now)
        let authorized = try Authorizer.authorize(
            query, since: Timestamp(seconds: 0), for: Principal.system, now: clock.now)
        let deadline = ContinuousClock.now + .seconds(20)
        var count = 0
        repeat {
            let rows = try await state.store.search(authorized, SearchOptions()).rows
            if case .integer(let number)? = rows.first?.first { count = Int(number) }
            if count >= expecting { break }
            await Task.yield()
        } while ContinuousClock.now < deadline
        return count
    }
}
