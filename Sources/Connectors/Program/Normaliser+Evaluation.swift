internal import EventModel

extension Normaliser {
    private func slot(_ number: Int) -> JSONValue? { isInElement ? elementSlots[number] : slots[number] }

    /// Puts the text of the first alternative that has one into `value`.
    mutating func evaluate(_ alternatives: Kept<Alternative>) -> Bool {
        for alternative in alternatives where evaluate(alternative) { return true }
        return false
    }

    mutating func evaluate(_ alternative: Alternative) -> Bool {
        if !alternative.plainSlots.isEmpty {
            let found =
                isInElement ? elementSlots.first(of: alternative.plainSlots) : slots.first(of: alternative.plainSlots)
            guard found != nil else { return false }
        }
        if let condition = alternative.condition, !holds(condition) { return false }
        for term in alternative.terms {
            value.removeAll(keepingCapacity: true)
            guard append(term), !value.isEmpty else { continue }
            if alternative.transforms.allSatisfy({ apply($0) }), !value.isEmpty { return true }
        }
        return false
    }

    private mutating func append(_ term: Term) -> Bool {
        switch term {
        case .slot(let number):
            guard let found = slot(number) else { return false }
            return found.appendScalarText(to: &value)
        case .constant(let text): value.append(text)
        case .header(let name):
            guard headers.append(lowercased: name.bytes, to: &value) else { return false }
        case .eventType:
            guard !eventType.isEmpty else { return false }
            value.append(contentsOf: eventType)
        case .action:
            guard !action.isEmpty else { return false }
            value.append(contentsOf: action)
        case .variable(let number):
            guard !variables[number].isEmpty else { return false }
            value.append(contentsOf: variables[number])
        case .template(let pieces):
            for piece in pieces {
                let start = value.count
                let isFound = piece.terms.contains { append($0) && value.count > start }
                guard isFound || piece.isOptional else { return false }
            }
        }
        return true
    }

    private mutating func apply(_ transform: Transform) -> Bool {
        switch transform {
        case .lowercase:
            value.foldCase()
        case .stripPrefix(let prefix):
            if value.withUnsafeBytes({ prefix.begins($0) }) { value.removeFirst(prefix.count) }
        case .stripSuffix(let suffix):
            if value.count >= suffix.count, value[(value.count - suffix.count)...].elementsEqual(suffix) {
                value.removeLast(suffix.count)
            }
        case .capture(let pattern):
            let found = pattern._withUnsafeGuaranteedRef { pattern in value.withUnsafeBytes { pattern.capture(in: $0) }
            }
            guard let range = found else { return false }
            value.removeSubrange(range.upperBound...)
            value.removeSubrange(..<range.lowerBound)
        case .map(let map):
            if let mapped = map[value] {
                value.removeAll(keepingCapacity: true)
                value.append(mapped)
                return true
            }
            guard let fallback = map.fallback else { return false }
            value.removeAll(keepingCapacity: true)
            return append(fallback)
        case .digest: return HexValue.makeDigest(&value)
        case .until(let stop):
            if let end = value.firstIndex(where: { stop.contains($0) }) { value.removeSubrange(end...) }
        case .afterLast(let stop):
            if let end = value.lastIndex(where: { stop.contains($0) }) { value.removeSubrange(...end) }
        case .httpOutcome:
            guard let outcome = Vocabulary.outcome(ofHTTPStatus: value) else { return false }
            value.removeAll(keepingCapacity: true)
            value.append(contentsOf: outcome.utf8)
        case .commit: return value.withUnsafeBytes { HexValue.isCommit($0) }
        }
        return true
    }

    mutating func holds(_ condition: Condition) -> Bool {
        switch condition {
        case .has(.slot(let number)): return slot(number) != nil
        case .has(let term): return withText(of: term) { !$0.isEmpty } ?? false
        case .equals(let term, let values):
            return withText(of: term) { text in
                values.contains { $0.bytes.hasSameBytes(as: text) }
            } ?? false
        case .beginsWith(let term, let prefixes):
            return withText(of: term) { text in prefixes.contains { $0.begins(text) } } ?? false
        case .matches(let term, let pattern):
            return withText(of: term) { text in pattern._withUnsafeGuaranteedRef { $0.matches(text) } } ?? false
        case .not(let inner): return !inner.allSatisfy { holds($0) }
        case .all(let conditions): return conditions.allSatisfy { holds($0) }
        case .any(let conditions): return conditions.contains { holds($0) }
        }
    }

    private mutating func withText<Result>(
        of term: Term, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result? {
        switch term {
        case .slot(let number):
            guard let found = slot(number) else { return nil }
            if let string = found.string { return body(string) }
        case .eventType: return eventType.isEmpty ? nil : eventType.withUnsafeBytes(body)
        case .variable(let number):
            return variables[number].isEmpty ? nil : variables[number].withUnsafeBytes(body)
        default: break
        }
        // Conditions are judged while a value may be half made.
        swap(&value, &scratch)
        defer { swap(&value, &scratch) }
        value.removeAll(keepingCapacity: true)
        guard append(term) else { return nil }
        return value.withUnsafeBytes(body)
    }

    // MARK: Setting fields

    mutating func execute(_ operation: Operation, element: Int, _ record: inout EventRecord) {
        if headers.sealedEventType != nil, let rest = operation.withoutHeaders {
            return execute(rest, element: element, &record)
        }
        switch operation.target {
        case .field(let field):
            switch field {
            case .time: setTime(operation.alternatives, &record)
            case .clientIP, .clientChain: setAddress(field, operation.alternatives, element, &record)
            default: setText(field, operation, element, &record)
            }
        case .ext(let key):
            guard evaluate(operation.alternatives) else { return }
            value.insert(contentsOf: key, at: 0)
            _ = value.withUnsafeBytes { record.append(.ext, $0) }
        case .variable(let number):
            guard evaluate(operation.alternatives) else { return }
            swap(&variables[number], &value)
        case .warning:
            guard evaluate(operation.alternatives) else { return }
            _ = value.withUnsafeBytes { record.append(.normWarnings, $0) }
        case .image:
            guard evaluate(operation.alternatives) else { return }
            value.withUnsafeBytes { Self.setImage($0, element, &record) }
        }
    }

    private mutating func setText(
        _ field: Field, _ operation: Operation, _ element: Int, _ record: inout EventRecord
    ) {
        for alternative in operation.alternatives {
            if operation.takesAnyText, !alternative.plainSlots.isEmpty {
                if let condition = alternative.condition, !holds(condition) { continue }
                if setString(field, alternative.plainSlots, element, &record) { return }
            }
            guard evaluate(alternative) else { continue }
            if field == .action {
                action.removeAll(keepingCapacity: true)
                action.append(contentsOf: value)
            }
            if operation.takesAnyText || accept(field, &record) {
                value.withUnsafeBytes { record.set(field, element: element, $0) }
                return
            }
        }
    }

    /// The common case without a copy: the first slot that has a value holds a string.
    private mutating func setString(
        _ field: Field, _ candidates: Kept<Int>, _ element: Int, _ record: inout EventRecord
    ) -> Bool {
        let found = isInElement ? elementSlots.first(of: candidates) : slots.first(of: candidates)
        guard let string = found?.string, !string.isEmpty else { return false }
        record.set(field, element: element, string)
        if field == .action {
            action.removeAll(keepingCapacity: true)
            action.append(contentsOf: string)
        }
        return true
    }

    /// Brings `value` into the form that the field demands; false when it has none.
    private mutating func accept(_ field: Field, _ record: inout EventRecord) -> Bool {
        switch field {
        case .artifactDigest:
            guard HexValue.makeDigest(&value) else {
                record.warn("artifact.digest: not a digest")
                return false
            }
        case .vcsCommit, .vcsBefore:
            guard value.withUnsafeBytes({ HexValue.isCommit($0) }) else { return false }
            value.foldCase()
        case .outcome:
            // A number that is no HTTP status means something to its source alone.
            if value.allSatisfy({ $0 &- UInt8(ascii: "0") < 10 }) { return false }
            return translate(with: Vocabulary.outcomeWords, otherwise: "unknown")
        case .activity: return translate(with: Vocabulary.activityWords, otherwise: "other")
        case .actorType: return translate(with: Vocabulary.actorTypeWords, otherwise: "unknown")
        default:
            guard field.type == .integer else { return true }
            // A fraction of a millisecond or a byte says nothing.
            if let point = value.firstIndex(of: UInt8(ascii: ".")) { value.removeSubrange(point...) }
            guard !value.isEmpty, value.allSatisfy({ $0 &- UInt8(ascii: "0") < 10 }) else {
                record.warn("\(field.path): not a number")
                return false
            }
        }
        return true
    }

    private mutating func translate(with words: WordTable, otherwise: String) -> Bool {
        guard let member = value.withUnsafeBytes({ words[$0] }) else {
            // Members of the vocabulary that connector files name are no words of sources.
            let isMember =
                Vocabulary.outcomes.contains(String(decoding: value, as: UTF8.self))
                || Vocabulary.activities.contains(String(decoding: value, as: UTF8.self))
                || Vocabulary.actorTypes.contains(String(decoding: value, as: UTF8.self))
            if !isMember { value = Array(otherwise.utf8) }
            return true
        }
        value.removeAll(keepingCapacity: true)
        value.append(contentsOf: member)
        return true
    }

    private mutating func setTime(_ alternatives: Kept<Alternative>, _ record: inout EventRecord) {
        var isUnreadable = false
        for alternative in alternatives {
            if let condition = alternative.condition, !holds(condition) { continue }
            for term in alternative.terms {
                let time: Timestamp?
                if case .slot(let number) = term, alternative.transforms.isEmpty {
                    guard let found = slot(number) else { continue }
                    time = EventTime.read(found, alternative.timeUnit)
                } else {
                    value.removeAll(keepingCapacity: true)
                    guard append(term), alternative.transforms.allSatisfy({ apply($0) }) else {
                        continue
                    }
                    time = value.withUnsafeBytes { EventTime.read($0, alternative.timeUnit) }
                }
                guard let time else {
                    isUnreadable = true
                    continue
                }
                record.set(.time, time: time)
                record.set(.timeBasis, alternative.isHeaderTime ? "header" as StaticString : "payload")
                return
            }
        }
        if isUnreadable { record.warn("time: not readable") }
    }
}
