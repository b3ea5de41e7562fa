import EventModel
import HTTPTypes
import Hummingbird
import NIOCore

/// Writes compact JSON, members in the order they are given.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    init() {}

    mutating func object(_ body: (inout JSONWriter) throws -> Void) rethrows {
        try container(UInt8(ascii: "{"), UInt8(ascii: "}"), body)
    }

    mutating func array(_ body: (inout JSONWriter) throws -> Void) rethrows {
        try container(UInt8(ascii: "["), UInt8(ascii: "]"), body)
    }

    mutating func member(_ name: String, _ value: String) {
        key(name)
        self.value(value)
    }

    mutating func member(_ name: String, _ value: String?) {
        guard let value else { return }
        member(name, value)
    }

    mutating func member(_ name: String, _ value: Int64) {
        key(name)
        self.value(value)
    }

    mutating func member(_ name: String, _ value: Int64?) {
        guard let value else { return }
        member(name, value)
    }

    mutating func member(_ name: String, _ value: Bool) { member(name, raw: value ? "true" : "false") }

    /// A member whose value is JSON text already.
    mutating func member(_ name: String, raw value: String) {
        key(name)
        self.raw(Array(value.utf8))
    }

    mutating func member(_ name: String, _ body: (inout JSONWriter) throws -> Void) rethrows {
        key(name)
        needsComma = false
        try body(&self)
        needsComma = true
    }

    mutating func value(_ value: String) {
        separate()
        JSONText.appendString(value, to: &bytes)
    }

    mutating func value(_ value: Int64) {
        separate()
        bytes.append(contentsOf: String(value).utf8)
    }

    /// Appends JSON text as it is.
    mutating func raw(_ text: [UInt8]) {
        separate()
        bytes.append(contentsOf: text)
    }

    private mutating func key(_ name: String) {
        separate()
        JSONText.appendString(name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func container(
        _ open: UInt8, _ close: UInt8, _ body: (inout JSONWriter) throws -> Void
    ) rethrows {
        separate()
        bytes.append(open)
        needsComma = false
        try body(&self)
        bytes.append(close)
        needsComma = true
    }
}

extension JSONWriter {
    /// A response of this JSON.
    func response(status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
