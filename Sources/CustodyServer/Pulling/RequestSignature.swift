import Crypto
import EventModel
import Foundation
import Ledger

/// AWS Signature Version 4 for requests without a body (docs.aws.amazon.com, "Create a signed AWS API request").
struct RequestSignature: Sendable {
    let accessKey: String
    let secretKey: String
    let sessionToken: String?
    let region: String
    let service: String

    /// SHA-256 of nothing.
    static let emptyDigest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    /// The headers that sign a `GET`.
    ///
    /// - Parameters:
    ///   - path: Percent-encoded by ``encode(_:keepingSlashes:)``, once, as S3 wants it.
    ///   - query: Names and values, not encoded.
    func headers(
        host: String, path: String, query: [(String, String)], now: Timestamp
    ) -> [(name: String, value: String)] {
        let stamp = Self.stamp(now)
        let day = String(stamp.prefix(8))
        var signed: [(name: String, value: String)] = [
            ("host", host), ("x-amz-content-sha256", Self.emptyDigest), ("x-amz-date", stamp),
        ]
        if let sessionToken { signed.append(("x-amz-security-token", sessionToken)) }
        let names = signed.map(\.name).joined(separator: ";")
        let canonical = [
            "GET", path, Self.canonicalQuery(query), signed.map { "\($0.name):\($0.value)\n" }.joined(), names,
            Self.emptyDigest,
        ].joined(separator: "\n")
        let scope = "\(day)/\(region)/\(service)/aws4_request"
        let text = ["AWS4-HMAC-SHA256", stamp, scope, LowercaseHex.encode(SHA256.hash(data: Array(canonical.utf8)))]
            .joined(
                separator: "\n")
        var key = SymmetricKey(data: Array("AWS4\(secretKey)".utf8))
        for part in [day, region, service, "aws4_request"] {
            key = SymmetricKey(data: Data(HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: key)))
        }
        let signature = LowercaseHex.encode(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key))
        return signed.filter { $0.name != "host" } + [
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=\(accessKey)/\(scope), SignedHeaders=\(names), Signature=\(signature)"
            )
        ]
    }

    /// Sorted by name, then value, both encoded.
    static func canonicalQuery(_ query: [(String, String)]) -> String {
        query.map { (encode($0.0), encode($0.1)) }.sorted { $0 < $1 }.map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }

    /// Every byte but letters, digits and `-._~` as `%XX`.
    static func encode(_ text: String, keepingSlashes: Bool = false) -> String {
        var output = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                output.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: "/") where keepingSlashes: output += "/"
            default: output += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return output
    }

    /// `20130524T000000Z`.
    static func stamp(_ time: Timestamp) -> String {
        Timestamp(seconds: time.seconds).text.filter { $0 != "-" && $0 != ":" }
    }
}
