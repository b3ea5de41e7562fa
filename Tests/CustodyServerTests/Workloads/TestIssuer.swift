import Crypto
import EventModel
import Foundation
import Synchronization

@testable import CustodyServer

/// An issuer of tokens inside the test: its keys are at the addresses where Custody looks for them, as long as it is up.
final class TestIssuer: Sendable {
    struct Down: Error {}

    let name: String
    private let state = Mutex((keys: ["k1": P256.Signing.PrivateKey()], isDown: false, asked: [String](), numbers: 0))

    init(_ name: String = "https://issuer.example") { self.name = name }

    var asked: [String] { state.withLock { $0.asked } }

    func goDown(_ isDown: Bool = true) { state.withLock { $0.isDown = isDown } }

    /// Replaces its keys by a new one.
    func rotate(to id: String) { state.withLock { $0.keys = [id: P256.Signing.PrivateKey()] } }

    var fetch: @Sendable (URL, Int) async throws -> [UInt8] {
        { url, _ in try self.answer(url) }
    }

    private func answer(_ url: URL) throws -> [UInt8] {
        let text = url.absoluteString
        return try state.withLock { state in
            state.asked.append(text)
            guard !state.isDown else { throw Down() }
            switch text {
            case name + "/.well-known/openid-configuration":
                return Array(#"{"issuer":"\#(name)","jwks_uri":"https://keys.example/jwks"}"#.utf8)
            case "https://keys.example/jwks": return Array(Self.set(state.keys).utf8)
            default: throw Down()
            }
        }
    }

    var keySet: String { state.withLock { Self.set($0.keys) } }

    private static func set(_ keys: [String: P256.Signing.PrivateKey]) -> String {
        let list = keys.map { id, key in
            let raw = key.publicKey.rawRepresentation
            return
                #"{"kty":"EC","crv":"P-256","kid":"\#(id)","x":"\#(encoded(raw.prefix(32)))","y":"\#(encoded(raw.suffix(32)))"}"#
        }
        return #"{"keys":[\#(list.joined(separator: ","))]}"#
    }

    /// A token, made for the audience of the tests and for five minutes unless `claims` say otherwise.
    func token(
        _ claims: [String: Any] = [:], key id: String? = nil, isSigned: Bool = true, now: Timestamp = WallClock.now()
    ) throws -> String {
        let (known, number) = state.withLock { state in
            state.numbers += 1
            let id = id ?? state.keys.first?.key ?? "none"
            return ((id: id, key: state.keys[id]), state.numbers)
        }
        var all: [String: Any] = [
            "iss": name, "sub": "repo:acme/api:ref:refs/heads/main", "aud": "https://custody.example",
            "jti": "token-\(number)", "iat": now.seconds, "exp": now.seconds + 300,
        ]
        all.merge(claims) { $1 }
        let body = try JSONSerialization.data(withJSONObject: all)
        let head = Data(#"{"alg":"ES256","kid":"\#(known.id)","typ":"JWT"}"#.utf8)
        let message = Self.encoded(head) + "." + Self.encoded(body)
        let key = (isSigned ? known.key : nil) ?? P256.Signing.PrivateKey()
        return message + "." + Self.encoded(try key.signature(for: Data(message.utf8)).rawRepresentation)
    }

    /// What GitHub's tokens say of a job.
    static var job: [String: Any] {
        [
            "repository": "acme/api", "ref": "refs/heads/main", "sha": "6f0d3f7f2b8a4f6e9d1c5b7a3e8f9d0c1b2a3f4e",
            "workflow": "release", "run_id": "77", "run_attempt": "1", "actor": "octocat", "actor_id": "583231",
        ]
    }

    private static func encoded(_ bytes: some DataProtocol) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
