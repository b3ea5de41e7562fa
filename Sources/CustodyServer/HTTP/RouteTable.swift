import HTTPTypes
import Hummingbird

/// Which methods a path takes, for requests that no route takes (RFC 9110 §15.5.6).
///
/// Hummingbird answers a known path with another method as an unknown path. Asked only then, so a look at every route is
/// cheap enough.
struct RouteTable: Sendable {
    private struct Entry: Sendable {
        let components: [Substring]
        var methods: Set<String>
    }

    private var entries: [Entry] = []

    /// - Parameter routes: Paths as routes are declared: `/v1/events/{index}`, `/ledger/tile/**`.
    init(_ routes: [(path: String, method: String)]) {
        for (path, method) in routes {
            // What can be got can be asked about (RFC 9110 §9.3.2).
            let methods: Set<String> = method == "GET" ? ["GET", "HEAD"] : [method]
            let components = path.split(separator: "/").map { Substring(String($0)) }
            if let known = entries.firstIndex(where: { $0.components == components }) {
                entries[known].methods.formUnion(methods)
            } else {
                entries.append(Entry(components: components, methods: methods))
            }
        }
    }

    /// The methods of a path, in alphabetical order; empty when there is no such path. As in routing, `/v1/sources/quarantine`
    /// comes before `/v1/sources/{name}`.
    func methods(of path: String) -> [String] {
        let components = path.split(separator: "/")
        let matching = entries.filter { Self.matches(components, $0.components) }
        let best = matching.min { $0.components.count(where: Self.isOpen) < $1.components.count(where: Self.isOpen) }
        return best?.methods.sorted() ?? []
    }

    private static func isOpen(_ component: Substring) -> Bool { component.hasPrefix("{") || component == "**" }

    /// What a request is told that no route takes.
    func problem(for request: Request) -> Problem {
        let methods = methods(of: request.uri.path)
        guard !methods.isEmpty else { return .notFound("there is no such route; /openapi.yaml describes all") }
        let list = methods.joined(separator: ", ")
        return Problem(
            .methodNotAllowed, "method_not_allowed", "this route takes \(list)", headers: [.allow: list])
    }

    private static func matches(_ path: [Substring], _ pattern: [Substring]) -> Bool {
        for (place, component) in pattern.enumerated() {
            if component == "**" { return path.count > place }
            guard place < path.count, component.hasPrefix("{") || component == path[place] else { return false }
        }
        return path.count == pattern.count
    }
}
