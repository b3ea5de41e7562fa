package import EventModel

/// The description of a kind of source: how a delivery is authenticated, split and mapped to normalised fields.
///
/// Made from a file of the catalogue and never changed.
package final class Connector: Sendable {
    package let name: String
    package let version: Int
    package let title: String
    let authentication: [AuthenticationScheme]
    let answers: [AnswerRule]
    /// Where a batch of events lies in a payload.
    let batches: [BatchPath]
    /// Whether a batch counts only where nothing stands beside it, so that nothing is lost.
    let batchesStandAlone: Bool
    let recognition: [RecognitionRule]
    /// The forms of its lines of text, where a source writes such.
    let lines: [LinePattern]
    let program: Program
    /// `norm.version`: name and version.
    let versionText: String

    /// Names that mean something else where a connector is named: `auto` recognises, `custody` is the program itself.
    static let reservedNames: Set<String> = ["auto", "custody"]

    init(
        name: String, version: Int, title: String, authentication: [AuthenticationScheme], answers: [AnswerRule],
        batches: [BatchPath], batchesStandAlone: Bool, recognition: [RecognitionRule], lines: [LinePattern],
        program: Program
    ) {
        self.name = name
        self.version = version
        self.title = title
        self.authentication = authentication
        self.answers = answers
        self.batches = batches
        self.batchesStandAlone = batchesStandAlone
        self.recognition = recognition
        self.lines = lines
        self.program = program
        versionText = "\(name)/\(version)"
    }

    /// The fields, and names of `ext`, that may come from a header of the delivery.
    package var headerFields: (fields: Set<Field>, extensions: Set<String>) {
        var found: (fields: Set<Field>, extensions: Set<String>) = ([], [])
        for target in program.headerTargets {
            switch target {
            case .field(let field): found.fields.insert(field)
            // Behind the key stands the byte that ends it.
            case .ext(let key): found.extensions.insert(String(decoding: key.dropLast(), as: UTF8.self))
            case .variable, .warning, .image: continue
            }
        }
        return found
    }

    /// Whether fields are read from lines of text, too.
    package var readsLines: Bool { !lines.isEmpty }

    /// Whether deliveries can prove where they come from at all.
    package var isAuthenticated: Bool { authentication.contains { $0.header != nil } }
}
