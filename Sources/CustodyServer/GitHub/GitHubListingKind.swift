import EventModel
import Intake

/// What the lists of runs, jobs and deployments differ in (docs.github.com, REST API: workflow runs, workflow jobs, deployments).
enum GitHubListingKind: Sendable {
    case runs, jobs, deployments

    /// How much later than it was created something may appear in a list.
    static let overlapSeconds: Int64 = 600
    /// A run lasts for 35 days at most, its waiting included.
    static let longestRunSeconds: Int64 = 35 * 86_400
    /// Between two looks at a repository in which something happens; it doubles with each look in vain, four times.
    static let lookSeconds: Int64 = 60
    static let maximumQuiet = 4
    /// How long a repository is left alone that failed, or that does not show what is asked for.
    static let restSeconds: Int64 = 60
    static let missingSeconds: Int64 = 3_600
    /// Pages of one pass.
    static let maximumPages = 1_000
    /// A search by creation shows 1,000 runs at most: ten pages.
    static let windowPages = 10
    /// How long a deployment without an outcome is asked about.
    static let openSeconds: Int64 = 86_400
    /// Things whose parts are known to have been taken.
    static let maximumSettled = 20_000

    struct Object: Sendable {
        var id: Int64
        var attempt: Int64
        var created: Int64
        /// Whether it changes no more.
        var isFinal: Bool
    }

    var member: String? { self == .deployments ? nil : "workflow_runs" }

    func list(_ repository: String) -> String {
        "/repos/\(repository)/\(self == .deployments ? "deployments" : "actions/runs")?per_page=\(GitHubLimits.pageSize)"
    }

    func window(_ repository: String, from: Int64, until: Int64) -> String {
        guard self != .deployments else { return list(repository) }
        let bounds = [from, until].map { Timestamp(seconds: $0).text }.joined(separator: "..")
        return list(repository) + "&created=\(bounds)" + (self == .jobs ? "&status=completed" : "")
    }

    func parts(_ repository: String, _ item: GitHubListingCursor.Item) -> String {
        let path =
            self == .jobs
            ? "actions/runs/\(item.id)/attempts/\(item.attempt)/jobs" : "deployments/\(item.id)/statuses"
        return "/repos/\(repository)/\(path)?per_page=\(GitHubLimits.pageSize)"
    }

    func object(_ value: JSONValue) -> Object? {
        guard let id = value["id"]?.int64, let created = value.seconds("created_at") else { return nil }
        guard self != .deployments else { return Object(id: id, attempt: 0, created: created, isFinal: false) }
        return Object(
            id: id, attempt: value["run_attempt"]?.int64 ?? 1, created: created,
            isFinal: value.text("status") == "completed")
    }

    /// Whether the parts of a thing were seen for the last time.
    func isSettled(_ item: GitHubListingCursor.Item, _ parts: GitHubList, _ moment: Int64) throws -> Bool {
        guard self == .deployments, moment - item.created < Self.openSeconds else { return true }
        return try parts.map { ["success", "failure", "error", "inactive"].contains($0.text("state") ?? "") }.contains(
            true)
    }

    /// A deployment without an outcome is asked about again after a quarter of its age.
    static func isDue(_ item: GitHubListingCursor.Item, _ moment: Int64) -> Bool {
        guard item.next == nil, let checked = item.checked else { return true }
        return moment - checked >= max(lookSeconds, (checked - item.created) / 4)
    }

    /// What is left to read of the days before; nil for nothing.
    func goOn(
        _ backfill: GitHubListingCursor.Backfill, oldest: Int64?, next: String?
    ) -> GitHubListingCursor.Backfill? {
        var rest = backfill
        if self == .deployments {
            guard let next, let oldest, oldest >= backfill.from else { return nil }
            rest.next = next
        } else if let next, backfill.pages < Self.windowPages {
            rest.next = next
        } else {
            // Fewer than the search shows: that was all.
            guard backfill.pages >= Self.windowPages, let oldest else { return nil }
            rest.until = oldest < backfill.until ? oldest : backfill.until - 1
            rest.next = nil
            rest.pages = 0
            guard rest.until >= rest.from else { return nil }
        }
        return rest
    }
}

extension GitHubListingCursor.Repository {
    /// Changes an item wherever it waits; nil takes it away for good.
    mutating func replace(_ item: GitHubListingCursor.Item, by changed: GitHubListingCursor.Item?) {
        if let place = wanted.firstIndex(where: { $0.key == item.key }) {
            if let changed { wanted[place] = changed } else { wanted.remove(at: place) }
        }
        if let place = open.firstIndex(where: { $0.key == item.key }) {
            if let changed { open[place] = changed } else { open.remove(at: place) }
        }
        // Only what a pass will meet again: the cursor is written with every page, and a backfill has tens of thousands of items.
        if changed == nil, item.created >= floor { settled[item.key] = item.created }
    }

    /// Forgets what no pass looks at any more.
    mutating func settle(since floor: Int64) {
        settled = settled.filter { $0.value >= floor }
        guard settled.count > GitHubListingKind.maximumSettled else { return }
        let newest = settled.sorted { $0.value > $1.value }.prefix(GitHubListingKind.maximumSettled)
        settled = Dictionary(uniqueKeysWithValues: newest.map { ($0.key, $0.value) })
    }
}
