import Testing

@testable import Connectors

@Suite struct LanguageErrorTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let text: String
        let line: Int
        let reason: String
    }

    static let cases: [Case] = [
        Case(testDescription: "no version", text: "name: x\n", line: 1, reason: "a name and a version"),
        Case(testDescription: "unknown key", text: "name: x\nversion: 1\nfeilds: {}\n", line: 3, reason: "feilds"),
        Case(testDescription: "reserved name", text: "version: 1\nname: custody\n", line: 2, reason: "reserved"),
        Case(
            testDescription: "unknown field", text: "name: x\nversion: 1\nfields:\n  actor.nam: a\n", line: 4,
            reason: "no field \"actor.nam\""),
        Case(
            testDescription: "field of intake", text: "name: x\nversion: 1\nfields:\n  payload.sha256: a\n", line: 4,
            reason: "not for connectors"),
        Case(
            testDescription: "list as a field", text: "name: x\nversion: 1\nfields:\n  artifact.digest: a\n", line: 4,
            reason: "is a list"),
        Case(
            testDescription: "value outside a vocabulary", text: "name: x\nversion: 1\nfields:\n  outcome: =good\n",
            line: 4,
            reason: "\"good\" is no value of outcome"),
        Case(
            testDescription: "map value outside a vocabulary",
            text: "name: x\nversion: 1\nfields:\n  category:\n    from: a\n    map: {b: things}\n", line: 5,
            reason: "\"things\""),
        Case(
            testDescription: "malformed path", text: "name: x\nversion: 1\nfields:\n  action: a..b\n", line: 4,
            reason: "not a path"),
        Case(
            testDescription: "bad regular expression",
            text: "name: x\nversion: 1\nfields:\n  action:\n    from: a\n    match: \"(\"\n", line: 6,
            reason: "not a regular expression"),
        Case(
            testDescription: "unknown let", text: "name: x\nversion: 1\nfields:\n  action: $let.verb\n", line: 4,
            reason: "no name \"verb\""),
        Case(
            testDescription: "unknown condition",
            text: "name: x\nversion: 1\nfields:\n  action:\n    when: {is: b}\n    from: a\n", line: 5,
            reason: "unknown condition"),
        Case(
            testDescription: "open template", text: "name: x\nversion: 1\nfields:\n  action: \"a.{b\"\n", line: 4,
            reason: "{ without }"),
        Case(
            testDescription: "signed time without a place",
            text:
                "name: x\nversion: 1\nauthenticate:\n  - hmac: {header: S, signed: \"{timestamp}.{body}\"}\n", line: 4,
            reason: "a signed time needs"),
        Case(
            testDescription: "unknown algorithm",
            text: "name: x\nversion: 1\nauthenticate:\n  - hmac: {header: S, algorithm: md5}\n", line: 4,
            reason: "one of sha1, sha256, sha384, sha512"),
        Case(testDescription: "no YAML", text: "name: x\nversion: [1\n", line: 3, reason: "not YAML"),
        Case(testDescription: "a key twice", text: "name: x\nname: y\nversion: 1\n", line: 1, reason: "twice"),
    ]

    @Test("A faulty connector file is refused with file, line and reason", arguments: cases)
    func isRefused(_ example: Case) {
        let error = #expect(throws: ConnectorError.self) { try ConnectorFile.compile(example.text, file: "x.yaml") }
        #expect(error?.code == .invalidConnector)
        #expect(error?.file == "x.yaml")
        #expect(error?.line == example.line)
        #expect(error?.reason.contains(example.reason) == true, "\(error?.reason ?? "no error")")
    }
}
