import EventModel
import Foundation

/// A notification as a mail (RFC 5322, RFC 2045 to 2047): plain text, base64, so that no line is too long and no byte is
/// changed on the way.
struct MailMessage {
    private let body: MessageBody

    init(_ body: MessageBody) { self.body = body }

    var bytes: Data {
        guard case .mail(let target) = body.destination.target else { return Data() }
        let domain = target.sender.split(separator: "@").last.map(String.init) ?? "localhost"
        // Mails about the same thing make one thread: all name the same root.
        let thread = "<\(body.content.key)@\(domain)>"
        let headers = [
            ("From", "Custody <\(target.sender)>"), ("To", target.recipients.joined(separator: ",\r\n ")),
            ("Subject", Self.encoded(body.title)), ("Date", Self.date(body.content.time.seconds)),
            ("Message-ID", "<\(body.message)@\(domain)>"), ("In-Reply-To", thread), ("References", thread),
            ("Auto-Submitted", "auto-generated"), ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"), ("Content-Transfer-Encoding", "base64"),
        ]
        var text = headers.map { "\($0): \($1)\r\n" }.joined() + "\r\n"
        let encoded = Data(body.text().utf8).base64EncodedString(options: [
            .lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed,
        ])
        text += encoded + "\r\n"
        return Data(text.utf8)
    }

    /// RFC 2047 encoded words of at most 75 characters, none of which halves a character.
    private static func encoded(_ text: String) -> String {
        if text.utf8.count <= 68, text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
        var words: [String] = []
        var part = ""
        for scalar in text.unicodeScalars {
            if part.utf8.count + String(scalar).utf8.count > 42 {
                words.append(part)
                part = ""
            }
            part.unicodeScalars.append(scalar)
        }
        words.append(part)
        return words.map { "=?utf-8?B?\(Data($0.utf8).base64EncodedString())?=" }.joined(separator: "\r\n ")
    }

    /// RFC 5322, section 3.3, in UTC.
    static func date(_ seconds: Int64) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss '+0000'"
        return formatter.string(from: Date(timeIntervalSince1970: Double(seconds)))
    }
}
