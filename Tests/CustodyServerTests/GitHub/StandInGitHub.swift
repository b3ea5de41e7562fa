import Connectors
import EventModel
import Foundation
import Intake
import Synchronization

@testable import CustodyServer

/// GitHub's REST API as its documentation describes it, in memory: credentials, pages, ETags, limits. And as it is on a bad day: it
/// fails, stalls, cuts answers off, repeats and reorders what is on its pages.
final class StandInGitHub: GitHubTransport {
    /// What a bad day brings.
    enum Fault: Sendable, CaseIterable {
        case serverError, timeOut, secondaryLimit, cutOff, repeated, shuffled
    }

    struct Run: Sendable {
        var id: Int64
        var attempt: Int64 = 1
        var created: Int64
        var updated: Int64
        var status = "completed"
        var conclusion: String? = "success"
        var jobs = 2
    }

    struct Deployment: Sendable {
        var id: Int64
        var created: Int64
        var states: [(state: String, at: Int64)] = []
    }

    struct FeedEvent: Sendable {
        var id: Int64
        var type = "PushEvent"
        var created: Int64
        var payload: String
    }

    struct HookDelivery: Sendable {
        var id: Int64
        var guid: String
        var event: String
        var at: Int64
        var status = 0
        var payload: String
        var redeliveries = 0
    }

    struct Repository: Sendable {
        var runs: [Run] = []
        var deployments: [Deployment] = []
        var feed: [FeedEvent] = []
        /// The status with which everything of this repository is refused.
        var refuses: Int?
    }

    struct State: Sendable {
        var organization = "acorn"
        var repositories: [String: Repository] = [:]
        var deliveries: [HookDelivery] = []
        /// Entries of the audit log by time; nil where the plan has none.
        var audit: [(id: String, at: Int64)]?
        var token: String? = "ghp_standin0123456789"
        var installed = true
        /// Installation tokens that are good, and until when.
        var access: [String: Int64] = [:]
        var limit = 1_000_000
        var used = 0
        var windowEnds: Int64 = 0
        /// GitHub's clock less the test's.
        var skew: Int64 = 0
        /// Every so many requests one fault; 0 for none.
        var faultEvery = 0
        var faults = Fault.allCases
        /// Answers 503 to everything.
        var isDown = false
        var pollInterval = 60
        var codes: Set<String> = []
        // What happened.
        var requests: [String] = []
        var unchanged = 0
        var mostInHour = 0
        var tokensMade = 0
    }

    let state = Mutex(State())
    private let now: @Sendable () -> Timestamp
    private let key = RSASigningKey(pem: GitHubTestKey.pem)

    init(now: @escaping @Sendable () -> Timestamp) { self.now = now }

    var requests: [String] { state.withLock { $0.requests } }
    func count(_ part: String) -> Int { requests.count { $0.contains(part) } }

    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    func send(_ request: GitHubRequest, limit: Int) async throws -> PullReply {
        try state.withLock { state in try answer(request, &state) }
    }

    // MARK: The front

    private func answer(_ request: GitHubRequest, _ state: inout State) throws -> PullReply {
        let clock = now().seconds + state.skew
        let parts = URLComponents(string: request.url)
        let path = parts?.path ?? ""
        let query = Dictionary(
            (parts?.queryItems ?? []).map { ($0.name, $0.value ?? "") }, uniquingKeysWith: { $1 })
        state.requests.append(
            "\(request.method) \(request.url.replacingOccurrences(of: "https://api.github.com", with: ""))")
        if state.windowEnds <= clock {
            state.windowEnds = clock + 3_600
            state.used = 0
        }
        guard !state.isDown else { return reply(503, "{}", &state, clock) }
        let fault =
            state.faultEvery > 0 && state.requests.count % state.faultEvery == 0
            ? state.faults[state.requests.count / state.faultEvery % state.faults.count] : nil
        switch fault {
        case .serverError?: return reply(502, "<html>", &state, clock)
        case .timeOut?: throw PullError(.unavailable, "no answer")
        case .secondaryLimit?:
            var refusal = reply(403, #"{"message":"You have exceeded a secondary rate limit."}"#, &state, clock)
            refusal.headers.append(("Retry-After", "30"))
            return refusal
        default: break
        }
        if path.hasPrefix("/app-manifests/") { return conversion(path, &state, clock) }
        if let refusal = refusal(request, path, &state, clock) { return refusal }
        guard state.used < state.limit else {
            return reply(403, #"{"message":"API rate limit exceeded"}"#, &state, clock)
        }
        var found = route(request.method, path, query, fault, &state, clock)
        if found.status == 200 {
            let etag = "\"\(found.body.hashValue)\""
            found.headers.append(("ETag", etag))
            if request["If-None-Match"] == etag {
                state.unchanged += 1
                return reply(304, "", &state, clock, found.headers)
            }
        }
        state.used += 1
        state.mostInHour = max(state.mostInHour, state.used)
        if fault == .cutOff, found.body.count > 40 { found.body = String(found.body.dropLast(found.body.count / 3)) }
        return reply(found.status, found.body, &state, clock, found.headers)
    }

    private func reply(
        _ status: Int, _ body: String, _ state: inout State, _ clock: Int64, _ headers: [(String, String)] = []
    ) -> PullReply {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        let own = [
            ("Date", formatter.string(from: Date(timeIntervalSince1970: Double(clock)))),
            ("X-RateLimit-Limit", String(state.limit)),
            ("X-RateLimit-Remaining", String(max(0, state.limit - state.used))),
            ("X-RateLimit-Reset", String(state.windowEnds)), ("X-RateLimit-Resource", "core"),
        ]
        return PullReply(
            status: status, headers: (own + headers).map { (name: $0.0, value: $0.1) }, body: Array(body.utf8))
    }

    private func refusal(
        _ request: GitHubRequest, _ path: String, _ state: inout State, _ clock: Int64
    ) -> PullReply? {
        let credential = request["Authorization"]?.dropFirst("Bearer ".count).description ?? ""
        let bad = { (reason: String) in "{\"message\":\"\(reason)\"}" }
        if path.hasPrefix("/app") || path.hasSuffix("/installation") {
            let parts = credential.split(separator: ".")
            guard parts.count == 3, let claims = Self.decoded(String(parts[1])),
                (try? key?.token(claims: claims)) == credential,
                let read = try? JSONSerialization.jsonObject(with: Data(claims.utf8)) as? [String: Any],
                let issued = read["iat"] as? Int64, let expires = read["exp"] as? Int64
            else { return reply(401, bad("A JSON web token could not be decoded"), &state, clock) }
            guard issued <= clock else {
                return reply(401, bad("'Issued at' claim ('iat') must be in the past"), &state, clock)
            }
            guard expires <= clock + 600 else {
                return reply(401, bad("'Expiration time' claim ('exp') is too far in the future"), &state, clock)
            }
            guard expires > clock else {
                return reply(401, bad("'Expiration time' claim ('exp') must be in the future"), &state, clock)
            }
            return nil
        }
        if credential == state.token { return nil }
        guard let end = state.access[credential], end > clock else {
            return reply(401, bad("Bad credentials"), &state, clock)
        }
        return nil
    }

    static func decoded(_ text: String) -> String? {
        var text = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        while text.count % 4 != 0 { text += "=" }
        return Data(base64Encoded: text).map { String(decoding: $0, as: UTF8.self) }
    }

    private func conversion(_ path: String, _ state: inout State, _ clock: Int64) -> PullReply {
        let code = path.split(separator: "/").dropFirst().first.map(String.init) ?? ""
        guard state.codes.remove(code) != nil else { return reply(404, #"{"message":"Not Found"}"#, &state, clock) }
        let object: [String: Any] = [
            "id": 4_711, "slug": "custody-for-acorn", "html_url": "https://github.com/apps/custody-for-acorn",
            "webhook_secret": "standin-webhook-secret", "client_secret": "x", "pem": GitHubTestKey.pem,
        ]
        let data = (try? JSONSerialization.data(withJSONObject: object)) ?? Data()
        return reply(201, String(decoding: data, as: UTF8.self), &state, clock)
    }

    // MARK: The routes

    private typealias Found = (status: Int, body: String, headers: [(String, String)])

    private func route(
        _ method: String, _ path: String, _ query: [String: String], _ fault: Fault?, _ state: inout State,
        _ clock: Int64
    ) -> Found {
        let missing: Found = (404, #"{"message":"Not Found"}"#, [])
        let parts = path.split(separator: "/").map(String.init)
        func page(_ items: [String], member: String? = nil) -> Found {
            Self.page(items, member: member, path: path, query: query, fault: fault)
        }
        switch (method, parts.count) {
        case ("GET", 3) where path.hasSuffix("/installation"):
            return state.installed ? (200, #"{"id":99}"#, []) : missing
        case ("POST", 4) where path.hasSuffix("/access_tokens"):
            guard state.installed else { return missing }
            state.tokensMade += 1
            let token = "ghs_standin\(state.tokensMade)"
            state.access[token] = clock + 3_600
            return (201, "{\"token\":\"\(token)\",\"expires_at\":\"\(Self.time(clock + 3_600))\"}", [])
        case ("GET", 1) where path == "/user": return (200, #"{"login":"mira"}"#, [])
        case ("GET", 2) where path == "/installation/repositories":
            return page(repositories(state), member: "repositories")
        case ("GET", 3) where path == "/orgs/\(state.organization)/repos": return page(repositories(state))
        case ("GET", 3) where path == "/orgs/\(state.organization)/audit-log":
            return audit(query, state, path) ?? missing
        case (_, 3...5) where path.hasPrefix("/app/hook/deliveries"):
            return delivery(method, parts, query, &state) ?? missing
        case ("GET", 5) where path.hasPrefix("/users/mira/events/orgs/"):
            let all = state.repositories.flatMap { name, repository in repository.feed.map { (name, $0) } }
                .sorted { $0.1.created > $1.1.created }
            return feed(page(all.prefix(300).map { Self.json($0.1, $0.0, state) }), state)
        case ("GET", 4...) where parts[0] == "repos":
            let name = "\(parts[1])/\(parts[2])"
            guard let repository = state.repositories[name] else { return missing }
            if let status = repository.refuses {
                return (status, #"{"message":"Resource not accessible by integration"}"#, [])
            }
            return self.repository(name, repository, Array(parts[3...]), query, page, state) ?? missing
        default: return missing
        }
    }

    private func repository(
        _ name: String, _ repository: Repository, _ rest: [String], _ query: [String: String],
        _ page: ([String], String?) -> Found, _ state: State
    ) -> Found? {
        switch (rest.first ?? "", rest.count) {
        case ("events", 1):
            let items = repository.feed.sorted { $0.created > $1.created }.prefix(300)
            return feed(page(items.map { Self.json($0, name, state) }, nil), state)
        case ("actions", 2):
            var runs = repository.runs.sorted { ($0.created, $0.id) > ($1.created, $1.id) }
            if let created = query["created"] {
                let bounds = created.components(separatedBy: "..").compactMap { Timestamp(parsing: $0)?.seconds }
                runs = runs.filter { $0.created >= bounds[0] && $0.created <= bounds[1] }
            }
            if let status = query["status"] { runs = runs.filter { $0.status == status } }
            // A search shows a thousand.
            if query["created"] != nil || query["status"] != nil { runs = Array(runs.prefix(1_000)) }
            return page(runs.map { Self.json($0, name) }, "workflow_runs")
        case ("actions", 6):
            guard let run = repository.runs.first(where: { String($0.id) == rest[2] }) else { return nil }
            return page((0..<run.jobs).map { Self.json(job: $0, of: run, name) }, "jobs")
        case ("deployments", 1):
            let all = repository.deployments.sorted { $0.created > $1.created }
            return page(all.map { Self.json($0, name) }, nil)
        case ("deployments", 3):
            guard let deployment = repository.deployments.first(where: { String($0.id) == rest[1] }) else { return nil }
            return page(deployment.states.indices.reversed().map { Self.json(status: $0, of: deployment, name) }, nil)
        default: return nil
        }
    }

    private func repositories(_ state: State) -> [String] {
        state.repositories.keys.sorted().map { "{\"full_name\":\"\($0)\",\"private\":true}" }
    }

    private func feed(_ found: Found, _ state: State) -> Found {
        (found.status, found.body, found.headers + [("X-Poll-Interval", String(state.pollInterval))])
    }

    private func delivery(_ method: String, _ parts: [String], _ query: [String: String], _ state: inout State)
        -> Found?
    {
        if parts.count == 3 {
            let all = state.deliveries.sorted { $0.id > $1.id }
            // The pages are told by a cursor, not by a number.
            let start = query["cursor"].flatMap { Int64($0) } ?? .max
            let rest = all.filter { $0.id <= start }
            let items = rest.prefix(100)
            var headers: [(String, String)] = []
            if rest.count > 100 {
                headers = [
                    (
                        "Link",
                        "<https://api.github.com/app/hook/deliveries?per_page=100&cursor=\(rest[100].id)>; rel=\"next\""
                    )
                ]
            }
            return (200, "[" + items.map { Self.json($0, whole: false) }.joined(separator: ",") + "]", headers)
        }
        guard let place = state.deliveries.firstIndex(where: { String($0.id) == parts[3] }) else { return nil }
        if method == "POST" {
            state.deliveries[place].redeliveries += 1
            return (202, "{}", [])
        }
        return (200, Self.json(state.deliveries[place], whole: true), [])
    }

    private func audit(_ query: [String: String], _ state: State, _ path: String) -> Found? {
        guard let audit = state.audit else { return nil }
        let since =
            (query["phrase"]?.components(separatedBy: ">=").last).flatMap { Timestamp(parsing: $0)?.seconds } ?? 0
        let after = query["after"].flatMap { Int($0) } ?? 0
        let rest = audit.filter { $0.at >= since }.sorted { $0.at < $1.at }
        let items = rest.dropFirst(after).prefix(100)
        var headers: [(String, String)] = []
        if after + items.count < rest.count {
            let phrase = query["phrase"]?.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            headers = [
                (
                    "Link",
                    "<https://api.github.com\(path)?after=\(after + 100)&order=asc&include=all&per_page=100&phrase=\(phrase)>; rel=\"next\""
                )
            ]
        }
        let body = items.map {
            "{\"@timestamp\":\($0.at * 1_000),\"action\":\"repo.create\",\"actor\":\"mira\",\"org\":\"acorn\",\"repo\":\"acorn/till\",\"created_at\":\($0.at * 1_000),\"_document_id\":\"\($0.id)\"}"
        }
        return (200, "[" + body.joined(separator: ",") + "]", headers)
    }

    private static func page(
        _ items: [String], member: String?, path: String, query: [String: String], fault: Fault?
    ) -> Found {
        let size = query["per_page"].flatMap { Int($0) } ?? 30
        let number = query["page"].flatMap { Int($0) } ?? 1
        // What came meanwhile has pushed some of the page before onto this one.
        let shift = fault == .repeated && number > 1 ? size / 3 : 0
        let start = max(0, (number - 1) * size - shift)
        var shown = Array(items.dropFirst(start).prefix(size))
        if fault == .shuffled { shown.reverse() }
        var headers: [(String, String)] = []
        if start + shown.count < items.count {
            var next = URLComponents(string: "https://api.github.com" + path)
            next?.queryItems =
                query.filter { $0.key != "page" }.sorted { $0.key < $1.key }.map {
                    URLQueryItem(name: $0.key, value: $0.value)
                } + [URLQueryItem(name: "page", value: String(number + 1))]
            headers = [("Link", "<https://api.github.com/x>; rel=\"first\", <\(next?.string ?? "")>; rel=\"next\"")]
        }
        let list = "[" + shown.joined(separator: ",") + "]"
        return (200, member.map { "{\"total_count\":\(items.count),\"\($0)\":\(list)}" } ?? list, headers)
    }
}
