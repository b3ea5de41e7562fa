import Foundation
import Testing

@testable import CustodyServer

@Suite("Content codings")
struct ContentDecodingTests {
    private func code(_ body: [UInt8], limit: Int, encoding: String = "gzip") -> String? {
        do {
            _ = try ContentDecoding(limit: limit).decode(body, encoding: encoding)
            return nil
        } catch {
            return (error as? Problem)?.code
        }
    }

    @Test("Gzip of one member and of several is unpacked, an unknown coding is not")
    func unpacks() throws {
        let (one, other) = (Array("{\"a\":1}\n".utf8), Array("{\"b\":2}\n".utf8))
        let decoding = ContentDecoding(limit: 1 << 20)
        #expect(try decoding.decode(gzip(one), encoding: "gzip") == one)
        #expect(try decoding.decode(gzip(one) + gzip(other), encoding: "GZIP") == one + other)
        #expect(try decoding.decode(one, encoding: nil) == one)
        #expect(code(one, limit: 100, encoding: "br") == "unsupported_encoding")
    }

    @Test("What comes out is bounded: at the limit it is taken, one byte beyond it is not")
    func limit() {
        let body = gzip(Array("abcdefgh".utf8))
        #expect(code(body, limit: 8) == nil)
        #expect(code(body, limit: 7) == "too_large")
        #expect(code(Array("abcdefgh".utf8), limit: 7, encoding: "identity") == "too_large")
    }

    @Test("A body that was made to explode is refused by its ratio, long before the limit")
    func ratio() {
        let zeros = gzip([UInt8](repeating: 0x20, count: 8 << 20))
        #expect(zeros.count * ContentDecoding.maximumRatio < 8 << 20)
        #expect(code(zeros, limit: 1 << 30) == "compression_ratio")
        // Small ones may be as regular as they like.
        #expect(code(gzip([UInt8](repeating: 0x20, count: ContentDecoding.ratioFreeBytes)), limit: 1 << 30) == nil)
    }

    @Test("Cut and altered bodies are refused at every place")
    func broken() {
        let body = gzip(Array(String(repeating: "event ", count: 50).utf8))
        for length in 1..<body.count { #expect(code(Array(body[..<length]), limit: 1 << 20) == "broken_encoding") }
        #expect(code([1, 2, 3], limit: 100, encoding: "zstd") == "broken_encoding")
    }
}
