import Foundation
import QueryLanguage
import Testing

@Suite("The language's reference")
struct DocumentationTests {
    private static let document = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs/query-language.md")

    /// The first cells of the table of examples.
    private static var examples: [String] {
        get throws {
            let text = try String(contentsOf: document, encoding: .utf8)
            let section = text.components(separatedBy: "## Examples")[1].components(separatedBy: "## Grammar")[0]
            return section.split(separator: "\n").filter { $0.hasPrefix("| `") }.compactMap { row in
                row.components(separatedBy: "`").dropFirst().first?.replacingOccurrences(of: "\\|", with: "|")
            }
        }
    }

    @Test("Every example is a query", .enabled(if: FileManager.default.fileExists(atPath: document.path)))
    func examplesParse() throws {
        let examples = try Self.examples
        #expect(examples.count >= 12)
        for example in examples { #expect(refusal(example) == nil, "\(example)") }
    }
}
