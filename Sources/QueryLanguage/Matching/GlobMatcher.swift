import EventModel

/// A pattern with wildcards made ready to match. Sendable, and made once per plan.
package struct GlobMatcher: Sendable {
    /// What stands between two `*`.
    struct Segment: Sendable {
        enum Part: Sendable {
            case literal([UInt8])
            case one
        }
        var parts: [Part] = []

        /// The end of this segment when it stands at an offset.
        func end(in text: UnsafeRawBufferPointer, at offset: Int) -> Int? {
            var position = offset
            for part in parts {
                switch part {
                case .literal(let bytes):
                    guard position + bytes.count <= text.count,
                        bytes.withUnsafeBytes({ text.slice(position..<position + bytes.count).hasSameBytes(as: $0) })
                    else { return nil }
                    position += bytes.count
                case .one:
                    guard position < text.count else { return nil }
                    position = GlobMatcher.scalarEnd(in: text, at: position)
                }
            }
            return position
        }

        /// The first place at or after an offset where this segment stands.
        func first(in text: UnsafeRawBufferPointer, from offset: Int) -> Range<Int>? {
            guard case .literal(let bytes)? = parts.first else {
                return candidates(in: text, from: offset) { GlobMatcher.nextScalar(in: text, after: $0) }
            }
            if parts.count == 1 {
                return FoldedText.firstIndex(of: bytes, in: text, from: offset).map { $0..<$0 + bytes.count }
            }
            guard let start = FoldedText.firstIndex(of: bytes, in: text, from: offset) else { return nil }
            return candidates(in: text, from: start) {
                FoldedText.firstIndex(of: bytes, in: text, from: $0 + 1) ?? text.count + 1
            }
        }

        private func candidates(
            in text: UnsafeRawBufferPointer, from offset: Int, next: (Int) -> Int
        ) -> Range<Int>? {
            var start = offset
            while start <= text.count {
                if let end = end(in: text, at: start) { return start..<end }
                start = next(start)
            }
            return nil
        }
    }

    let segments: [Segment]
    let startsWithRun: Bool
    let endsWithRun: Bool
    /// Whether case is ignored.
    package let ignoresCase: Bool
    /// What every match begins with: folded when case is ignored. For narrowing the search in an ordered index.
    package let prefix: [UInt8]

    package init(_ pattern: GlobPattern, ignoringCase: Bool = true) {
        func bytes(_ text: String) -> [UInt8] { ignoringCase ? CaseFolding.folded(text) : Array(text.utf8) }
        var segments = [Segment()]
        for piece in pattern.pieces {
            switch piece {
            case .literal(let text): segments[segments.count - 1].parts.append(.literal(bytes(text)))
            case .one: segments[segments.count - 1].parts.append(.one)
            case .run: segments.append(Segment())
            }
        }
        self.segments = segments
        startsWithRun = pattern.startsWithRun
        endsWithRun = pattern.endsWithRun
        ignoresCase = ignoringCase
        prefix = bytes(pattern.literalPrefix)
    }

    /// Whether the whole text matches.
    /// - Complexity: O(text) without `?`, else at most O(text × pattern).
    package func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        ignoresCase ? FoldedText.with(text, matchesPrepared) : matchesPrepared(text)
    }

    private func matchesPrepared(_ text: UnsafeRawBufferPointer) -> Bool {
        guard var position = segments[0].end(in: text, at: 0) else { return false }
        guard segments.count > 1 else { return position == text.count }
        for segment in segments[1..<segments.count - 1] {
            guard let found = segment.first(in: text, from: position) else { return false }
            position = found.upperBound
        }
        return stands(segments[segments.count - 1], atTheEndOf: text, from: position)
    }

    /// A segment has a fixed number of scalars, so only one place can reach the end exactly.
    private func stands(_ segment: Segment, atTheEndOf text: UnsafeRawBufferPointer, from lowest: Int) -> Bool {
        var start = text.count
        for part in segment.parts.reversed() {
            switch part {
            case .literal(let bytes): start -= bytes.count
            case .one:
                guard start > 0 else { return false }
                start = Self.scalarStart(in: text, before: start)
            }
            guard start >= lowest else { return false }
        }
        return segment.end(in: text, at: start) == text.count
    }

    // MARK: - Scalars

    private static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }

    /// The offset after the scalar at an offset; a stray byte counts as one scalar.
    static func scalarEnd(in text: UnsafeRawBufferPointer, at offset: Int) -> Int {
        var end = offset + 1
        while end < text.count, end < offset + 4, isContinuation(text[end]) { end += 1 }
        return end
    }

    private static func scalarStart(in text: UnsafeRawBufferPointer, before offset: Int) -> Int {
        var start = offset - 1
        while start > 0, start > offset - 4, isContinuation(text[start]) { start -= 1 }
        return start
    }

    private static func nextScalar(in text: UnsafeRawBufferPointer, after offset: Int) -> Int {
        offset < text.count ? scalarEnd(in: text, at: offset) : offset + 1
    }
}
