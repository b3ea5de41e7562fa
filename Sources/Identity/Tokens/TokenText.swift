/// The text of a token: `custody_<id>_<secret>`. The prefix lets secret scanners find leaked ones.
enum TokenText {
    static let prefix = "custody_"
    private static let idLength = 10

    static func make(random: RandomBytes) -> (id: String, text: String) {
        let id = SecretAlphabet.text(length: idLength, random: random)
        return (id, prefix + id + "_" + SecretAlphabet.text(length: SecretAlphabet.secretLength, random: random))
    }

    /// The id inside a presented token; nil when it has not this form.
    static func id(in text: UnsafeRawBufferPointer) -> String? {
        let start = prefix.utf8.count
        let end = start + idLength
        guard text.count == end + 1 + SecretAlphabet.secretLength, text[end] == UInt8(ascii: "_"),
            text.starts(with: prefix.utf8)
        else { return nil }
        // Ten characters fit a string without memory of its own.
        return String(decoding: text[start..<end], as: UTF8.self)
    }
}
