import Foundation

/// The address of a server: `http://HOST[:PORT][/PREFIX]`, or `https`.
struct ServerAddress: Hashable, Sendable {
    /// Without a slash at the end.
    let text: String
    /// Whether it names this machine.
    let isLocal: Bool

    /// - Throws: ``CommandFailure`` `usage`.
    init(_ text: String) throws {
        guard let components = URLComponents(string: text), let scheme = components.scheme?.lowercased(),
            scheme == "http" || scheme == "https", let host = components.host, !host.isEmpty,
            components.query == nil, components.fragment == nil
        else { throw CommandFailure(.usage, "`\(text)` is not the URL of a server, such as http://127.0.0.1:8400") }
        guard components.user == nil, components.password == nil else {
            throw CommandFailure(.usage, "a URL holds no password here; set CUSTODY_TOKEN")
        }
        var text = text
        while text.last == "/" { text.removeLast() }
        self.text = text
        let name = host.trimmingCharacters(in: ["[", "]"]).lowercased()
        isLocal =
            ["localhost", "::1", "0.0.0.0", "::", ProcessInfo.processInfo.hostName.lowercased()].contains(name)
            || name.hasSuffix(".localhost") || Self.isLoopback(name)
    }

    /// 127.0.0.0/8.
    private static func isLoopback(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// The URL of a path, whose parts are encoded already, with a query.
    func url(_ path: String, query: [(String, String)] = []) -> String {
        guard !query.isEmpty else { return text + path }
        return text + path + "?" + query.map { Self.encoded($0) + "=" + Self.encoded($1) }.joined(separator: "&")
    }

    /// Percent-encodes everything but unreserved characters (RFC 3986 §2.3): right in any part of a URL.
    static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var result: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.append(byte)
            default: result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
