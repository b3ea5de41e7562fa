import Crypto

/// The text of a session in its cookie: `<id>_<secret>`.
enum SessionText {
    private static let idLength = 10

    static func make(random: RandomBytes) -> (id: String, text: String) {
        let id = SecretAlphabet.text(length: idLength, random: random)
        return (id, id + "_" + SecretAlphabet.text(length: SecretAlphabet.secretLength, random: random))
    }

    /// The id inside a presented text; nil when it has not this form.
    static func id(in text: String) -> String? {
        guard text.utf8.count == idLength + 1 + SecretAlphabet.secretLength else { return nil }
        let id = text.prefix(idLength)
        return text.dropFirst(idLength).first == "_" ? String(id) : nil
    }

    static func hash(_ text: String) -> [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }

    /// Compares in a time that does not depend on the bytes.
    static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

/// What a page's forms carry, so that no other site can send them: made of the session's secret, which it does not tell.
package enum FormToken {
    package static func text(ofSession presented: String) -> String {
        let digest = SHA256.hash(data: Array("custody/form/v1 \(presented)".utf8))
        return digest.map { byte in
            let hex = String(byte, radix: 16)
            return hex.count == 1 ? "0" + hex : hex
        }.joined()
    }

    package static func isRight(_ token: String, forSession presented: String) -> Bool {
        SessionText.areEqual(Array(token.utf8), Array(text(ofSession: presented).utf8))
    }
}
