import EventModel

extension CaseFolding {
    /// Writes the folded form of ASCII to memory of the same length; false for any other text, of which nothing useful is
    /// written then.
    static func foldASCII(_ text: UnsafeRawBufferPointer, to output: UnsafeMutableRawBufferPointer) -> Bool {
        precondition(output.count == text.count, "the folded form of ASCII is as long")
        var joined: UInt8 = 0
        for position in 0..<text.count {
            joined |= text[position]
            output[position] = fold(text[position])
        }
        return joined < 0x80
    }
}
