import CSimdJSON

/// Parses JSON with simdjson, checks it against ``JSONLimits`` and refuses duplicate keys with different values (two
/// readers of one document must not see two documents).
///
/// A parser owns its buffers and is meant to be used again and again by one task at a time; parsing allocates nothing
/// once the buffers have grown to the largest document seen. Cost: about 0.5 ns a byte, and a few for each key.
package final class JSONParser {
    private let parser: OpaquePointer
    private let limits: JSONLimits

    package init(limits: JSONLimits = JSONLimits()) {
        self.limits = limits
        // One level more than allowed, so that the check below, whose message is better, meets the limit first.
        guard let parser = custody_json_parser_create(limits.bytes, limits.depth + 2) else {
            preconditionFailure("no memory for a JSON parser")
        }
        self.parser = parser
    }

    deinit { custody_json_parser_destroy(parser) }

    /// Parses one document and hands its root to `body`. The root and all values reached from it, their strings included,
    /// are valid inside `body` only.
    ///
    /// - Parameter isChecked: Whether a parser with the same limits has taken these bytes before: depth, keys and repetitions are
    ///   not looked at again then.
    /// - Throws: ``EventModelError`` when the bytes are no JSON, not UTF-8, over a limit or hold a key twice.
    @inlinable
    package func withDocument<Result>(
        _ bytes: UnsafeRawBufferPointer, isChecked: Bool = false, _ body: (JSONValue) throws -> Result
    ) throws -> Result {
        // Inlined, nothing else would keep a parser that is used once until its document was read.
        try withExtendedLifetime(self) { try body(try root(of: bytes, isChecked: isChecked)) }
    }

    @inlinable
    package func withDocument<Result>(
        _ bytes: [UInt8], _ body: (JSONValue) throws -> Result
    ) throws -> Result {
        try bytes.withUnsafeBytes { try withDocument($0, body) }
    }

    /// Valid until the next document is parsed.
    @usableFromInline
    func root(of bytes: UnsafeRawBufferPointer, isChecked: Bool) throws -> JSONValue {
        guard bytes.count <= limits.bytes else {
            throw EventModelError(.tooLarge, "document of \(bytes.count) bytes is over the limit of \(limits.bytes)")
        }
        guard let start = bytes.baseAddress, !bytes.isEmpty else {
            throw EventModelError(.malformedJSON, "empty document")
        }
        var tape: UnsafePointer<UInt64>?
        var strings: UnsafePointer<UInt8>?
        let result = custody_json_parse(
            parser, start.assumingMemoryBound(to: UInt8.self), bytes.count, &tape, &strings)
        guard result == custody_json_ok, let tape, let strings else { throw Self.error(result, limits: limits) }
        let root = JSONValue(tape: tape, strings: strings, position: 1)
        if !isChecked {
            var check = JSONCheck(limits: limits)
            try check.check(root)
        }
        return root
    }

    private static func error(_ result: custody_json_result, limits: JSONLimits) -> EventModelError {
        switch result {
        case custody_json_too_large:
            EventModelError(.tooLarge, "document is over the limit of \(limits.bytes) bytes")
        case custody_json_too_deep: EventModelError(.tooDeep, "nested deeper than \(limits.depth) levels")
        case custody_json_bad_number:
            EventModelError(.numberOutOfRange, "a number is malformed or does not fit 64 bits")
        case custody_json_bad_utf8: EventModelError(.notUTF8, "not valid UTF-8")
        case custody_json_empty: EventModelError(.malformedJSON, "empty document")
        case custody_json_unescaped_control:
            EventModelError(.malformedJSON, "a control character inside a string is not escaped")
        case custody_json_unclosed_string: EventModelError(.malformedJSON, "a string is not closed")
        case custody_json_no_memory: EventModelError(.tooLarge, "not enough memory to read the document")
        default: EventModelError(.malformedJSON, "not valid JSON")
        }
    }
}
