import EventModel

extension QueryParser {
    /// value = term | cidr | "/"regex"/" | cmp term | term".."term | "(" term {"OR" term} ")"
    mutating func value(of reference: FieldReference) throws(QueryError) -> ValueMatch {
        if scanner.next == "(" { return try list(of: reference) }
        return try single(of: reference)
    }

    private mutating func list(of reference: FieldReference) throws(QueryError) -> ValueMatch {
        let start = scanner.position
        scanner.position += 1
        try enter(at: start)
        defer { leave() }
        var members: [ValueMatch] = []
        repeat {
            scanner.skipSpace()
            let position = scanner.position
            guard scanner.next != "(" else {
                throw scanner.error(.syntax, position..<position + 1, "a list holds values, not another list")
            }
            guard members.count < QueryLimits.listMembers else {
                throw scanner.error(
                    .tooMany, position..<position + 1, "a list has at most \(QueryLimits.listMembers) members")
            }
            members.append(try single(of: reference))
            scanner.skipSpace()
        } while takeListSeparator()
        guard scanner.take(")") else {
            guard scanner.isAtEnd || scanner.next == "|" else {
                throw scanner.error(
                    .syntax, scanner.position..<scanner.position + 1, "OR or a closing parenthesis is missing here")
            }
            throw scanner.error(.unbalancedParenthesis, start..<start + 1, "this parenthesis is never closed")
        }
        return members.count == 1 ? members[0] : .oneOf(members)
    }

    private mutating func takeListSeparator() -> Bool {
        var ahead = scanner
        guard ahead.take("OR"), ahead.isBoundary(at: ahead.position) else { return false }
        scanner = ahead
        return true
    }

    private mutating func single(of reference: FieldReference) throws(QueryError) -> ValueMatch {
        let start = scanner.position
        guard !scanner.isBoundary(at: start) else {
            throw scanner.error(
                .emptyValue, start..<start,
                "\(reference.canonical) needs a value right after the colon, or * for any")
        }
        let type = shape.type(of: reference)
        let match: ValueMatch
        if scanner.next == "/", let regex = scanner.regex() {
            match = try self.regex(regex.pattern, regex.range, type)
        } else if let comparison = takeComparison() {
            match = try compare(comparison, reference, type)
        } else if scanner.next == "\"" {
            match = try quotedValue(reference, type)
        } else {
            match = try plainValue(reference, type)
        }
        try countTerm(at: start..<scanner.position)
        return match
    }

    private func requirePatternable(_ type: ValueType, _ range: Range<Int>) throws(QueryError) {
        guard type != .time else {
            throw scanner.error(
                .typeMismatch, range, "times are compared, not matched by pattern: >, <, A..B or a date")
        }
    }

    private mutating func regex(
        _ pattern: String, _ range: Range<Int>, _ type: ValueType
    ) throws(QueryError) -> ValueMatch {
        try requirePatternable(type, range)
        try countRegex(at: range)
        guard pattern.utf8.count <= QueryLimits.regexLength else {
            throw scanner.error(
                .tooLong, range, "a regular expression has at most \(QueryLimits.regexLength) bytes")
        }
        do {
            return .regex(try LinearRegex(pattern))
        } catch {
            throw scanner.error(.malformedRegex, range, "regular expression: \(error.reason)")
        }
    }

    // MARK: - Comparisons

    private mutating func takeComparison() -> Comparison? {
        if scanner.take(">=") { return .greaterOrEqual }
        if scanner.take("<=") { return .lessOrEqual }
        if scanner.take(">") { return .greater }
        if scanner.take("<") { return .less }
        return scanner.take("=") ? .equal : nil
    }

    private mutating func compare(
        _ comparison: Comparison, _ reference: FieldReference, _ type: ValueType
    ) throws(QueryError) -> ValueMatch {
        let start = scanner.position
        guard !scanner.isBoundary(at: start) else {
            throw scanner.error(.emptyValue, start..<start, "a value is missing after \(comparison.rawValue)")
        }
        let text: String
        if scanner.next == "\"" {
            text = try scanner.quoted()
            try requireBoundary(after: start)
        } else {
            let word = try scanner.word()
            // Exact is exact: a star is a star there, as typed.
            text = word.glob.hasWildcards ? word.literalText : word.text
        }
        let range = start..<scanner.position
        if comparison == .equal, type == .text || type == .untyped { return .exact(text) }
        return .compare(comparison, try comparable(text, reference, type, range))
    }

    /// The meaning of a value to compare with. Text that may be a number is compared as one.
    private func comparable(
        _ text: String, _ reference: FieldReference, _ type: ValueType, _ range: Range<Int>
    ) throws(QueryError) -> Literal {
        switch type {
        case .time, .number, .address: return try literal(text, type, range)
        case .text, .untyped:
            if let number = QueryNumber(parsing: text) { return .number(number) }
            if type == .untyped, let time = TimeLiteral(parsing: text, now: now) { return .time(time) }
            throw scanner.error(
                .typeMismatch, range,
                "\(reference.canonical) holds text: > and < compare it with numbers"
                    + (type == .untyped ? " and times only" : " only"))
        }
    }

    func literal(_ text: String, _ type: ValueType, _ range: Range<Int>) throws(QueryError) -> Literal {
        switch type {
        case .number:
            if let number = QueryNumber(parsing: text) { return .number(number) }
            throw scanner.error(.malformedNumber, range, "\(text) is not a number")
        case .address:
            if let address = IPAddress(parsing: text) { return .address(address) }
            throw scanner.error(.malformedAddress, range, "\(text) is not an IP address")
        case .time, .text, .untyped:
            if let time = TimeLiteral(parsing: text, now: now) { return .time(time) }
            throw scanner.error(
                .malformedTime, range,
                "\(text) is not a time: write 2026-11-01, 2026-11-01T10:00:00Z or -24h (s, m, h, d, w)")
        }
    }

    // MARK: - Terms

    private mutating func quotedValue(
        _ reference: FieldReference, _ type: ValueType
    ) throws(QueryError) -> ValueMatch {
        let start = scanner.position
        let text = try scanner.quoted()
        let range = start..<scanner.position
        if type == .time || type == .number || type == .address {
            let lower = try literal(text, type, range)
            guard scanner.take("..") else {
                try requireBoundary(after: start)
                return alone(lower)
            }
            return try rangeAfterQuote(from: lower, type, start)
        }
        try requireBoundary(after: start)
        return plain(text, reference)
    }

    private mutating func rangeAfterQuote(
        from lower: Literal, _ type: ValueType, _ start: Int
    ) throws(QueryError) -> ValueMatch {
        let upperStart = scanner.position
        guard !scanner.isBoundary(at: upperStart) else { return .compare(.greaterOrEqual, lower) }
        let text = scanner.next == "\"" ? try scanner.quoted() : try scanner.word().text
        try requireBoundary(after: start)
        return try ordered(lower, literal(text, type, upperStart..<scanner.position), start..<scanner.position)
    }

    private mutating func plainValue(
        _ reference: FieldReference, _ type: ValueType
    ) throws(QueryError) -> ValueMatch {
        let word = try scanner.word()
        if word.glob.pieces == [.run] { return .present }
        switch type {
        case .time, .number, .address:
            if let range = try rangeOfEnds(word, type) { return range }
            if word.glob.hasWildcards {
                try requirePatternable(type, word.range)
                return .glob(word.glob)
            }
            if type == .address, word.text.contains("/") {
                guard let network = AddressRange(cidr: word.text) else {
                    throw scanner.error(
                        .malformedAddress, word.range, "\(word.text) is not a network such as 10.0.0.0/8")
                }
                return .network(network)
            }
            return alone(try literal(word.text, type, word.range))
        case .text, .untyped:
            return word.glob.hasWildcards ? .glob(word.glob) : plain(word.text, reference)
        }
    }

    private func plain(_ text: String, _ reference: FieldReference) -> ValueMatch {
        reference.matchesPrefixes && !text.isEmpty ? .prefix(text) : .equals(text)
    }

    /// A literal alone: equality, but a relative time means since then.
    private func alone(_ literal: Literal) -> ValueMatch {
        if case .time(let time) = literal, time.isAgo { return .compare(.greaterOrEqual, literal) }
        return .compare(.equal, literal)
    }

    /// `A..B`, `A..` and `..B`; a star at an end is an open end too.
    private func rangeOfEnds(_ word: Word, _ type: ValueType) throws(QueryError) -> ValueMatch? {
        guard let dots = word.raw.firstRange(of: "..") else { return nil }
        let lowerText = String(word.raw[..<dots.lowerBound])
        let upperText = String(word.raw[dots.upperBound...])
        let upperStart = word.range.upperBound - upperText.unicodeScalars.count
        let lowerRange = word.range.lowerBound..<word.range.lowerBound + lowerText.unicodeScalars.count
        let lower: Literal? = ["", "*"].contains(lowerText) ? nil : try literal(lowerText, type, lowerRange)
        let upper: Literal? =
            ["", "*"].contains(upperText) ? nil : try literal(upperText, type, upperStart..<word.range.upperBound)
        switch (lower, upper) {
        case (nil, nil): return .present
        case (let lower?, nil): return .compare(.greaterOrEqual, lower)
        case (nil, let upper?): return .compare(type == .time ? .less : .lessOrEqual, upper)
        case (let lower?, let upper?): return try ordered(lower, upper, word.range)
        }
    }

    private func ordered(
        _ lower: Literal, _ upper: Literal, _ range: Range<Int>
    ) throws(QueryError) -> ValueMatch {
        let isOrdered =
            switch (lower, upper) {
            case (.time(let one), .time(let other)): one.start <= other.start
            case (.number(let one), .number(let other)): one <= other
            case (.address(let one), .address(let other)): one <= other
            default: false
            }
        guard isOrdered else {
            throw scanner.error(.outOfRange, range, "this range ends before it begins")
        }
        return .range(lower, upper)
    }
}

extension Word {
    /// The text with its wildcards as plain characters.
    var literalText: String {
        glob.pieces.map { piece in
            switch piece {
            case .literal(let text): text
            case .one: "?"
            case .run: "*"
            }
        }.joined()
    }
}
