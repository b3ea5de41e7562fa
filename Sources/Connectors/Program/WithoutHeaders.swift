/// Reading an event again that was sealed long ago: its payload is there, the headers of its delivery are not.
///
/// A header that a connector would ask before anything else may have said something. So nothing behind it counts: what the sealed
/// event says of such a field stands.
extension Array<Alternative> {
    /// What is asked before the first header; nil when no header is asked at all.
    func beforeHeaders(in memory: ProgramMemory) -> [Alternative]? {
        var kept: [Alternative] = []
        for alternative in self {
            guard alternative.condition?.readsHeader != true else { return kept }
            guard let header = alternative.terms.firstIndex(where: \.readsHeader) else {
                guard !alternative.transforms.contains(where: \.readsHeader) else { return kept }
                kept.append(alternative)
                continue
            }
            if header > 0 {
                kept.append(
                    Alternative(
                        condition: alternative.condition, terms: [Term](alternative.terms.prefix(header)),
                        transforms: [Transform](alternative.transforms), timeUnit: alternative.timeUnit,
                        isHeaderTime: alternative.isHeaderTime, in: memory))
            }
            return kept
        }
        return nil
    }
}

extension Term {
    var readsHeader: Bool {
        switch self {
        case .header: true
        case .template(let pieces): pieces.contains { $0.terms.contains(where: \.readsHeader) }
        case .slot, .constant, .eventType, .action, .variable: false
        }
    }
}

extension Transform {
    fileprivate var readsHeader: Bool {
        if case .map(let map) = self { map.fallback?.readsHeader ?? false } else { false }
    }
}

extension Condition {
    fileprivate var readsHeader: Bool {
        switch self {
        case .has(let term), .equals(let term, _), .beginsWith(let term, _), .matches(let term, _): term.readsHeader
        case .not(let conditions), .all(let conditions), .any(let conditions): conditions.contains(where: \.readsHeader)
        }
    }
}
