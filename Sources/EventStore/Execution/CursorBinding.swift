import Crypto
import EventModel
import QueryLanguage

/// A digest of everything that must stay the same from page to page.
enum CursorBinding {
    /// - Parameter readings: how often events were read again; nil for the sealed reading, which never changes.
    static func bytes(_ request: SearchRequest, _ order: SearchOptions.Order, readings: Int?) -> [UInt8] {
        var parts = [
            request.query.canonical, request.restriction?.canonical ?? "", order.rawValue,
            request.visibleGroups.map(\.name).sorted().joined(separator: ","), request.hidesOwnAudit ? "1" : "0",
            readings.map(String.init) ?? "sealed",
        ]
        for moment in [request.since, request.until] { parts.append(moment.map { String($0.rawValue) } ?? "-") }
        var digest = SHA256()
        for part in parts {
            withUnsafeBytes(of: UInt64(part.utf8.count).bigEndian) { digest.update(bufferPointer: $0) }
            digest.update(data: Array(part.utf8))
        }
        return Array(digest.finalize())
    }
}
