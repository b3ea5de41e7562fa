import EventModel
import TestSupport

/// Sealed records whose payloads are all that an index has to cope with: documents of several sources that repeat, unicode,
/// escapes, text that is no JSON, and what goes beyond each limit. The same for the same seed.
struct VariedRecords {
    private var samples: SealedSamples
    private var random: SealedSamples
    private var count = 0
    private let received = Timestamp(seconds: 1_795_000_000)

    init(seed: UInt64) {
        samples = SealedSamples(seed: seed)
        random = SealedSamples(seed: seed ^ 0xABCD)
    }

    /// The next record's sealed form.
    mutating func next() -> [UInt8] {
        count += 1
        if number(9) == 0 { return samples.next() }
        let payload = payload()
        var record = EventRecord()
        record.set(.received, time: received.advanced(byNanoseconds: Int64(count) * 1_000))
        record.set(.id, "0192f4a5-58cc-7abc-8def-\(hex(12))")
        record.set(.action, ["pods.create", "git.push", "ARTIFACT.pull", "größe.ändern"][number(4)])
        record.set(.actorName, "dev-\(number(30))")
        record.set(.payloadSHA256, hex(64))
        for element in 0..<number(3) { record.set(.artifactDigest, element: element, "sha256:\(hex(64))") }
        if number(4) == 0 { record.addExtension("team", "blue-\(number(3))") }
        var output: [UInt8] = []
        payload.withUnsafeBytes { _ = SealedForm.append(&record, payload: $0, to: &output) }
        return output
    }

    private mutating func payload() -> [UInt8] {
        switch number(40) {
        case 0..<14: Array(cluster().utf8)
        case 14..<22: Array(push().utf8)
        case 22..<26: Array(nested().utf8)
        case 26..<28: Array(escapes().utf8)
        case 28..<30: Array(scalars().utf8)
        case 30: Array("<34>Oct 11 22:14:15 host su: 'root' failed for \"dev-\(number(30))\" on \(number(9))".utf8)
        case 31: (0..<number(60)).map { _ in UInt8(number(256)) }
        case 32: Array(edges().utf8)
        case 33: Array(wide().utf8)
        case 34: Array("{\"many\":[\((0..<900).map { _ in "\"v\(number(200_000))\"" }.joined(separator: ","))]}".utf8)
        case 35: Array("{\"long\":\"\(repeated("x", 240, 30))\",\"same\":1}".utf8)
        case 36: Array("{\"\(repeated("q", 126, 5))\":\"\(repeated("ab1", 41, 4))\"}".utf8)
        case 37: Array(#"{"k\#(number(50))":{"x":[],"y":[null],"z":[[\#(number(3))],[{"w":null}]],"":1}}"#.utf8)
        case 38: Array("{\"a\":1,\"a\":\(1 + number(2))}".utf8)
        default: Array("[{\"n\":\"\(number(5))\"},{\"n\":\(number(5))},{\"n\":\(number(5))}]".utf8)
        }
    }

    private mutating func cluster() -> String {
        let verb = ["get", "list", "Watch", "create"][number(4)]
        return #"{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"\#(hex(8))-\#(hex(4))-\#(hex(12))","#
            + #""stage":"ResponseComplete","verb":"\#(verb)","user":{"username":"system:serviceaccount:"#
            + #"team-\#(number(12)):dev-\#(number(30))","groups":["system:authenticated","team-\#(number(12))","#
            + #""team-\#(number(3))"]},"sourceIPs":["10.\#(number(4)).\#(number(200)).7"],"userAgent":"#
            + #""kubelet/v1.30.2 (linux/amd64) kubernetes/3968350","responseStatus":{"metadata":{},"#
            + #""code":\#(200 + number(3))},"annotations":{"authorization.k8s.io/reason":"#
            + #""RBAC: allowed by RoleBinding \"leases-\#(number(9))/ml\" of Role \"x\""}}"#
    }

    private mutating func push() -> String {
        let commits = (0..<number(4)).map { _ in
            #"{"id":"\#(hex(40))","message":"fix #\#(number(900)): \#(words())","added":[],"author":"#
                + #"{"name":"dev-\#(number(30))"}}"#
        }
        return #"{ "action" : "push", "ref":"refs/heads/main","before":"\#(hex(40))","repository":{"#
            + #""id":\#(number(40)),"full_name":"acme-corp/service-\#(number(40))","url":"https://api.example/repos/"#
            + #"acme-corp/service-\#(number(40))/contents/{+path}/a/template/that/is/longer/than/a/piece/of/text/"#
            + #"which/is/remembered/because/it/comes/again","private":\#(number(2) == 0)},"#
            + #""commits":[\#(commits.joined(separator: ","))],"forced":null}"#
    }

    /// A document inside of a string, as collectors send it.
    private mutating func nested() -> String {
        let inner = cluster().replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return #"{"source":"kubernetes","time":"2026-06-01T00:0\#(number(9)):10.5\#(number(99))Z","raw":"\#(inner)"}"#
    }

    private mutating func escapes() -> String {
        let parts = [
            #"caf\u00e9"#, #"back\\u0041slash"#, #"quote\"u0041"#, #"line\nbreak"#, #"tab\tu"#, "Größe ÄÖÜ", "ẞß",
            "İstanbul", "東京 \u{1F510}", #"slash\/path"#, #"\\\\"#, #"\\\"end"#, #"\ud83d\ude00"#,
        ]
        let texts = (0..<4).map { _ in parts[number(parts.count)] }
        return #"{"\#(texts[0])":"\#(texts[1])","text":"\#(texts[2]) and \#(texts[3])","same":"\#(parts[number(2)])"}"#
    }

    private mutating func scalars() -> String {
        let numbers = [
            "0", "-1", "7", "9223372036854775807", "-9223372036854775808", "18446744073709551615", "1.5", "1e3",
            "-2.50E-7", "100000000000000000000", "true", "false", "null",
        ]
        let (one, other) = (numbers[number(numbers.count)], numbers[number(numbers.count)])
        return #"{"n":\#(one),"m":{"n":[\#(other),\#(number(9))]},"t":"\#(number(9))"}"#
    }

    /// Texts around the lengths at which pieces and words are treated otherwise.
    private mutating func edges() -> String {
        switch number(8) {
        case 0: ["", "\"", "\"\"\"\"\"\"\"\"\"", "a", "abcdefg", "abcdefg\"", "abcdef\"", "\\"][number(8)]
        case 1: "{\"\(repeated("p", 100, 20))\":\"\(repeated("v", 100, 20))\"}"
        case 2: "{\"open\":\"\(words())"
        case 3: "[\"\(words())\"]"
        case 4: "\"\(words())\""
        case 5: "{\"deep\":\(String(repeating: "[", count: 70))\(String(repeating: "]", count: 70))}"
        case 6: " \n{\"spaced\" :\t\"\(words())\" }\n"
        default: "{\"x\":\"\(String(repeating: "\\u0041", count: number(30)))\"}"
        }
    }

    private mutating func wide() -> String {
        let keys = (0..<300 + number(900)).map { "\"w\($0)\":\(number(10))" }
        return "{\(keys.joined(separator: ","))}"
    }

    private mutating func words() -> String {
        let words = ["bump", "Service", "to", "v1.2.3", "ünder", "0x1F", "cafe", "2026", "deadbeef7"]
        let separator = [" ", "-", "_", "/"][number(4)]
        return (0..<number(12)).map { _ in words[number(words.count)] }.joined(separator: separator)
    }

    /// A text so many times, or up to `more` times more.
    private mutating func repeated(_ text: String, _ times: Int, _ more: Int) -> String {
        String(repeating: text, count: times + number(more))
    }

    private mutating func hex(_ digits: Int) -> String {
        (0..<digits).map { _ in String(number(16), radix: 16) }.joined()
    }

    private mutating func number(_ bound: Int) -> Int { random.number(below: bound) }
}
