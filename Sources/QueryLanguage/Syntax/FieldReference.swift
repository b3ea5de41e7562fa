package import EventModel

/// What stands before the colon of a term, or in the list of a stage.
package enum FieldReference: Hashable, Sendable {
    /// A canonical field by its full name, as `actor.name` or `targets.id`.
    case field(Field)
    /// A short name that stands for one or several fields.
    case alias(Alias)
    /// `index`: the event's number in the ledger. It is no part of the sealed event, hence no ``Field``.
    case leafIndex
    /// `raw.PATH`: a path of the payload.
    case raw(PayloadPath)
    /// `ext.KEY`: one of the connector's extra values.
    case ext(String)
    /// A column by its name, after a stage that makes a table: see ``QueryShape``. Never occurs before one.
    case column(String)
}

/// What values of a field or column mean: decides which comparisons and aggregates make sense.
package enum ValueType: Hashable, Sendable {
    case text, time, number, address
    /// Values of the payload, of `ext` and of mixed columns: text that may be a number.
    case untyped

    init(_ type: FieldType) {
        switch type {
        case .text: self = .text
        case .time: self = .time
        case .integer: self = .number
        case .address: self = .address
        }
    }
}

extension FieldReference {
    /// What its values mean. A column's type is known by the shape, not by the reference; here it is untyped.
    package var type: ValueType {
        switch self {
        case .field(let field): ValueType(field.type)
        case .alias(let alias): alias == .ip ? .address : .text
        case .leafIndex: .number
        case .raw, .ext, .column: .untyped
        }
    }

    /// Whether a plain value matches longer values that begin with it: hashes and digests are typed abbreviated
    /// (contract, "Queries": `commit` and `artifact` match prefixes too).
    package var matchesPrefixes: Bool {
        switch self {
        case .alias(.commit), .alias(.artifact): true
        case .field(.vcsCommit), .field(.vcsBefore), .field(.artifactDigest): true
        default: false
        }
    }
}
