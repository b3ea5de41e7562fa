import EventModel

/// The messages of a file that Azure Event Hubs' Capture wrote: an Avro object container (Avro specification 1.11, "Object
/// Container Files") of records whose `Body` is what was sent to the hub.
///
/// Diagnostic settings send batches (`{"records":[…]}`), which the connectors take apart; so an AKS cluster's `kube-audit`
/// category becomes what the API server wrote.
package struct CapturedMessages: Sendable {
    private static let magic: [UInt8] = [0x4F, 0x62, 0x6A, 0x01]
    private static let syncBytes: Int64 = 16

    /// The messages in their order, each with a line feed behind it.
    package private(set) var body: [UInt8] = []

    private let maximumBytes: Int

    /// Whether bytes begin as a container does.
    package static func begins(_ bytes: some Collection<UInt8>) -> Bool { bytes.starts(with: magic) }

    /// - Parameters:
    ///   - maximumBytes: Of all messages together.
    ///   - inflate: Undoes raw deflate (RFC 1951), within bounds.
    /// - Throws: ``IntakeError`` `malformed` for what is no such file, `tooLarge`; what `inflate` throws.
    package init(
        _ file: UnsafeRawBufferPointer, maximumBytes: Int, inflate: ([UInt8]) throws -> [UInt8]
    ) throws {
        self.maximumBytes = maximumBytes
        var reader = AvroReader(file)
        guard try reader.take(4).elementsEqual(Self.magic) else { throw Self.malformed("no Avro container") }
        var metadata: [String: [UInt8]] = [:]
        try reader.items { reader in
            let key = try reader.lengthPrefixed().text
            metadata[key] = Array(try reader.lengthPrefixed())
        }
        let (fields, names) = try Self.schema(metadata["avro.schema"] ?? [])
        let codec = String(decoding: metadata["avro.codec"] ?? Array("null".utf8), as: UTF8.self)
        guard codec == "null" || codec == "deflate" else {
            throw Self.malformed("the Avro codec \(codec.prefix(20)) is not read; null and deflate are")
        }
        let sync = try reader.take(Self.syncBytes)
        while !reader.isAtEnd {
            let count = try reader.integer()
            let packed = try reader.lengthPrefixed()
            guard try reader.take(Self.syncBytes).hasSameBytes(as: sync) else {
                throw Self.malformed("the Avro data is damaged: a block does not end where it says")
            }
            if codec == "deflate" {
                try inflate(Array(packed)).withUnsafeBytes { try read($0, count, fields, names) }
            } else {
                try read(packed, count, fields, names)
            }
        }
    }

    private typealias Fields = [(name: String, schema: AvroSchema)]

    private static func schema(_ text: [UInt8]) throws -> (Fields, [String: AvroSchema]) {
        var names: [String: AvroSchema] = [:]
        let schema: AvroSchema
        do {
            schema = try JSONParser().withDocument(text) { try AvroSchema($0, names: &names) }
        } catch let error as EventModelError {
            throw malformed("the Avro schema is not JSON: \(error.reason)")
        }
        guard case .record(let fields) = schema, fields.contains(where: { $0.name == "Body" }) else {
            throw malformed("the Avro records have no Body: the file is none of Event Hubs' Capture")
        }
        return (fields, names)
    }

    private mutating func read(
        _ block: UnsafeRawBufferPointer, _ count: Int64, _ fields: Fields, _ names: [String: AvroSchema]
    ) throws {
        var reader = AvroReader(block)
        guard count >= 0, count <= Int64(block.count) else { throw AvroReader.cut }
        for _ in 0..<count {
            for field in fields {
                var schema = field.schema
                if case .union(let branches) = schema { schema = try reader.branch(of: branches) }
                switch (field.name, schema) {
                case ("Body", .bytes), ("Body", .string): try append(try reader.lengthPrefixed())
                default: try reader.skip(schema, names)
                }
            }
        }
        guard reader.isAtEnd else {
            throw Self.malformed("the Avro data is damaged: a block holds more than its records")
        }
    }

    private mutating func append(_ message: UnsafeRawBufferPointer) throws {
        guard message.contains(where: { $0 > 0x20 }) else { return }
        guard body.count + message.count < maximumBytes else {
            throw IntakeError(.tooLarge, "the messages are more than \(maximumBytes >> 20) MiB")
        }
        body.append(contentsOf: message)
        body.append(0x0A)
    }

    private static func malformed(_ reason: String) -> IntakeError { IntakeError(.malformed, reason) }
}
