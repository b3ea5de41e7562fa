internal import EventModel

/// The reference of the connector language, made from what the parsers accept: `docs/connector-reference.md` is this page, and a
/// test fails when it is not.
package enum ConnectorReference {
    /// A mapping of the language.
    private struct Mapping {
        let title: String
        let keys: [String]
    }

    private static var mappings: [Mapping] {
        [
            Mapping(title: "A connector file", keys: ConnectorFile.keys),
            Mapping(title: "authenticate", keys: AuthenticationParser.schemeKeys + ["basic", "sns", "none"]),
            Mapping(title: "authenticate: hmac", keys: AuthenticationParser.hmacKeys),
            Mapping(title: "authenticate: hmac: time", keys: AuthenticationParser.timeKeys),
            Mapping(title: "authenticate: signature", keys: AuthenticationParser.signatureKeys),
            Mapping(title: "authenticate: jwt", keys: AuthenticationParser.webTokenKeys),
            Mapping(title: "authenticate: token", keys: AuthenticationParser.tokenKeys),
            Mapping(title: "authenticate: mtls", keys: AuthenticationParser.certificateKeys),
            Mapping(title: "answer", keys: AnswerParser.keys),
            Mapping(title: "batch", keys: ConnectorFile.batchKeys),
            Mapping(title: "lines", keys: LinesParser.keys),
            Mapping(title: "lines: forms", keys: LinesParser.formKeys),
            Mapping(title: "recognise", keys: RecognitionParser.keys),
            Mapping(title: "A value", keys: Scope.alternativeKeys),
            Mapping(title: "A condition", keys: Scope.conditionKeys),
            Mapping(
                title: "An entry of targets", keys: SectionParser.listKeys + SectionParser.targetMembers.keys.sorted()),
            Mapping(
                title: "An entry of artifacts",
                keys: SectionParser.listKeys + SectionParser.artifactMembers.keys.sorted() + ["image"]),
            Mapping(title: "An entry of chain or links", keys: SectionParser.listKeys + ["value"]),
        ]
    }

    /// Keys that the page says nothing about; the test wants none.
    static var undescribed: [String] {
        mappings.flatMap { mapping in
            mapping.keys.map { mapping.title + ": " + $0 }.filter { descriptions[$0] == nil }
        }
    }

    /// Descriptions of keys that no parser knows; the test wants none.
    static var stray: [String] {
        let known = Set(mappings.flatMap { mapping in mapping.keys.map { mapping.title + ": " + $0 } })
        return descriptions.keys.filter { !known.contains($0) }.sorted()
    }

    /// The page, in Markdown.
    package static var page: String {
        var page = """
            # Reference of connectors

            Made from the code by `ConnectorReference`; a test fails when it is not current. [connectors.md](connectors.md) explains
            the language, [sources.md](sources.md) how to connect each source.

            """
        for mapping in mappings {
            page += "\n## \(mapping.title)\n\n| key | |\n|---|---|\n"
            for key in mapping.keys {
                page += "| `\(key)` | \(descriptions[mapping.title + ": " + key] ?? "") |\n"
            }
        }
        page += fieldTable
        page += limitTable
        page += catalogueTable
        return page
    }

    private static var fieldTable: String {
        var table = "\n## Fields\n\nUnder `fields`. Constants and the values of maps are checked against the words.\n\n"
        table += "| field | type | words |\n|---|---|---|\n"
        for field in Field.allCases where !SectionParser.intakeFields.contains(field) && !field.isList {
            let words = Vocabulary.members(of: field).map { $0.sorted().joined(separator: ", ") } ?? ""
            table += "| `\(field.path)` | \(field.type) | \(words) |\n"
        }
        return table
    }

    private static var limitTable: String {
        """

        ## Limits

        | limit | |
        |---|---|
        | \(ConnectorDirectory.maximumFileBytes) bytes | of a file |
        | \(ConnectorDirectory.maximumFiles) | files of a directory |
        | \(LinesParser.maximumPatterns) | forms of lines |
        | \(SignatureScheme.maximumSignatures) | signatures in one header |
        | \(VerifyingKeys.maximumKeys) | keys of a key set |
        | \(JSONWebTokenScheme.maximumBytes) bytes | of a JSON Web Token |
        | \(JSONWebTokenScheme.leewaySeconds) seconds | between the clocks of a token's issuer and ours |
        | \(EventRecord.maximumElements) | entries of one list of an event |
        | 64 | elements of an array that paths reach |

        """
    }

    private static var catalogueTable: String {
        var table = "\n## Built-in connectors\n\n| name | version | title | reads |\n|---|---|---|---|\n"
        for connector in ConnectorCatalogue.builtIn.connectors.sorted(by: { $0.name < $1.name }) {
            let forms = connector.lines.isEmpty ? "JSON" : connector.recognition.isEmpty ? "lines" : "JSON, lines"
            table += "| `\(connector.name)` | \(connector.version) | \(connector.title) | \(forms) |\n"
        }
        return table
    }
}
