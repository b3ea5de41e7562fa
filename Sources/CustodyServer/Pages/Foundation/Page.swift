import HTTPTypes

/// One page, before it is wrapped in what all pages have.
struct Page {
    /// The places that the navigation names.
    enum Place: String, CaseIterable {
        case home, search, tail, alerts, exposure, sources, integrity, verify

        var label: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }
        var path: String { self == .home ? "/" : "/\(rawValue)" }
        /// Whether it can be seen without signing in.
        var isPublic: Bool { self == .verify }
    }

    let title: String
    var place: Place?
    let template: String
    var data: PageData = [:]
    /// Modules that make the page better; it does without.
    var scripts: [String] = []
    var status = HTTPResponse.Status.ok
    var headers: HTTPFields = [:]
    /// Where a browser goes by itself from here.
    var refresh: String?
}
