import Foundation
import Testing

@testable import Detection

@Suite("Reading rules")
struct RuleReadingTests {
    @Test("A refused document has file, line and reason, and leaves its neighbours alone")
    func neighbours() throws {
        let good = "title: good\nlogsource: {product: github}\ndetection: {s: {a: 1}, condition: s}\n"
        let set = Samples.rules(
            "# file: one\n---\n\(good)---\ntitle: bad\nlogsource: {product: github}\ndetection:\n    s:\n        a|nosuch: x\n    condition: s\n---\n\(good)"
        )
        #expect(set.rules.count == 2)
        let error = try #require(set.errors.first)
        #expect(error.description == "rules.yml:11: unknown modifier `nosuch`")
    }

    @Test(
        "Scalars have the types of YAML 1.2",
        arguments: [
            ("no", "no"), ("on", "on"), ("12:30", "12:30"), ("1_000", "1_000"), ("0x17", "23"), ("0644", "0644"),
            ("403.0", "403"), (".5", "0.5"),
        ])
    func scalars(written: String, text: String) {
        #expect(CoreScalar(plain: written).text == text)
    }

    @Test("Two rules with one id are an error that names the first")
    func duplicates() {
        let rule =
            "title: a\nid: 6f3e2987-db24-4c78-a860-b4f4095a7095\nlogsource: {product: github}\ndetection: {s: {a: 1}, condition: s}\n"
        let set = Samples.rules("\(rule)---\n\(rule)")
        #expect(set.rules.count == 1 && set.errors.map(\.code) == [.duplicateRule])
    }

    @Test("A misspelt key of the custody block is an error")
    func closedExtensions() {
        let set = Samples.rule("s: {a: 1}\ncondition: s", extra: "custody: {runbok: x}")
        #expect(set.errors.first?.reason.contains("custody.runbok") == true)
    }

    @Test("Limits on nodes, depth, size and expansion hold")
    func limits() {
        var limits = RuleLimits()
        func reason(_ text: String) -> String {
            var set = RuleSet()
            set.add(text, file: "f", limits: limits)
            return set.errors.first?.reason ?? "accepted"
        }
        let bomb =
            "a: &a [x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b]\nd: [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
        limits.nodes = 1_000
        #expect(reason(bomb).contains("YAML nodes"))
        #expect(
            reason("a: " + String(repeating: "[", count: 40) + String(repeating: "]", count: 40)).contains("deeper"))
        limits.documentBytes = 10
        #expect(reason("title: too long").contains("over the limit"))
        limits.fileBytes = 5
        #expect(reason("title: too long").contains("a file of"))
        limits = RuleLimits()
        limits.expandedValues = 20
        let dashes = "title: t\nlogsource: {product: github}\ndetection: {s: {a|windash: '-a -b -c'}, condition: s}"
        #expect(reason(dashes).contains("expands to more"))
        let parts =
            "title: t\nlogsource: {product: github}\ndetection: {s: {a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q: 1}, condition: s}"
        #expect(reason(parts).contains("parts"))
    }

    @Test("A directory is loaded in the order of its paths, with every fault named")
    func directory() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rules-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("sub"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let rule = "title: %\nlogsource: {product: github}\ndetection: {s: {a: 1}, condition: s}\n"
        for (name, title) in [("b.yml", "second"), ("a.yaml", "first"), ("sub/c.yml", "third")] {
            try Data(rule.replacing("%", with: title).utf8).write(to: folder.appendingPathComponent(name))
        }
        try Data([0xFF, 0xFE]).write(to: folder.appendingPathComponent("d.yml"))
        try Data("ignored".utf8).write(to: folder.appendingPathComponent("notes.txt"))
        let set = try RuleSet.load(folder)
        #expect(set.rules.map(\.title) == ["first", "second", "third"])
        #expect(set.errors.map(\.file) == ["d.yml"])
        #expect(throws: DetectionError.self) { try RuleSet.load(folder.appendingPathComponent("missing")) }
        var limits = RuleLimits()
        limits.files = 2
        #expect(throws: DetectionError.self) { try RuleSet.load(folder, limits: limits) }
    }

    @Test("Equal texts have equal hashes, a changed byte another")
    func hashes() {
        let rule = Samples.rule("s: {a: 1}\ncondition: s").rules[0]
        #expect(rule.hash == Samples.rule("s: {a: 1}\ncondition: s").rules[0].hash)
        #expect(rule.hash != Samples.rule("s: {a: 2}\ncondition: s").rules[0].hash)
    }
}
