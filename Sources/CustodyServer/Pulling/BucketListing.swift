import EventModel
import Foundation

/// An answer of S3's `ListObjectsV2`, of which only the objects and the continuation are read.
struct BucketListing: Sendable {
    struct Object: Equatable, Sendable {
        var key: String
        var modified: Timestamp
        /// The version of the object's content, without quotes.
        var tag: String
        var size: Int
    }

    private(set) var objects: [Object] = []
    /// Nil when this was the last page.
    private(set) var continuation: String?

    /// Nil when the text is no such answer.
    init?(xml: String) {
        guard xml.contains("<ListBucketResult") else { return nil }
        var rest = Substring(xml)
        while let contents = Self.element("Contents", in: &rest) {
            var key = contents, modified = contents, tag = contents, size = contents
            guard let encoded = Self.element("Key", in: &key).map({ Self.unescaped($0) }),
                // The listing asks for `encoding-type=url`, so that keys with control characters survive XML.
                let name = encoded.replacingOccurrences(of: "+", with: "%20").removingPercentEncoding,
                let time = Self.element("LastModified", in: &modified).flatMap({ Timestamp(parsing: String($0)) })
            else { return nil }
            objects.append(
                Object(
                    key: name, modified: time,
                    tag: Self.unescaped(Self.element("ETag", in: &tag) ?? "").filter { $0 != "\"" },
                    size: Self.element("Size", in: &size).flatMap { Int($0) } ?? 0))
        }
        var truncated = Substring(xml), token = Substring(xml)
        if Self.element("IsTruncated", in: &truncated) == "true" {
            guard let next = Self.element("NextContinuationToken", in: &token) else { return nil }
            continuation = Self.unescaped(next)
        }
    }

    /// The text of the next element of a name; `text` goes on behind it.
    private static func element(_ name: String, in text: inout Substring) -> Substring? {
        guard let start = text.range(of: "<\(name)>") else { return nil }
        guard let end = text.range(of: "</\(name)>", range: start.upperBound..<text.endIndex) else { return nil }
        defer { text = text[end.upperBound...] }
        return text[start.upperBound..<end.lowerBound]
    }

    private static func unescaped(_ text: Substring) -> String {
        guard text.contains("&") else { return String(text) }
        return [
            ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&apos;", "'"), ("&#39;", "'"),
            ("&amp;", "&"),
        ]
        .reduce(String(text)) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
    }
}
