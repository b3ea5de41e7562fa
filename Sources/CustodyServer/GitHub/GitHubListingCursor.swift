import Foundation
import Intake

/// How far the lists of an organization's repositories have been read.
struct GitHubListingCursor: Codable, Equatable {
    /// Something whose parts (the jobs of a run, the statuses of a deployment) are in a list of their own.
    struct Item: Codable, Equatable {
        var id: Int64
        var attempt: Int64
        var created: Int64
        /// Whether it is of the days before the connection.
        var isOld: Bool
        /// When its parts were last asked for.
        var checked: Int64?
        /// The next page of its parts.
        var next: String?

        var key: String { "\(id)/\(attempt)" }
    }

    /// Going back from the day of the connection. The end of the window stays where it is while its pages are read, so that what
    /// happens meanwhile shifts none of them.
    struct Backfill: Codable, Equatable {
        var from: Int64
        var began: Int64
        var until: Int64
        var next: String?
        var pages = 0
        var oldest: Int64?
    }

    struct Repository: Codable, Equatable {
        /// Of the first page, when that was all there was to look at.
        var etag: String?
        /// With which the pass over what is new goes on.
        var next: String?
        var pages = 0
        /// The latest creation that the pass has seen, and the earliest of something unfinished.
        var top: Int64?
        var low: Int64?
        /// Everything created before is finished and was taken, or is the backfill's.
        var floor: Int64
        var wanted: [Item] = []
        /// Deployments whose outcome is not known yet.
        var open: [Item] = []
        /// Whose parts were taken, by creation: of what was created since the floor.
        var settled: [String: Int64] = [:]
        var backfill: Backfill?
    }

    var repositories: [String: Repository] = [:]
}

/// Cursors as JSON.
enum GitHubCursor {
    /// - Throws: ``PullError`` `malformed` for a cursor of another kind.
    static func decode<Value: Decodable>(_ cursor: PullCursor?, _ initial: Value) throws -> Value {
        guard let cursor else { return initial }
        do {
            return try JSONDecoder().decode(Value.self, from: Data(cursor.text.utf8))
        } catch {
            throw PullError(.malformed, "the cursor is not one of this stream")
        }
    }

    static func encode(_ value: some Encodable) throws -> PullCursor {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return PullCursor(String(decoding: try encoder.encode(value), as: UTF8.self))
    }
}
