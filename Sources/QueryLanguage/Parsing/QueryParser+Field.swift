extension QueryParser {
    /// Reads `field:` and leaves the scanner at the value; nil, and nothing read, when the term is a bare word.
    mutating func fieldBeforeColon() throws(QueryError) -> FieldReference? {
        let start = scanner.position
        var found: FieldReference?
        if let path = try payloadOrExtension() {
            found = scanner.next == ":" ? try column(path, at: start..<scanner.position) : path
        } else if let column = columnWithCall() {
            found = column
        } else {
            guard let next = scanner.next, FieldName.isNameStart(next) else { return nil }
            scanner.position = scanner.end(where: FieldName.isNamePart)
            guard scanner.next == ":" else {
                scanner.position = start
                return nil
            }
            let range = start..<scanner.position
            found = reference(named: scanner.text(range))
            if found == nil {
                let end = scanner.scalars[start...].indices.first(where: scanner.isBoundary) ?? scanner.scalars.count
                if FieldName.isIdentifier(word: scanner.text(start..<end)) {
                    scanner.position = start
                    return nil
                }
                throw unknownName(range)
            }
        }
        guard let found, scanner.take(":") else {
            scanner.position = start
            return nil
        }
        return found
    }

    /// Reads the name of a field or column in the list of a stage.
    mutating func fieldInStage() throws(QueryError) -> FieldReference {
        scanner.skipSpace()
        let start = scanner.position
        if let path = try payloadOrExtension() {
            return try column(path, at: start..<scanner.position)
        }
        if let column = columnWithCall() { return column }
        scanner.position = scanner.end(where: FieldName.isNamePart)
        let range = start..<scanner.position
        guard !range.isEmpty else {
            throw scanner.error(.syntax, start..<start, "the name of a field is missing here")
        }
        guard let found = reference(named: scanner.text(range)) else { throw unknownName(range) }
        return found
    }

    /// A name resolved against what the stage works on: the columns of a table, else the fields of events.
    private func reference(named name: String) -> FieldReference? {
        guard let columns = shape.columns else { return FieldName.resolve(name) }
        if columns.contains(where: { $0.name == name }) { return .column(name) }
        guard let canonical = FieldName.resolve(name)?.name, columns.contains(where: { $0.name == canonical }) else {
            return nil
        }
        return .column(canonical)
    }

    /// A path of the payload or of `ext`: on a table, the column of that name.
    private func column(_ reference: FieldReference, at range: Range<Int>) throws(QueryError) -> FieldReference {
        guard let columns = shape.columns else { return reference }
        guard columns.contains(where: { $0.name == reference.name }) else { throw unknownName(range) }
        return .column(reference.name)
    }

    private func unknownName(_ range: Range<Int>) -> QueryError {
        let name = scanner.text(range)
        if let columns = shape.columns?.map(\.name) {
            return scanner.error(
                .unknownColumn, range,
                "there is no column \(name) here; the columns are \(columns.joined(separator: ", "))",
                suggestion: NearestName.of(name, in: columns))
        }
        let hint =
            switch name.lowercased() {
            case "raw": "raw takes a path of the payload, as raw.request.id"
            case "ext": "ext takes a key, as ext.key"
            default: "there is no field \(name); quote the term to search for its text"
            }
        return scanner.error(.unknownField, range, hint, suggestion: NearestName.of(name, in: FieldName.all))
    }

    /// Reads a column's name that is the text of a call, as `dcount(ip)`; nil, and nothing read, when there is none.
    private mutating func columnWithCall() -> FieldReference? {
        guard let columns = shape.columns else { return nil }
        let calls = columns.map(\.name).filter { $0.contains("(") }
        for name in calls.sorted(by: { $0.count > $1.count }) where scanner.take(name) { return .column(name) }
        return nil
    }

    // MARK: - raw and ext

    /// Reads `raw.PATH` or `ext.KEY`; nil, and nothing read, when the text is neither.
    private mutating func payloadOrExtension() throws(QueryError) -> FieldReference? {
        let start = scanner.position
        guard start + 3 < scanner.scalars.count, let separator = scanner.scalar(at: start + 3),
            separator == "." || separator == "["
        else { return nil }
        let kind = scanner.text(start..<start + 3).lowercased()
        guard kind == "raw" || kind == "ext" else { return nil }
        scanner.position += 3
        guard let segments = try pathSegments() else {
            let end = scanner.position
            scanner.position = start
            guard scanner.place(of: ":", from: end) != nil else { return nil }
            throw scanner.error(
                .syntax, start..<end,
                "a path is keys between dots, odd ones as [\"key\"]; an array matches when any member does")
        }
        return try checked(kind == "raw" ? .raw(PayloadPath(segments)) : .ext(segments.joined(separator: ".")), start)
    }

    private func checked(_ reference: FieldReference, _ start: Int) throws(QueryError) -> FieldReference {
        if case .raw(let path) = reference, path.segments.count > QueryLimits.pathSegments {
            throw scanner.error(
                .tooMany, start..<scanner.position, "a path has at most \(QueryLimits.pathSegments) segments")
        }
        return reference
    }

    /// Reads `.key.key["odd key"]…`; nil when a key is empty or a bracket is not closed.
    private mutating func pathSegments() throws(QueryError) -> [String]? {
        var segments: [String] = []
        while let next = scanner.next {
            if next == "[" {
                scanner.position += 1
                guard scanner.next == "\"" else { return nil }
                let key = try scanner.quoted()
                guard scanner.take("]"), !key.isEmpty else { return nil }
                segments.append(key)
            } else if next == "." {
                scanner.position += 1
                // `raw.["odd"]` is `raw["odd"]`.
                if scanner.next == "[" { continue }
                guard let key = pathKey() else { return nil }
                segments.append(key)
            } else {
                break
            }
        }
        return segments.isEmpty ? nil : segments
    }

    private mutating func pathKey() -> String? {
        var key = String.UnicodeScalarView()
        while let next = scanner.next {
            if next == "\\", let escaped = scanner.scalar(at: scanner.position + 1) {
                key.append(escaped)
                scanner.position += 2
            } else if PayloadPath.endsKey(next) {
                break
            } else {
                key.append(next)
                scanner.position += 1
            }
        }
        return key.isEmpty ? nil : String(key)
    }
}
