import ArgumentParser
import DurableFiles
import Foundation
import Testing

@testable import custody

/// The manual pages that the packages carry.
struct ManualPageTests {
    private static func pages() throws -> [ManualPage] {
        ManualPage.all(of: try CommandDescription(dump: Custody._dumpHelp()), version: "1.2.3")
    }

    @Test("There is a page for the program and for every command that its help shows")
    func complete() throws {
        let shown = CommandList.all.filter { $0.configuration.shouldDisplay }.compactMap {
            $0.configuration.commandName
        }
        #expect(try Self.pages().map(\.name) == ["custody"] + shown.map { "custody-\($0)" })
        #expect(!shown.contains("manual"))
    }

    @Test("A page has what a command says of itself: synopsis, options with defaults, subcommands, exit statuses")
    func contents() throws {
        let pages = try Self.pages()
        let serve = try #require(pages.first { $0.name == "custody-serve" }).text
        #expect(serve.hasPrefix(".TH CUSTODY\\-SERVE 1 \"\" \"Custody 1.2.3\" \"Custody\"\n"))
        #expect(serve.contains("\\fB\\-\\-listen\\fR \\fIhost:port\\fR\n"))
        #expect(serve.contains("Default: custody\\-data."))
        #expect(serve.contains(".SH EXIT STATUS\n"))
        let source = try #require(pages.first { $0.name == "custody-source" }).text
        #expect(source.contains(".SH \"CUSTODY SOURCE ADD\"\n"))
    }

    @Test("Text never becomes a request or an escape of roff")
    func escapes() {
        #expect(ManualPage.escaped(".so /etc/passwd") == "\\&.so /etc/passwd")
        #expect(ManualPage.escaped("a\n'b") == "a\n\\&'b")
        #expect(ManualPage.escaped("C:\\n -x \"q\"") == "C:\\en \\-x \\(dqq\\(dq")
    }

    @Test("`manual` writes the pages for everybody to read; a directory that is missing is told")
    func command() async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("manual-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        #expect(await CommandBench().run("manual", directory.path).status == 0)
        let written = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        #expect(Set(written) == Set(try Self.pages().map { $0.name + ".1" }))
        let mode = try FileManager.default.attributesOfItem(atPath: directory.path + "/custody.1")[.posixPermissions]
        #expect(mode as? Int == 0o644)
        #expect(await CommandBench().run("manual", directory.path + "/none").status != 0)
    }
}
