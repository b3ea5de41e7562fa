import Crypto
import EventModel
import Testing

@testable import EventStore

/// Identifiers are looked for in what is stored of few records, without making them: none may be lost, wherever it is.
@Suite("Searching identifiers")
struct IdentifierSearchTests {
    private static let time = "2026-11-01T10:20:30.5Z"
    private static let digits = Array("0123456789abcdef")

    private static func hex(_ count: Int, _ numbers: inout SeededNumbers) -> String {
        String((0..<count).map { _ in numbers.pick(digits) })
    }

    /// A record that has an identifier somewhere, and the identifier.
    private static func sample(_ index: UInt64, _ numbers: inout SeededNumbers) -> (Sample, String) {
        let identifier = hex(numbers.pick([20, 31, 32, 40, 63, 64, 65, 66, 130]), &numbers)
        var fields: [(Field, String)] = [(.actorName, "octocat"), (.resourceName, "ghcr.io/acme/api")]
        var own = identifier
        switch numbers.below(9) {
        case 0: own = identifier.uppercased()
        case 1: own = String(identifier.enumerated().map { $0 % 2 == 0 ? Character($1.uppercased()) : $1 })
        case 2: own = "oci://ghcr.io/acme/api@sha256:\(identifier)?tag=v1"
        case 3:
            fields.append((.artifactDigest, "sha256:\(identifier)"))
            own = "of sha256:\(identifier)"
        case 4:
            fields.append((.outcomeReason, "x\(identifier)"))
            own = "elsewhere"
        case 5:
            // In a field that has no column.
            fields.append((.sourceDelivery, identifier))
            own = identifier
        case 6: own = "\(identifier)g and f45a7e2c-8463-4ca0-a7da-9d1f7b25dab0 at \(Self.time) 1793528430500000000"
        default: break
        }
        let payload = #"{"n":\#(index),"m":"\#(own)","at":"\#(Self.time)"}"#
        if numbers.below(3) > 0 {
            let digest = SHA256.hash(data: Array(payload.utf8)).map { String($0, radix: 16).leftPadded }.joined()
            fields.append((.payloadSHA256, digest))
            if numbers.below(4) == 0 { return (Sample(index, time, fields, payload: payload), digest) }
        }
        return (Sample(index, time, fields, payload: payload), identifier)
    }

    @Test("An identifier, or a part of one, is found where a naive search finds it", arguments: UInt64(1)...8)
    func everywhere(seed: UInt64) async throws {
        var numbers = SeededNumbers(seed: seed)
        // Candidates are few where one of so many is asked.
        let all = (0..<130).map { Self.sample(UInt64($0), &numbers) }
        let samples = all.map(\.0)
        let store = try SampleStore(samples, segmentRows: 130)
        let naive = try SampleStore(samples, segmentRows: 130, isIndexed: false)
        for (sample, identifier) in all {
            let first = numbers.below(identifier.count - IdentifierSearch.minimumLength + 1)
            let count = numbers.below(identifier.count - first - IdentifierSearch.minimumLength + 1)
            let part = identifier.dropFirst(first).prefix(IdentifierSearch.minimumLength + count)
            for text in [identifier, "*\(part)*", "*\(part.uppercased())*", "\(part)*"] {
                let query = "index:\(sample.index) \(text)"
                let found = try await store.indexes(query)
                #expect(try await naive.indexes(query) == found, "\(query)")
                if text.hasPrefix("*") { #expect(found == [sample.index], "\(query)") }
            }
            let other = Self.hex(40, &numbers)
            #expect(try await store.indexes("index:\(sample.index) *\(other)*").isEmpty)
        }
    }

    @Test("Only hexadecimal digits, more than other marks stand for, are looked for so")
    func others() {
        func search(_ fragments: String...) -> IdentifierSearch? { IdentifierSearch(fragments.map { Array($0.utf8) }) }
        #expect(search("0123456789abcdef0123") != nil)
        #expect(search("0123456789abcdef012") == nil)
        #expect(search("0123456789abcdef012g") == nil)
        #expect(search("0123456789abcdef0123", "0123-4567-89ab-cdef-0123") == nil)
        #expect(search("0123456789abcdef0123")?.mayBeDigest == true)
        #expect(search(String(repeating: "a", count: 65))?.mayBeDigest == false)
    }
}

extension String {
    fileprivate var leftPadded: String { count == 2 ? self : "0" + self }
}
