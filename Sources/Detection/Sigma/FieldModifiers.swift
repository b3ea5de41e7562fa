import QueryLanguage

/// The modifiers behind a field's name, sorted by what they do.
struct FieldModifiers {
    enum Kind: Equatable {
        case pattern
        case exists
        case reference(ValueTest.Overlap)
        case regex(LinearRegex.Options)
        case network
        case number(ValueTest.Comparison)
        case timePart(ValueTest.TimePart, ValueTest.Comparison)
    }

    var kind = Kind.pattern
    /// In the order of the rule.
    var transforms: [ValueTransform] = []
    var requiresAll = false
    var isNegated = false
    var isCased = false
    var expandsPlaceholders = false

    /// - Throws: ``DetectionError`` without a line, for a modifier that is unknown or stands where it means nothing.
    init(_ names: [Substring]) throws {
        for name in names { try add(String(name)) }
        if case .regex = kind, isCased, isCaseInsensitiveRegex {
            throw DetectionError(.invalidRule, "`cased` and `i` contradict each other")
        }
    }

    private var isCaseInsensitiveRegex: Bool {
        if case .regex(let options) = kind { return options.ignoresCase }
        return false
    }

    private mutating func add(_ name: String) throws {
        switch name {
        case "all": requiresAll = true
        case "neq": isNegated = true
        case "cased": isCased = true
        case "expand": expandsPlaceholders = true
        case "exists": try setKind(.exists, name)
        case "re": try setKind(.regex(LinearRegex.Options()), name)
        case "cidr": try setKind(.network, name)
        case "fieldref": try setReference()
        case "i", "ignorecase", "m", "multiline", "s", "dotall": try setRegexFlag(name)
        case "gt", "gte", "lt", "lte": try setComparison(name)
        case "minute", "hour", "day", "week", "month", "year": try setTimePart(name)
        default: try addTransform(name)
        }
    }

    private mutating func setKind(_ new: Kind, _ name: String) throws {
        guard kind == .pattern, transforms.isEmpty else {
            throw DetectionError(.invalidRule, "the modifier `\(name)` must come first")
        }
        kind = new
    }

    private mutating func setRegexFlag(_ name: String) throws {
        guard case .regex(var options) = kind else {
            throw DetectionError(.invalidRule, "the modifier `\(name)` needs `re` before it")
        }
        switch name.first {
        case "i": options.ignoresCase = true
        case "m": options.isMultiLine = true
        default: options.dotMatchesNewline = true
        }
        kind = .regex(options)
    }

    private mutating func setComparison(_ name: String) throws {
        guard let comparison = ValueTest.Comparison(rawValue: name) else { return }
        if case .timePart(let part, .equal) = kind {
            kind = .timePart(part, comparison)
        } else {
            try setKind(.number(comparison), name)
        }
    }

    private mutating func setTimePart(_ name: String) throws {
        guard let part = ValueTest.TimePart(rawValue: name) else { return }
        try setKind(.timePart(part, .equal), name)
    }

    /// `fieldref|startswith` and `startswith|fieldref` mean the same.
    private mutating func setReference() throws {
        guard kind == .pattern, transforms.count <= 1 else {
            throw DetectionError(.invalidRule, "the modifier `fieldref` must come first")
        }
        var overlap = ValueTest.Overlap.whole
        if let transform = transforms.first {
            guard let named = ValueTest.Overlap(rawValue: transform.rawValue) else {
                throw DetectionError(.invalidRule, "`\(transform.rawValue)` cannot change a field reference")
            }
            overlap = named
        }
        transforms = []
        kind = .reference(overlap)
    }

    private mutating func addTransform(_ name: String) throws {
        guard let transform = ValueTransform(rawValue: name) else {
            throw DetectionError(.invalidRule, "unknown modifier `\(name)`")
        }
        if case .reference(.whole) = kind, let overlap = ValueTest.Overlap(rawValue: name) {
            kind = .reference(overlap)
            return
        }
        guard kind == .pattern else {
            throw DetectionError(
                .invalidRule, "the modifier `\(name)` works on text alone and cannot follow these others")
        }
        transforms.append(transform)
    }
}
