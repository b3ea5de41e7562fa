import Foundation
import Identity

/// Sessions of workloads: what a token that is good once is exchanged for, so that many deliveries can follow.
///
/// A session is sealed with the key of `keys/secrets.key` and stored nowhere: it holds what the token said and ends with it, or with
/// the bindings that it came by.
struct WorkloadSessions: Sendable {
    struct Session: Codable, Sendable {
        /// The bindings' names, with the moments at which they were made.
        var bindings: [String: Int64]
        var issuer: String
        var subject: String
        var token: String?
        /// Seconds since 1970.
        var expires: Int64
        var job: [String: String]
    }

    private static let prefix = "custody_workload_"
    private static let purpose = "workload session"
    /// Bytes of a presented session: what a token holds, in base64.
    private static let maximumBytes = 32_768

    let box: SecretBox

    static func isLikely(_ text: String) -> Bool { text.hasPrefix(prefix) }

    func text(_ session: Session) throws -> String {
        let sealed = try box.seal(Array(try JSONEncoder().encode(session)), for: Self.purpose)
        return Self.prefix
            + sealed.base64EncodedString().replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
    }

    /// Nil for what this server did not make.
    func open(_ text: String) -> Session? {
        guard text.utf8.count <= Self.maximumBytes else { return nil }
        var base64 = text.dropFirst(Self.prefix.count).replacingOccurrences(of: "-", with: "+")
            .replacingOccurrences(of: "_", with: "/")
        base64 += String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
        guard let sealed = Data(base64Encoded: base64), let opened = try? box.open(sealed, for: Self.purpose) else {
            return nil
        }
        return try? JSONDecoder().decode(Session.self, from: Data(opened))
    }
}
