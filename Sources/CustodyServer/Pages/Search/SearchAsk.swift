import EventModel
import Foundation
import Hummingbird
import QueryLanguage

/// What a search page is asked: all of it stands in the address, so that a link shows the same to a colleague.
struct SearchAsk {
    /// Events on a page: what a person looks through before they narrow the search.
    static let pageSize = 50
    /// The spans that one click chooses.
    static let spans: [(since: String, label: String)] = [
        ("-15m", "15 min"), ("-1h", "1 h"), ("", "24 h"), ("-7d", "7 d"), ("-30d", "30 d"), (everything, "all"),
    ]
    /// A time before all events.
    static let everything = "1970-01-01"

    var text: String
    var since: String
    var until: String
    var cursor: String
    var isOldestFirst: Bool
    /// Whether the page waits for histogram and facets however long they take.
    var waitsForCounts: Bool

    init(_ request: Request) {
        let parameters = request.uri.queryParameters
        func text(_ name: Substring) -> String { parameters[name].map(String.init) ?? "" }
        self.text = text("q").trimmingCharacters(in: .whitespacesAndNewlines)
        since = text("since")
        until = text("until")
        cursor = text("cursor")
        isOldestFirst = text("order") == "oldest"
        waitsForCounts = text("counts") == "all"
    }

    /// The page that a changed question leads to; it starts at its first result.
    func path(q: String? = nil, since: String? = nil, until: String? = nil) -> String {
        PagePath.with(
            "/search",
            [
                "q": q ?? text, "since": since ?? self.since, "until": until ?? self.until,
                "order": isOldestFirst ? "oldest" : nil,
            ])
    }

    func path(after cursor: String) -> String {
        path() + (path().contains("?") ? "&" : "?") + "cursor=" + PagePath.encoded(cursor)
    }

    func path(oldestFirst: Bool) -> String {
        var turned = self
        turned.isOldestFirst = oldestFirst
        return turned.path()
    }

    var pathWithAllCounts: String { path() + (path().contains("?") ? "&" : "?") + "counts=all" }

    /// The spans to choose from, and which is chosen.
    var chips: [PageData] {
        Self.spans.map { span, label in
            let isChosen = since == span && until.isEmpty
            return .of([
                "label": label, "path": path(since: span, until: ""), "is_chosen": isChosen ? true : nil,
            ])
        }
    }
}
