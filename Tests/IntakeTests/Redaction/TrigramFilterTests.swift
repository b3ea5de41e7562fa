import EventModel
import Foundation
import Testing

@testable import Intake

@Suite("The filter before the scan for secrets")
struct TrigramFilterTests {
    /// A filter that steps over nothing: every set of three bytes is in it.
    private static let full: TrigramFilter = {
        var filter = TrigramFilter()
        var random = SplitMix(state: 1)
        for _ in 0..<2_000_000 { filter.insert(UInt32(truncatingIfNeeded: random.next())) }
        return filter
    }()

    private struct SplitMix: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    /// Texts that are secrets, belong to one, or nearly do.
    private static let pieces = [
        "gh" + "p_abcdefghijklmnopqrstuvwxyz0123456789", #""password":"hunter2""#, #"\"secret\":\"abc\""#,
        "api_key=abc1",
        #""apiKeyProd":"hunter2""#, "Authorization: Bearer abcdefghijklmnop0123456789", "https://u:hunter2@host/x",
        #"https:\/\/u:hunter2@host\/x"#, #"gl\u0070at-abcdefghij0123456789"#, #"pass\u0077ord=hunter2"#,
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0In0.abcdefghijklmnop", "<password>hunter2</password>",
        "-----" + "BEGIN RSA PRIVATE KEY-----abc-----END RSA PRIVATE KEY-----", "xox" + "b-123456789012-abcdefghijkl",
        #"{"kind":"Secret","data":{"a":"aHVudGVyMg=="}}"#,
        "S" + "G.abcdefghijklmnopqrstuv.abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
        "sk" + "-abcdefghijklmnopqrstABCD0123456789", "123456789" + ":AAabcdefghijklmnopqrstuvwxyz0123456",
        "basic dXNlcjpwYXNz", "--pwd hunter2", "?sig=abcdefghijklmnopqrstuvwxyz0123%3D", "app:v1.25@sha256:0a1b",
        "token", "key",
        "\u{0}", "\\", "\"", "é", "{", "}", "[", "]", ":", ",", " ", "=", "a", "the quick brown fox",
    ].map { Array($0.utf8) }

    /// Chance can make the scan judge a name twice, and find the same twice: what counts is that it is found.
    private static func findings(_ text: [UInt8], through filter: TrigramFilter) -> [SecretScanner.Finding] {
        text.withUnsafeBytes { text in
            var scanner = SecretScanner(text)
            scanner.scan(through: filter)
            return scanner.findings.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        }
    }

    @Test("What is found where it looks is what is found everywhere", arguments: UInt64(0)..<8)
    func sameFindings(seed: UInt64) {
        var random = SplitMix(state: seed)
        for _ in 0..<400 {
            var text: [UInt8] = []
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                var piece = Self.pieces.randomElement(using: &random) ?? []
                // Cut off, in capitals, with a byte that does not belong there.
                switch Int.random(in: 0..<8, using: &random) {
                case 0: piece = Array(piece.dropFirst(Int.random(in: 0...piece.count, using: &random)))
                case 1: piece = Array(piece.dropLast(Int.random(in: 0...piece.count, using: &random)))
                case 2: piece = piece.map { $0 &- UInt8(ascii: "a") < 26 ? $0 - 32 : $0 }
                case 3:
                    piece.insert(
                        UInt8.random(in: 0...255, using: &random), at: Int.random(in: 0...piece.count, using: &random))
                default: break
                }
                text += piece
            }
            #expect(
                Self.findings(text, through: SecretScanner.triggers.filter) == Self.findings(text, through: Self.full),
                "\(String(decoding: text, as: UTF8.self))")
        }
    }

    @Test("A trigger is met at every offset, up to the last byte")
    func everyOffset() {
        let secret = Array("://u:hunter2@h".utf8)
        for before in 0..<20 {
            for after in 0..<12 {
                let text = [UInt8](repeating: 0x2D, count: before) + secret + [UInt8](repeating: 0x2D, count: after)
                let found = Self.findings(text, through: SecretScanner.triggers.filter)
                #expect(found.map(\.range) == [before + 5..<before + 12])
            }
        }
    }
}
