import CZlib
import CZstd
import HTTPTypes

/// Undoes the content coding of a request's body (RFC 9110 §8.4), within bounds.
package struct ContentDecoding: Sendable {
    /// Decompressed bytes over compressed bytes, looked at once the output is larger than ``ratioFreeBytes``. Audit logs of
    /// like lines reach 100; what compresses better than this was made to.
    static let maximumRatio = 250
    static let ratioFreeBytes = 1 << 20

    /// The most bytes that may come out.
    let limit: Int

    package init(limit: Int) { self.limit = limit }

    /// Undoes raw deflate (RFC 1951), without a header, as in Avro's containers.
    ///
    /// - Throws: ``Problem``: 400 for broken data, 413 for too much.
    package func inflated(raw body: [UInt8]) throws -> [UInt8] { try inflated(body, windowBits: -15) }

    /// - Parameter encoding: The value of `Content-Encoding`; nil or `identity` for none.
    /// - Throws: ``Problem``: 415 for a coding we do not know, 400 for broken data, 413 for too much.
    func decode(_ body: [UInt8], encoding: String?) throws -> [UInt8] {
        switch (encoding ?? "identity").lowercased() {
        case "identity", "":
            guard body.count <= limit else { throw tooLarge }
            return body
        case "gzip", "x-gzip", "deflate": return try inflated(body, windowBits: 15 + 32)
        case "zstd": return try unpacked(body)
        default:
            throw Problem(
                .unsupportedMediaType, "unsupported_encoding", "content codings are gzip, deflate, zstd and identity",
                headers: [.acceptEncoding: "gzip, deflate, zstd"])
        }
    }

    private var tooLarge: Problem {
        Problem(.contentTooLarge, "too_large", "the body is larger than \(limit) bytes")
    }

    private func check(_ produced: Int, from consumed: Int) throws {
        guard produced <= limit else { throw tooLarge }
        guard produced <= Self.ratioFreeBytes || produced / max(consumed, 1) <= Self.maximumRatio else {
            throw Problem(
                .contentTooLarge, "compression_ratio",
                "the body unpacks to more than \(Self.maximumRatio) times its size")
        }
    }

    /// - Parameter windowBits: zlib's: 15; 32 more for zlib or gzip, by the header; negative for none.
    private func inflated(_ body: [UInt8], windowBits: Int32) throws -> [UInt8] {
        var stream = z_stream()
        guard inflateInit2_(&stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw Problem(.serviceUnavailable, "no_memory", "not enough memory to unpack the body")
        }
        defer { inflateEnd(&stream) }
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 256 << 10)
        var input = body
        return try input.withUnsafeMutableBufferPointer { input in
            stream.next_in = input.baseAddress
            stream.avail_in = UInt32(input.count)
            while true {
                let (status, produced) = chunk.withUnsafeMutableBufferPointer { chunk -> (Int32, Int) in
                    stream.next_out = chunk.baseAddress
                    stream.avail_out = UInt32(chunk.count)
                    let status = inflate(&stream, Z_NO_FLUSH)
                    return (status, chunk.count - Int(stream.avail_out))
                }
                output.append(contentsOf: chunk[..<produced])
                try check(output.count, from: input.count)
                if status == Z_STREAM_END {
                    guard stream.avail_in > 0 else { return output }
                    // A gzip file may have several members (RFC 1952 §2.2).
                    guard inflateReset(&stream) == Z_OK else { throw Self.broken }
                } else if status != Z_OK || (produced == 0 && stream.avail_in == 0) {
                    throw Self.broken
                }
            }
        }
    }

    private func unpacked(_ body: [UInt8]) throws -> [UInt8] {
        guard let stream = ZSTD_createDStream() else {
            throw Problem(.serviceUnavailable, "no_memory", "not enough memory to unpack the body")
        }
        defer { ZSTD_freeDStream(stream) }
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: ZSTD_DStreamOutSize())
        return try body.withUnsafeBytes { bytes in
            var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
            while true {
                let (status, produced) = chunk.withUnsafeMutableBytes { chunk -> (Int, Int) in
                    var out = ZSTD_outBuffer(dst: chunk.baseAddress, size: chunk.count, pos: 0)
                    let status = ZSTD_decompressStream(stream, &out, &input)
                    return (status, out.pos)
                }
                guard ZSTD_isError(status) == 0 else { throw Self.broken }
                output.append(contentsOf: chunk[..<produced])
                try check(output.count, from: bytes.count)
                if input.pos == input.size, produced < chunk.count {
                    // 0: the last frame is complete.
                    guard status == 0 else { throw Self.broken }
                    return output
                }
            }
        }
    }

    private static let broken = Problem.badRequest("broken_encoding", "the body's compression is damaged or cut off")
}
