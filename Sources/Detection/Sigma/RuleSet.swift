/// Rules that are evaluated together, and what was refused while loading them. A value: reloading makes another.
package struct RuleSet: Sendable {
    /// Rules that can match, in the order of their files.
    package private(set) var rules: [SigmaRule] = []
    /// Every document that was refused, with file, line and reason. Nothing is left out silently.
    package var errors: [DetectionError] { loadErrors + unresolved.map(\.reason) }
    private var loadErrors: [DetectionError] = []
    /// Rules that refer to rules which are not there (yet): files may come in any order.
    private var unresolved: [RuleReferenceCheck.Refusal] = []
    /// Things that are allowed and probably not meant.
    package private(set) var warnings: [DetectionError] = []

    package init() {}

    /// Rules that no source of ours feeds. They are loaded and listed, and never match.
    package var dormant: [SigmaRule] { rules.filter(\.route.isDormant) }

    /// Reads the documents of one file and adds what is in them.
    ///
    /// - Parameters:
    ///   - file: The name by which errors call it.
    ///   - variables: Values of placeholders (`%name%` with the modifier `expand`).
    package mutating func add(
        _ text: String, file: String, variables: [String: [String]] = [:], limits: RuleLimits = RuleLimits()
    ) {
        var loading = RuleLoading()
        loading.read(text, file: file, variables: variables, limits: limits)
        add(loading)
    }

    /// Adds one rule that was loaded before.
    mutating func append(_ rule: SigmaRule) { rules.append(rule) }

    /// Looks again which references lead somewhere.
    private mutating func resolve() {
        guard rules.contains(where: { $0.definition != nil }) || !unresolved.isEmpty else { return }
        let check = RuleReferenceCheck(rules + unresolved.map(\.rule))
        rules = check.accepted
        unresolved = check.refused
    }

    mutating func add(_ loading: RuleLoading) {
        loadErrors.append(contentsOf: loading.errors)
        var files: [String: String] = [:]
        for rule in rules + unresolved.map(\.rule) { if let id = rule.id { files[id] = rule.file } }
        for rule in loading.rules {
            if let id = rule.id {
                if let earlier = files[id] {
                    loadErrors.append(
                        DetectionError(
                            .duplicateRule, "the id \(id) belongs to a rule of \(earlier) already", file: rule.file,
                            line: rule.line))
                    continue
                }
                files[id] = rule.file
            }
            var rule = rule
            for filter in loading.filters where filter.applies(to: rule) {
                rule.expression = .all(of: [rule.expression, filter.expression])
            }
            rules.append(rule)
        }
        resolve()
        for filter in loading.filters where !filter.hasNegation {
            warnings.append(
                DetectionError(
                    .invalidRule, "the filter `\(filter.title)` has no `not`: the rules match only what it describes",
                    file: filter.file, line: filter.line))
        }
    }

    /// The rules that the closure accepts, as a set of their own, without errors and warnings.
    package func filter(_ isIncluded: (SigmaRule) throws -> Bool) rethrows -> RuleSet {
        var result = RuleSet()
        result.rules = try rules.filter(isIncluded)
        return result
    }

    /// The set with canonical fields out of the sight of the rules that the closure accepts.
    package func showingPayloadOnly(to isForeign: (SigmaRule) -> Bool) -> RuleSet {
        var result = self
        for number in result.rules.indices { result.rules[number].seesPayloadOnly = isForeign(result.rules[number]) }
        return result
    }

    /// The set with those rules dormant that look only at kinds of sources which are not among these.
    package func knowing(kinds: some Sequence<String>) -> RuleSet {
        let kinds = Array(kinds)
        var result = self
        // Rules that live on others' matches get their route from them.
        for number in result.rules.indices where !kinds.contains(where: result.rules[number].route.includes) {
            result.rules[number].route = .kinds([])
        }
        result.resolve()
        return result
    }

    /// The set with another's rules added behind its own; ids that both have are errors of the result.
    package func adding(_ other: RuleSet) -> RuleSet {
        var result = self
        var loading = RuleLoading()
        loading.rules = other.rules + other.unresolved.map(\.rule)
        loading.errors = other.loadErrors
        result.add(loading)
        result.warnings.append(contentsOf: other.warnings)
        return result
    }
}

/// The documents of some files, before filters meet rules.
struct RuleLoading {
    var rules: [SigmaRule] = []
    var filters: [RuleFilter] = []
    var errors: [DetectionError] = []

    mutating func read(_ text: String, file: String, variables: [String: [String]], limits: RuleLimits) {
        guard text.utf8.count <= limits.fileBytes else {
            errors.append(
                DetectionError(
                    .unreadable, "a file of \(text.utf8.count) bytes is over the limit of \(limits.fileBytes)",
                    file: file))
            return
        }
        let reader = RuleReader(file: file, variables: variables, limits: limits)
        let documents = RuleDocument.split(text)
        if documents.isEmpty {
            errors.append(DetectionError(.malformedDocument, "the file holds no rule", file: file, line: 1))
        }
        for document in documents {
            do {
                switch try reader.read(document) {
                case .rule(let rule): rules.append(rule)
                case .filter(let filter): filters.append(filter)
                }
            } catch let error as DetectionError {
                errors.append(error)
            } catch {
                errors.append(
                    DetectionError(.malformedDocument, "cannot be read", file: file, line: document.firstLine))
            }
        }
    }
}
