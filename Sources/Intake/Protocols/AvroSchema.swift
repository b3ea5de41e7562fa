import EventModel

/// A schema of Apache Avro (specification 1.11, "Schema Declaration"), as far as it is needed to step over values.
indirect enum AvroSchema {
    case null, boolean, integer, float, double, bytes, string
    case fixed(Int)
    case array(AvroSchema)
    case map(AvroSchema)
    case union([AvroSchema])
    case record([(name: String, schema: AvroSchema)])
    /// A type that is declared elsewhere in the schema.
    case named(String)

    /// Levels of a schema; those of messages have five.
    static let maximumDepth = 32

    /// - Parameter names: Takes the declared types, by their full names.
    /// - Throws: ``IntakeError`` `malformed`.
    init(_ value: JSONValue, names: inout [String: AvroSchema], namespace: String = "", depth: Int = 0) throws {
        guard depth < Self.maximumDepth else { throw Self.malformed("the schema is too deep") }
        func inner(_ value: JSONValue?, _ space: String) throws -> AvroSchema {
            guard let value else { throw Self.malformed("a type of the schema is incomplete") }
            return try AvroSchema(value, names: &names, namespace: space, depth: depth + 1)
        }
        switch value.kind {
        case .string: self = Self.primitive(value.string?.text ?? "", namespace)
        case .array: self = .union(try value.elements.map { try inner($0, namespace) })
        case .object:
            let type = value["type"]
            guard let word = type?.string?.text else {
                self = try inner(type, namespace)
                return
            }
            let space = value["namespace"]?.string?.text ?? namespace
            switch word {
            case "array": self = .array(try inner(value["items"], space))
            case "map": self = .map(try inner(value["values"], space))
            case "enum": self = .integer
            case "fixed":
                guard let size = value["size"]?.int64, size >= 0, size <= 1 << 20 else {
                    throw Self.malformed("a fixed type has a size")
                }
                self = .fixed(Int(size))
            case "record", "error":
                guard let list = value["fields"]?.elements else { throw Self.malformed("a record has fields") }
                var fields: [(name: String, schema: AvroSchema)] = []
                for field in list {
                    fields.append((field["name"]?.string?.text ?? "", try inner(field["type"], space)))
                }
                self = .record(fields)
            default: self = Self.primitive(word, space)
            }
            if let name = value["name"]?.string?.text { names[Self.fullName(name, space)] = self }
        default: throw Self.malformed("the schema holds what is no type")
        }
    }

    private static func primitive(_ word: String, _ namespace: String) -> AvroSchema {
        switch word {
        case "null": .null
        case "boolean": .boolean
        case "int", "long": .integer
        case "float": .float
        case "double": .double
        case "bytes": .bytes
        case "string": .string
        default: .named(fullName(word, namespace))
        }
    }

    private static func fullName(_ name: String, _ namespace: String) -> String {
        name.contains(".") || namespace.isEmpty ? name : namespace + "." + name
    }

    private static func malformed(_ reason: String) -> IntakeError { IntakeError(.malformed, reason) }
}
