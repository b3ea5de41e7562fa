import EventModel

/// What happened, named by GitHub's own ids, whichever way it was told: by a webhook or by a page of the REST API.
///
/// It is made of the canonical fields, which both ways fill with the same words.
struct GitHubFact: Hashable, Sendable {
    /// How far apart the two ways may date the same act, where an act of the same name can happen to the same thing again.
    static let windowSeconds: Int64 = 60

    let key: String
    /// The moment, for acts that can be repeated; nil when the key says all.
    let seconds: Int64?

    /// - Parameter text: The text of a canonical field.
    init?(_ text: (Field) -> String?) {
        func all(_ fields: Field...) -> String? {
            let values = fields.compactMap(text)
            return values.count == fields.count ? values.joined(separator: "/") : nil
        }
        var isRepeatable = false
        let name: String?
        switch text(.sourceEventType) {
        case "workflow_run": name = all(.ciRun, .ciAttempt, .action).map { "run/" + $0 }
        case "workflow_job": name = all(.resourceID, .action).map { "job/" + $0 }
        case "deployment": name = all(.resourceID).map { "deployment/" + $0 }
        case "deployment_status": name = all(.resourceID, .outcomeCode, .time).map { "deployment-status/" + $0 }
        case "push": name = (all(.vcsRepo, .vcsRef, .vcsCommit) ?? all(.vcsRepo, .vcsRef, .action)).map { "push/" + $0 }
        case "release": name = all(.resourceID, .action).map { "release/" + $0 }
        case "issue_comment", "commit_comment":
            name = all(.resourceID, .action).map { "comment/" + $0 }
            isRepeatable = text(.action) != "comment.create"
        case "pull_request", "issues":
            name = all(.resourceID, .action).map { "change/" + $0 }
            isRepeatable = true
        default: name = nil
        }
        guard let name else { return nil }
        key = name.lowercased()
        guard isRepeatable || text(.vcsCommit) == nil && text(.sourceEventType) == "push" else {
            seconds = nil
            return
        }
        guard let time = text(.time).flatMap({ Timestamp(parsing: $0) }) else { return nil }
        seconds = time.seconds
    }

    init?(_ record: EventRecord) {
        self.init { $0 == .time ? record.time(.time)?.text : record.text($0) }
    }

    func isSame(as other: GitHubFact) -> Bool {
        guard key == other.key else { return false }
        guard let seconds, let theirs = other.seconds else { return seconds == nil && other.seconds == nil }
        return abs(seconds - theirs) <= Self.windowSeconds
    }
}
