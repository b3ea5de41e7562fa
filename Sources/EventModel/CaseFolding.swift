/// Comparing and searching text without regard to case, on UTF-8 bytes.
///
/// ASCII folds by table. Other scalars fold to their lower-case form where that is one scalar (simple folding); nothing is
/// normalised, so that composed and decomposed forms stay different and a match never spans grapheme surprises.
package enum CaseFolding {
    /// The byte in lower case when it is an ASCII capital.
    @inlinable
    @inline(__always)
    package static func fold(_ byte: UInt8) -> UInt8 {
        byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
    }

    /// Appends the folded form of text to `output`.
    package static func appendFolded(_ text: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        output.reserveCapacity(output.count + text.count)
        guard text.contains(where: { $0 >= 0x80 }) else {
            for byte in text { output.append(fold(byte)) }
            return
        }
        for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
            output.append(contentsOf: UTF8.encode(fold(scalar)) ?? UTF8.encodedReplacementCharacter)
        }
    }

    package static func folded(_ text: String) -> [UInt8] {
        var text = text
        var output: [UInt8] = []
        text.withUTF8 { appendFolded(UnsafeRawBufferPointer($0), to: &output) }
        return output
    }

    package static func fold(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        let mapping = scalar.properties.lowercaseMapping.unicodeScalars
        guard let first = mapping.first, mapping.count == 1 else { return scalar }
        return first
    }

    /// Whether two texts are equal when folded. ASCII without allocation.
    package static func areEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        var isASCII = true
        if left.count == right.count {
            for position in 0..<left.count {
                let (one, other) = (left[position], right[position])
                if one | other >= 0x80 {
                    isASCII = false
                    break
                }
                if fold(one) != fold(other) { return false }
            }
            if isASCII { return true }
        } else if !left.contains(where: { $0 >= 0x80 }), !right.contains(where: { $0 >= 0x80 }) {
            return false
        }
        var foldedLeft: [UInt8] = []
        var foldedRight: [UInt8] = []
        appendFolded(left, to: &foldedLeft)
        appendFolded(right, to: &foldedRight)
        return foldedLeft == foldedRight
    }
}
