package import Connectors
import EventModel

/// CloudEvents 1.0 over HTTP in its three content modes (cloudevents/spec, bindings/http-protocol-binding.md §3).
///
/// Whatever the mode, what is sealed is the event in its JSON form, with all its attributes: as it was sent in the structured and
/// batched modes, put together from headers and body in the binary one.
package struct CloudEventReader: Sendable {
    package enum Mode: Sendable { case binary, structured, batched }

    /// Attributes without which nothing is a CloudEvent (cloudevents/spec.md, "Required attributes").
    private static let required: [StaticString] = ["id", "source", "specversion", "type"]
    private static let prefix = "ce-"

    package private(set) var body: [UInt8] = []
    package private(set) var frames: [DeliveryFrame] = []

    /// The mode that a media type announces.
    ///
    /// - Throws: ``IntakeError`` `malformed` for an event format other than JSON.
    package static func mode(contentType: String?) throws -> Mode {
        let type = mediaType(contentType)
        guard type.hasPrefix("application/cloudevents") else { return .binary }
        let isBatch = type.hasPrefix("application/cloudevents-batch")
        guard type.hasSuffix("+json") || !type.contains("+") else {
            throw IntakeError(.malformed, "the only event format is JSON")
        }
        return isBatch ? .batched : .structured
    }

    static func mediaType(_ header: String?) -> String {
        (header ?? "").prefix { $0 != ";" }.lowercased().filter { $0 != " " }
    }

    /// - Parameters:
    ///   - attributes: The headers, in order.
    /// - Throws: ``IntakeError`` `malformed` when the delivery is no CloudEvent at all, `tooManyEvents`. Of a batch, events that
    ///   are none are refused one by one.
    package init(
        _ body: [UInt8], contentType: String?, headers: [(name: String, value: String)], limits: ProtocolLimits
    ) throws {
        var json = JSONLimits()
        json.bytes = limits.eventBytes
        let parser = JSONParser(limits: json)
        switch try Self.mode(contentType: contentType) {
        case .structured:
            self.body = body
            let frame = frame(of: 0..<body.count, part: nil, parser)
            if let refusal = frame.refusal { throw IntakeError(.malformed, refusal) }
            frames = [frame]
        case .batched:
            self.body = body
            guard let ranges = body.withUnsafeBytes({ JSONSplitter($0).elements() }) else {
                throw IntakeError(.malformed, "a batch is a JSON array")
            }
            for (number, range) in ranges.enumerated() {
                try limits.check(events: number)
                frames.append(frame(of: range, part: "/\(number)", parser))
            }
        case .binary:
            self.body = try Self.assemble(body, contentType, headers, parser)
            let frame = frame(of: 0..<self.body.count, part: nil, parser)
            if let refusal = frame.refusal { throw IntakeError(.malformed, refusal) }
            frames = [frame]
        }
    }

    private func frame(of range: Range<Int>, part: String?, _ parser: JSONParser) -> DeliveryFrame {
        var frame = DeliveryFrame(range: range, part: part)
        do {
            try body.withUnsafeBytes { body in
                try parser.withDocument(body.slice(range)) { value in
                    guard value.kind == .object else {
                        throw EventModelError(.malformedJSON, "an event is a JSON object")
                    }
                    for name in Self.required {
                        guard value[name]?.string?.isEmpty == false else {
                            throw EventModelError(.malformedJSON, "the attribute \(name) is missing")
                        }
                    }
                    guard value["specversion"]?.string?.text.hasPrefix("1.") == true else {
                        throw EventModelError(.malformedJSON, "specversion is 1.0")
                    }
                    // Source and id together identify an event (cloudevents/spec.md, "id").
                    let (source, id) = (value["source"]?.string?.text ?? "", value["id"]?.string?.text ?? "")
                    frame.identifier = "\(source)#\(id)"
                    frame.time = value["time"]?.string.flatMap { Timestamp(parsing: $0) }
                }
            }
        } catch let error as EventModelError {
            frame.refusal = error.reason
        } catch {
            frame.refusal = "not readable"
        }
        return frame
    }

    // MARK: The binary mode (§3.1)

    private static func assemble(
        _ data: [UInt8], _ contentType: String?, _ headers: [(name: String, value: String)], _ parser: JSONParser
    ) throws -> [UInt8] {
        var members: [(name: String, json: [UInt8])] = []
        func add(_ name: String, _ text: String) {
            var json: [UInt8] = []
            JSONText.appendString(text, to: &json)
            members.append((name, json))
        }
        for (header, value) in headers {
            let header = header.lowercased()
            guard header.hasPrefix(prefix) else { continue }
            let name = String(header.dropFirst(prefix.utf8.count))
            // §3.1.1: the media type is that of the body; data is the body.
            guard !name.isEmpty, name.utf8.allSatisfy(isAttributeByte),
                !["datacontenttype", "data", "data_base64"].contains(name)
            else { continue }
            guard let decoded = decode(value) else {
                throw IntakeError(.malformed, "the header \(header) is not percent-encoded UTF-8")
            }
            add(name, decoded)
        }
        if let contentType { add("datacontenttype", contentType) }
        if let data = try dataMember(data, mediaType(contentType), parser) { members.append(data) }
        var json: [UInt8] = [UInt8(ascii: "{")]
        for member in members {
            if json.count > 1 { json.append(UInt8(ascii: ",")) }
            JSONText.appendString(member.name, to: &json)
            json.append(UInt8(ascii: ":"))
            json.append(contentsOf: member.json)
        }
        json.append(UInt8(ascii: "}"))
        return json
    }

    /// JSON as it is, text as a string, anything else in base64 (cloudevents/formats/json-format.md §3.1). Without a media type
    /// the data is what it looks like.
    private static func dataMember(
        _ data: [UInt8], _ type: String, _ parser: JSONParser
    ) throws -> (name: String, json: [UInt8])? {
        guard !data.isEmpty else { return nil }
        var json: [UInt8] = []
        if type.isEmpty || type.hasSuffix("json") {
            do {
                try parser.withDocument(data) { _ in }
                return ("data", data)
            } catch let error as EventModelError {
                guard type.isEmpty else { throw IntakeError(.malformed, "the data is not JSON: \(error.reason)") }
            }
        }
        if type.hasPrefix("text/") || type.hasSuffix("xml") || type.isEmpty,
            let text = String(validating: data, as: UTF8.self)
        {
            JSONText.appendString(text, to: &json)
            return ("data", json)
        }
        JSONText.appendString(data.withUnsafeBytes { PaddedBase64.encode($0) }, to: &json)
        return ("data_base64", json)
    }

    /// Names of attributes are lower-case letters and digits; some senders have underscores.
    private static func isAttributeByte(_ byte: UInt8) -> Bool {
        byte &- UInt8(ascii: "a") < 26 || byte &- UInt8(ascii: "0") < 10 || byte == UInt8(ascii: "_")
    }

    /// Undoes quoting, then one round of percent-encoding (§3.1.3.2). Nil for what is not UTF-8 then.
    static func decode(_ value: String) -> String? {
        var text = Array(value.utf8)
        if text.count >= 2, text.first == UInt8(ascii: "\""), text.last == UInt8(ascii: "\"") {
            var plain: [UInt8] = []
            var position = 1
            while position < text.count - 1 {
                if text[position] == UInt8(ascii: "\\"), position + 1 < text.count - 1 { position += 1 }
                plain.append(text[position])
                position += 1
            }
            text = plain
        }
        var output: [UInt8] = []
        var position = 0
        while position < text.count {
            if text[position] == UInt8(ascii: "%"), position + 2 < text.count,
                let byte = UInt8(String(decoding: text[position + 1...position + 2], as: UTF8.self), radix: 16),
                text[position + 1] != UInt8(ascii: "+"), text[position + 1] != UInt8(ascii: "-")
            {
                output.append(byte)
                position += 3
            } else {
                output.append(text[position])
                position += 1
            }
        }
        return String(validating: output, as: UTF8.self)
    }
}
