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
        #expect(search("0123456789abcdef0123")?.mayBeInDigest(beginningWith: nil) == true)
        #expect(search(String(repeating: "a", count: 65))?.mayBeInDigest(beginningWith: nil) == false)
    }

    @Test("A digest is looked for where digests begin as it does, a part of one everywhere")
    func starts() {
        let digest = Array(("0aF3" + String(repeating: "1", count: 60)).lowercased().utf8)
        #expect(digest.withUnsafeBytes(PayloadDigest.start) == 0x0AF3)
        #expect("f0c".utf8.map(\.self).withUnsafeBytes(PayloadDigest.start) == 0)
        #expect("0AF3".utf8.map(\.self).withUnsafeBytes(PayloadDigest.start) == 0)
        let whole = IdentifierSearch([digest])
        #expect(whole?.mayBeInDigest(beginningWith: 0x0AF3) == true)
        #expect(whole?.mayBeInDigest(beginningWith: 0x0AF4) == false)
        #expect(whole?.mayBeInDigest(beginningWith: nil) == true)
        let part = IdentifierSearch([Array(digest.dropLast())])
        #expect(part?.mayBeInDigest(beginningWith: 0x1111) == true)
        #expect(IdentifierSearch([digest, Array(digest.dropLast())])?.mayBeInDigest(beginningWith: 0x1111) == true)
    }

    @Test("Identifiers are looked for in columns that have tokens as long, as segments and merged ones tell")
    func columns() throws {
        let opaque = String(repeating: "é1", count: TokenScanner.maximumWordBytes)
        let digest = "sha256:" + String(repeating: "0", count: 64)
        let samples: [Sample] = [
            Sample(0, Self.time, [(.actorName, "oct-\(String(repeating: "c", count: 39))"), (.resourceName, "a.b")]),
            Sample(1, Self.time, [(.actorName, "x"), (.artifactDigest, digest)]),
            Sample(2, Self.time, [(.resourceName, opaque), (.outcomeReason, String(repeating: "d", count: 90))]),
        ]
        let parts = try samples.indices.map { try PathIndexTests.segment(samples[$0...$0]) }
        for reader in [try PathIndexTests.segment(samples[...]), try PathIndexTests.merged(parts)] {
            func fields(_ length: Int) throws -> Set<UInt8>? {
                try IdentifierSearch([Array(repeating: UInt8(ascii: "1"), count: length)])?.fields(of: reader)
            }
            let number = { (field: Field) in field.rawValue }
            #expect(try fields(64) == [number(.artifactDigest), number(.resourceName)])
            #expect(try fields(65) == [number(.resourceName)])
            #expect(try fields(300) == [number(.resourceName)])
            #expect(try fields(39) == [number(.actorName), number(.artifactDigest), number(.resourceName)])
            #expect(try fields(40) == [number(.artifactDigest), number(.resourceName)])
        }
    }
}

extension String {
    fileprivate var leftPadded: String { count == 2 ? self : "0" + self }
}
