import EventModel

/// Finds secrets in bytes, in one pass; what they are part of (JSON, a log line, a form) is looked at around each find.
///
/// The scan looks at four bytes at a time, and at nothing else until they are the beginning, or a rare part, of something
/// that may be a secret; a filter steps over nearly all places where they are not.
struct SecretScanner {
    struct Finding: Equatable {
        let range: Range<Int>
        let kind: SecretKind
    }

    let text: UnsafeRawBufferPointer
    private(set) var findings: [Finding] = []
    /// There are escapes that could hide a secret: look again at an ``UnescapedText``.
    private(set) var hasEscapes = false
    /// There is a string `Secret`, `SecretList` or `secrets`: look for Kubernetes' Secrets.
    private(set) var namesKubernetesSecret = false
    /// Where the name ends that was judged last; a name with two stems is judged once.
    private var judgedUpTo = 0
    /// Where a container under a password's name ends: all its strings are found already. With it, and with the end of the
    /// last value without quotes, no byte is looked at again for each name around it, however a sender nests them.
    private var coveredUpTo = 0
    private var bareValueEnd = 0

    init(_ text: UnsafeRawBufferPointer) { self.text = text }

    static let triggers = TriggerTable()

    /// - Parameter filter: Where to look; one that is full looks everywhere.
    mutating func scan(through filter: TrigramFilter = Self.triggers.filter) {
        let table = Self.triggers
        filter.withSearch(of: text) { search in
            table.flags.withUnsafeBufferPointer { flags in
                let end = text.count - 4
                var position = search.next(from: 0)
                while position <= end {
                    let word = UInt32(littleEndian: text.loadUnaligned(fromByteOffset: position, as: UInt32.self))
                    let slot = TriggerTable.slot(of: word)
                    if flags[slot] == 0 {
                        position += 1
                    } else {
                        position = look(at: position, for: .init(rawValue: flags[slot]), slot: slot, in: table)
                    }
                    position = search.next(from: position)
                }
            }
        }
    }

    /// Looks closely at a position and returns where to go on.
    private mutating func look(
        at position: Int, for triggers: TriggerTable.Triggers, slot: Int, in table: TriggerTable
    ) -> Int {
        if triggers.contains(.name), position >= judgedUpTo { lookAtName(position) }
        if triggers.contains(.escape), isEscape(position) { hasEscapes = true }
        if triggers.contains(.provider), let patterns = table.patterns[slot] {
            for number in patterns {
                let pattern = ProviderPattern.all[number]
                if let range = pattern.match(text, anchorAt: position) { return add(range, pattern.kind) }
            }
        }
        if triggers.contains(.jwt), let range = JSONWebToken.match(text, at: position) { return add(range, .jwt) }
        if triggers.contains(.privateKey), let range = privateKey(at: position) { return add(range, .privateKey) }
        if triggers.contains(.shaped), let finding = ShapedToken.match(text, at: position) {
            return add(finding.range, finding.kind)
        }
        if triggers.contains(.scheme), let range = schemeCredential(at: position) { return add(range, .authorization) }
        if triggers.contains(.url), let range = urlPassword(at: position) { _ = add(range, .urlPassword) }
        return position + 1
    }

    mutating func add(_ range: Range<Int>, _ kind: SecretKind) -> Int {
        if !range.isEmpty, !HarmlessValue.isMark(text.slice(range)) {
            findings.append(Finding(range: range, kind: kind))
        }
        return range.upperBound
    }

    /// `\u002d` or, in a URL, `:\/\/`.
    private func isEscape(_ position: Int) -> Bool {
        if text[position] == UInt8(ascii: ":") { return text[position + 2] == UInt8(ascii: "/") }
        return text[position + 1] == UInt8(ascii: "u") && position + 4 < text.count
            && (UInt8(ascii: "2")...UInt8(ascii: "7")).contains(text[position + 4])
    }

    // MARK: Shapes with a context

    /// `-----BEGIN … PRIVATE KEY-----` up to its end; to the end of the string when that is cut off.
    private func privateKey(at position: Int) -> Range<Int>? {
        let dashes: StaticString = "-----"
        let start = position - 5
        guard start >= 0, text.slice(start..<position).hasSameBytes(as: dashes) else { return nil }
        var cursor = position + 5
        while cursor < text.count, cursor < position + 60, text[cursor] != UInt8(ascii: "-"),
            text[cursor] != UInt8(ascii: "\"")
        {
            cursor += 1
        }
        guard let label = range(of: "PRIVATE KEY", in: position..<cursor) else { return nil }
        var end = label.upperBound
        while end < text.count, text[end] != UInt8(ascii: "\"") { end += 1 }
        if let last = range(of: "-----END", in: label.upperBound..<end) {
            var tail = last.upperBound
            while tail < end, text[tail] != UInt8(ascii: "-") { tail += 1 }
            while tail < end, text[tail] == UInt8(ascii: "-") { tail += 1 }
            return start..<tail
        }
        // The quote may be an escaped one: its backslashes are not part of the key.
        while end > label.upperBound, end < text.count, text[end - 1] == UInt8(ascii: "\\") { end -= 1 }
        return start..<end
    }

    private func range(of needle: StaticString, in range: Range<Int>) -> Range<Int>? {
        let length = needle.utf8CodeUnitCount
        guard range.count >= length else { return nil }
        for start in range.lowerBound...(range.upperBound - length)
        where text[start] == needle.utf8Start[0] && text.slice(start..<start + length).hasSameBytes(as: needle) {
            return start..<start + length
        }
        return nil
    }

    /// The credential after `Bearer ` or `Basic `, when it looks like one and not like prose.
    private func schemeCredential(at position: Int) -> Range<Int>? {
        guard position == 0 || !CharacterClass.isWord(text[position - 1]) else { return nil }
        var start = position
        while start < text.count, CharacterClass.isAlphanumeric(text[start]) { start += 1 }
        let isBasic = start - position == 5
        guard isBasic || start - position == 6, start < text.count, text[start] == UInt8(ascii: " ") else { return nil }
        let scheme = text.slice(position..<start)
        guard isBasic ? CaseFolding.matches(scheme, "basic") : CaseFolding.matches(scheme, "bearer") else { return nil }
        start += 1
        var end = start
        var hasDigit = false
        while end < text.count, !CharacterClass.endsValue(text[end]) {
            hasDigit = hasDigit || CharacterClass.isDigit(text[end])
            end += 1
        }
        let length = end - start
        if isBasic { return BasicCredential.isOne(text.slice(start..<end)) ? start..<end : nil }
        return length >= 16 && hasDigit || length >= 32 ? start..<end : nil
    }

    /// The password of `scheme://user:password@host`.
    private func urlPassword(at position: Int) -> Range<Int>? {
        let start = position + 3
        guard text.slice(position..<start).hasSameBytes(as: "://") else { return nil }
        var colon: Int?
        var end = start
        let limit = min(text.count, start + 1_024)
        while end < limit {
            let byte = text[end]
            if byte == UInt8(ascii: "@") {
                guard let colon, colon + 1 < end else { return nil }
                return colon + 1..<end
            }
            if byte == UInt8(ascii: ":") { colon = colon ?? end }
            // Braces and angle brackets: a template, as `https://{user}:{password}@host`.
            if byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#") || byte <= 0x20
                || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "<")
                || byte == UInt8(ascii: "{")
            {
                return nil
            }
            end += 1
        }
        return nil
    }

    // MARK: Names

    /// Finds the name around a position, what it is followed by, and the value.
    private mutating func lookAtName(_ position: Int) {
        var end = position
        while end < text.count, CharacterClass.isName(text[end]) { end += 1 }
        judgedUpTo = max(end, position + 1)
        var start = position
        while start > 0, CharacterClass.isName(text[start - 1]), position - start < TellingName.maximumLength {
            start -= 1
        }
        guard start < end else { return }
        if !namesKubernetesSecret, end - start >= 6, end - start <= 10,
            KubernetesSecrets.isMentioned(text.slice(start..<end))
        {
            namesKubernetesSecret = true
        }
        guard let value = NamedValue(text, after: start..<end, bareValueEnd: &bareValueEnd),
            let verdict = TellingName.judge(text.slice(start..<end))
        else { return }
        switch value.form {
        case .plain(let range, let isQuoted): judge(range, isQuoted: isQuoted, under: verdict, name: start..<end)
        case .container(let at):
            // Objects under weaker names (`auth`, `token`, `credential`) describe more than the secret; their own names tell.
            let isArray = text[at] == UInt8(ascii: "[")
            guard verdict != .authorization || isArray, isArray || verdict == .password, at >= coveredUpTo else {
                return
            }
            let strings = JSONStrings(in: text, containerAt: at, nested: verdict == .password)
            if verdict == .password { coveredUpTo = strings.end }
            for range in strings.values {
                judge(range, isQuoted: true, under: verdict, name: start..<end)
            }
        }
    }

    private mutating func judge(
        _ range: Range<Int>, isQuoted: Bool, under verdict: TellingName.Verdict, name: Range<Int>
    ) {
        var range = range
        if verdict == .authorization {
            // `Bearer x`: the scheme tells nothing and helps to understand.
            if let space = text.slice(range).firstIndex(of: UInt8(ascii: " ")), space <= 12 {
                range = range.lowerBound + space + 1..<range.upperBound
            } else if range.count < 16 || text[name.lowerBound] | 0x20 == UInt8(ascii: "c") && !isQuoted {
                return
            }
        }
        guard !HarmlessValue.isOne(text.slice(range), isQuoted: isQuoted, verdict: verdict) else { return }
        let kind: SecretKind =
            switch verdict {
            case .password: .password
            case .secret: .named
            case .authorization: .authorization
            }
        _ = add(range, kind)
    }
}
