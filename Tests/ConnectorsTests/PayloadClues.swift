import EventModel
import Foundation

/// Where a payload seems to tell who, what and when, judged by names that many systems use: a look that shares nothing with
/// connectors, to hold against what they found.
struct PayloadClues {
    private(set) var actor: String?
    private(set) var action: String?
    private(set) var time: String?
    private(set) var isJSON = false

    private static let actors: Set<String> = [
        "actor", "user", "username", "user_name", "userName", "sender", "principal", "operator", "initiator", "login",
        "actor_name", "actorName", "user_email", "userEmail", "principalEmail", "triggered_by", "caller",
        "performed_by",
    ]
    private static let actions: Set<String> = [
        "action", "event", "eventName", "event_type", "eventType", "operation", "verb",
    ]
    private static let times: Set<String> = [
        "time", "timestamp", "@timestamp", "created_at", "createdAt", "eventTime", "event_time", "occurred_at",
        "published",
        "happened_at", "eventTimestamp", "occurredAt", "happenedAt",
    ]
    /// How deep it looks: what lies further down is about other things.
    private static let depth = 3

    /// Clues of any JSON payload; text has none.
    init(_ payload: [UInt8]) {
        guard let root = try? JSONSerialization.jsonObject(with: Data(payload)) else { return }
        isJSON = true
        look(at: root, "", depth: 0)
    }

    /// Clues at the top of an object, where conventional names are; nil for what is no object.
    init?(conventional payload: [UInt8]) {
        guard let root = try? JSONSerialization.jsonObject(with: Data(payload)) as? [String: Any] else { return nil }
        for (key, value) in root { note(key, value, at: key) }
    }

    private mutating func look(at value: Any, _ path: String, depth: Int) {
        guard depth < Self.depth else { return }
        if let array = value as? [Any], let first = array.first { look(at: first, path + "[0]", depth: depth + 1) }
        guard let object = value as? [String: Any] else { return }
        for (key, value) in object.sorted(by: { $0.key < $1.key }) {
            let place = path.isEmpty ? key : path + "." + key
            note(key, value, at: place)
            if !Self.others.contains(key) { look(at: value, place, depth: depth + 1) }
        }
    }

    private mutating func note(_ key: String, _ value: Any, at place: String) {
        if actor == nil, Self.actors.contains(key), Self.isName(value) { actor = place }
        if action == nil, Self.actions.contains(key), let text = value as? String, !text.isEmpty { action = place }
        if time == nil, Self.times.contains(key), Self.isTime(value) { time = place }
    }

    private static func isName(_ value: Any) -> Bool {
        if let text = value as? String { return !text.isEmpty && text != "-" && text != "unknown" }
        guard let object = value as? [String: Any] else { return false }
        return ["login", "name", "username", "id", "email", "displayName"].contains { key in
            (object[key] as? String).map { !$0.isEmpty } ?? false
        }
    }

    private static func isTime(_ value: Any) -> Bool {
        guard let text = value as? String else { return false }
        return Timestamp(parsing: text) != nil
    }

    /// Objects that tell of themselves: when a repository was made, who wrote the comment that somebody else deletes.
    private static let others: Set<String> = [
        "repository", "base_repo", "head_repo", "hook", "owner", "last_commit", "comment", "issue", "pull_request",
        "author",
    ]

    /// What is no lack, by the beginning of the file's path.
    private static let exempt: [(path: String, lack: String, reason: String)] = [
        ("gitlab-system-hook/", "actor", "user_* is the person whom it happens to; who did it is not told"),
        (
            "bitbucket-cloud-webhook/bitbucket-test-go", "actor",
            "an actor of Bitbucket Data Center, in a test's literal"
        ),
        ("buildkite-webhook/example-pipeline-triggers", "action", "a payload of GitHub without its headers"),
        ("gitea-webhook/gitea-test-go", "action", "a test's literal: the event is in a header that is not there"),
        ("haproxy-log/access2", "action", "one line of the log, cut in two"),
        (
            "openssh-syslog/auth-method-disabled", "action",
            "the program tells of its configuration; nobody does anything"
        ),
        ("openssh-syslog/pam-", "action", "the same"),
    ]

    static func isExempt(_ path: String, _ lack: String) -> Bool {
        exempt.contains { path.hasPrefix($0.path) && lack.hasPrefix($0.lack) }
    }

    /// Exemptions that no longer exempt anything from the lacks that were found.
    static func unused(_ found: [(path: String, lack: String)]) -> [String] {
        exempt.filter { rule in !found.contains { $0.path.hasPrefix(rule.path) && $0.lack.hasPrefix(rule.lack) } }
            .map(\.path)
    }
}
