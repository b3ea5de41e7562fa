import EventModel
import Intake
import Synchronization

/// What is shown of a source's connection to GitHub: never a secret.
struct GitHubStatus: Sendable {
    private struct Stream: Sendable {
        var name: String
        var state: GitHubProgress.State
        var events: Int
        var joined: Int
        var failures: Int
        var gaps: Int
        var lastPage: Int
        var failure: String?
    }

    private let connection: GitHubConnections.Connection
    private let client: GitHubClient.Status
    private let streams: [Stream]

    init(_ connection: GitHubConnections.Connection, _ running: GitHubStreams?) async {
        self.connection = connection
        client = await running?.context.client.status ?? GitHubClient.Status()
        streams = (running?.progress ?? []).map { progress in
            let counters = progress.counters
            return Stream(
                name: progress.stream.rawValue, state: progress.snapshot,
                events: counters.events.load(ordering: .relaxed), joined: progress.joined.load(ordering: .relaxed),
                failures: counters.failures.load(ordering: .relaxed), gaps: counters.gaps.load(ordering: .relaxed),
                lastPage: counters.lastPage.load(ordering: .relaxed), failure: counters.lastFailure)
        }
    }

    /// In a few words, for a list: what fails goes before what is on its way.
    var summary: String {
        if streams.isEmpty { return "github: starting" }
        if let failing = streams.first(where: { $0.failure != nil }) { return "github: \(failing.name) failing" }
        let parts = streams.compactMap(\.state.backfilled)
        if streams.contains(where: { $0.state.phase == .backfilling }), !parts.isEmpty {
            return "github: backfill \(Int(parts.reduce(0, +) / Double(parts.count) * 100)) %"
        }
        if streams.contains(where: { $0.state.phase == .waiting }) { return "github: waiting" }
        return streams.contains { $0.state.phase == .starting } ? "github: starting" : "github: following"
    }

    func write(to json: inout JSONWriter) {
        let settings = connection.settings
        json.object { json in
            json.member("organization", settings.organization)
            json.member("api", settings.api)
            if case .app(let id, _) = settings.credential { json.member("app_id", id) }
            json.member("credential", settings.isApp ? "app" : "token")
            json.member("origin", connection.origin.rawValue)
            json.member("backfill_days", settings.backfillDays)
            json.member("requests", Int64(client.requests))
            json.member("unchanged", Int64(client.unchanged))
            json.member("clock_skew_seconds", client.skew)
            if let limit = client.budget.limit, let remaining = client.budget.remaining, let reset = client.budget.reset
            {
                json.member("rate_limit") { json in
                    json.object { json in
                        json.member("limit", Int64(limit))
                        json.member("remaining", Int64(remaining))
                        json.member("resets", Timestamp(seconds: reset).text)
                    }
                }
            }
            json.member("streams") { json in
                json.array { json in for stream in streams { Self.write(stream, to: &json) } }
            }
        }
    }

    private static func write(_ stream: Stream, to json: inout JSONWriter) {
        json.object { json in
            json.member("name", stream.name)
            json.member("state", stream.failure == nil ? stream.state.phase.rawValue : "failing")
            json.member("note", stream.failure ?? stream.state.note)
            if let part = stream.state.backfilled { json.member("backfilled_percent", Int64(part * 100)) }
            json.member("reached", stream.state.reached.map { Timestamp(seconds: $0).text })
            json.member("events", Int64(stream.events))
            json.member("joined", Int64(stream.joined))
            json.member("failures", Int64(stream.failures))
            json.member("gaps", Int64(stream.gaps))
            if stream.lastPage > 0 { json.member("last_page", Timestamp(seconds: Int64(stream.lastPage)).text) }
            if !stream.state.skipped.isEmpty {
                json.member("skipped") { json in
                    json.object { json in
                        for (name, reason) in stream.state.skipped.sorted(by: { $0.key < $1.key }) {
                            json.member(name, reason)
                        }
                    }
                }
            }
        }
    }
}

extension GitHubConnections {
    /// What is shown of a source's connection; nil when it has none.
    func status(of source: String) async -> GitHubStatus? {
        guard let connection = connection(of: source) else { return nil }
        return await GitHubStatus(connection, streams(of: source))
    }
}
