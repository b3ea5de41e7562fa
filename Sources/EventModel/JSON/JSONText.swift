// Writing JSON.

package enum JSONText {
    /// Appends a string with its quotes. Escapes what RFC 8259 §7 demands, nothing else; bytes that are not UTF-8 become
    /// U+FFFD, so that what is written is always valid.
    package static func appendString(_ bytes: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        if bytes.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") && $0 < 0x7F }) {
            output.append(contentsOf: bytes)
        } else {
            // Decoding repairs invalid sequences.
            for byte in String(decoding: bytes, as: UTF8.self).utf8 { appendEscaped(byte, to: &output) }
        }
        output.append(UInt8(ascii: "\""))
    }

    package static func appendString(_ text: String, to output: inout [UInt8]) {
        var text = text
        text.withUTF8 { appendString(UnsafeRawBufferPointer($0), to: &output) }
    }

    private static func appendEscaped(_ byte: UInt8, to output: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""): output.append(contentsOf: "\\\"".utf8)
        case UInt8(ascii: "\\"): output.append(contentsOf: "\\\\".utf8)
        case UInt8(ascii: "\n"): output.append(contentsOf: "\\n".utf8)
        case UInt8(ascii: "\r"): output.append(contentsOf: "\\r".utf8)
        case UInt8(ascii: "\t"): output.append(contentsOf: "\\t".utf8)
        case 0..<0x20:
            let digits = Array("0123456789abcdef".utf8)
            output.append(contentsOf: "\\u00".utf8)
            output.append(digits[Int(byte >> 4)])
            output.append(digits[Int(byte & 15)])
        default: output.append(byte)
        }
    }

    /// The shortest decimal that reads back as the same double; integral values without a fraction.
    package static func shortest(_ value: Double) -> String {
        if let integer = Int64(exactly: value) { return String(integer) }
        return value.description
    }

    /// Appends a parsed value as compact JSON, members in document order.
    package static func append(_ value: JSONValue, to output: inout [UInt8]) {
        switch value.kind {
        case .object:
            output.append(UInt8(ascii: "{"))
            var isFirst = true
            for member in value.members {
                if !isFirst { output.append(UInt8(ascii: ",")) }
                isFirst = false
                appendString(member.key, to: &output)
                output.append(UInt8(ascii: ":"))
                append(member.value, to: &output)
            }
            output.append(UInt8(ascii: "}"))
        case .array:
            output.append(UInt8(ascii: "["))
            var isFirst = true
            for element in value.elements {
                if !isFirst { output.append(UInt8(ascii: ",")) }
                isFirst = false
                append(element, to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .string:
            if let string = value.string { appendString(string, to: &output) }
        case .null: output.append(contentsOf: "null".utf8)
        default: value.appendScalarText(to: &output)
        }
    }
}
