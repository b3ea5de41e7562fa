import EventModel
import Foundation
import Testing

@testable import Connectors

@Suite("Enrichment from tables")
final class EnrichmentTests {
    private let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
        "custody-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: directory) }

    private func load(_ files: [String: String]) throws -> Enrichment {
        for (name, text) in files { try Data(text.utf8).write(to: directory.appendingPathComponent(name)) }
        return try Enrichment(directories: [directory.path])
    }

    /// The error of files that are refused: its last part of the path, line and reason.
    private func refusal(_ files: [String: String]) -> String {
        do {
            _ = try load(files)
            return "taken"
        } catch {
            return "\(error)".replacing(directory.path + "/", with: "")
        }
    }

    private func enriched(
        _ enrichment: Enrichment, _ fields: [Field: String], source: String = "ci"
    ) -> [String: String] {
        var record = EventRecord()
        for (field, value) in fields { record.set(field, value) }
        enrichment.enrich(&record, source: source)
        var found: [String: String] = [:]
        for field in Field.allCases where field != .ext {
            if let text = record.text(field) { found[field.path] = text }
        }
        for element in 0..<record.count(of: .ext) {
            let parts = (record.text(.ext, element: element) ?? "").split(separator: "\0").map(String.init)
            found["ext." + parts[0]] = parts[1]
        }
        return found
    }

    @Test("A CSV table adds what it knows of a service, marks it with the table's digest, and replaces nothing")
    func services() throws {
        let tables = try load([
            "services.csv": """
            app.name,app.env,app.version,ext.owner
            payments,prod,4.2,team-payments
            "checkout, new",staging,,"team ""shop\"""
            """
        ])
        let payments = enriched(tables, [.appName: "Payments", .appVersion: "5.0"])
        let digest = tables.tables[0].digest
        #expect(digest.utf8.count == 8)
        #expect(
            payments == [
                "app.name": "Payments", "app.version": "5.0", "app.env": "prod", "ext.owner": "team-payments",
                "ext.enriched": "services@\(digest) app.env ext.owner",
            ])
        let checkout = enriched(tables, [.appName: "checkout, new"])
        #expect(checkout["ext.owner"] == "team \"shop\"" && checkout["app.version"] == nil)
        #expect(enriched(tables, [.appName: "other"]) == ["app.name": "other"])
        #expect(enriched(tables, [:]).isEmpty)
    }

    @Test("Repositories are found by name or by the longest beginning of it")
    func beginnings() throws {
        let tables = try load([
            "repositories.csv": "vcs.repo,ext.tier\nacme/api,1\nacme/*,2\nacme/legacy-*,4\n*,3\n"
        ])
        for (repository, tier) in [
            ("acme/api", "1"), ("ACME/API", "1"), ("acme/web", "2"), ("acme/legacy-x", "4"), ("other/api", "3"),
        ] {
            #expect(enriched(tables, [.vcsRepo: repository])["ext.tier"] == tier, "\(repository)")
        }
    }

    @Test("Of networks around an address the smallest counts; IPv6 and mapped addresses are found, names are not")
    func networks() throws {
        let tables = try load([
            "sites.yaml": """
            match: client.ip
            rows:
              - key: 10.0.0.0/8
                set: {ext.site: company}
              - key: [10.1.0.0/16, "2001:db8:1::/48"]
                set: {ext.site: berlin, client.name: berlin-office}
              - key: 10.1.2.3
                set: {ext.site: door}
              - key: 192.0.2.0/24
                set: {ext.site: guests}
            """
        ])
        for (address, site) in [
            ("10.9.9.9", "company"), ("10.1.0.0", "berlin"), ("10.1.255.255", "berlin"), ("10.2.0.0", "company"),
            ("10.1.2.2", "berlin"), ("10.1.2.3", "door"), ("10.1.2.4", "berlin"), ("::ffff:10.1.2.3", "door"),
            ("2001:db8:1:2::3", "berlin"), ("192.0.2.255", "guests"),
        ] {
            #expect(enriched(tables, [.clientIP: address])["ext.site"] == site, "\(address)")
        }
        for address in ["11.0.0.0", "9.255.255.255", "192.0.3.0", "2001:db8:2::1", "::", "host"] {
            #expect(enriched(tables, [.clientIP: address])["ext.site"] == nil, "\(address)")
        }
    }

    @Test("The names of one person in several systems become one person, within the systems that the table is for")
    func people() throws {
        let tables = try load([
            "people-github.yaml": """
            match: [actor.name, actor.email, actor.id]
            sources: [github-*, ci]
            rows:
              - key: [octocat, octo@acme.example, "583231"]
                set: {ext.person: Mona Octocat, actor.email: mona@acme.example}
            """
        ])
        for fields in [[Field.actorName: "octocat"], [.actorID: "583231"], [.actorEmail: "Octo@Acme.example"]] {
            #expect(enriched(tables, fields)["ext.person"] == "Mona Octocat")
        }
        #expect(enriched(tables, [.actorName: "octocat"])["actor.email"] == "mona@acme.example")
        #expect(enriched(tables, [.actorEmail: "octo@acme.example"])["actor.email"] == "octo@acme.example")
        #expect(enriched(tables, [.actorName: "octocat"], source: "jenkins")["ext.person"] == nil)
        let kind = enriched(tables, [.actorName: "octocat", .sourceKind: "github-webhook"], source: "acme")
        #expect(kind["ext.person"] == "Mona Octocat")
    }

    @Test("A later table sees what an earlier one told")
    func chains() throws {
        let tables = try load([
            "a-repositories.csv": "vcs.repo,app.name\nacme/api,payments\n",
            "b-services.csv": "app.name,app.env\npayments,prod\n",
        ])
        #expect(enriched(tables, [.vcsRepo: "acme/api"])["app.env"] == "prod")
    }

    @Test("Somebody else's CSV is read by its own headers, and is no table of its own")
    func foreignHeaders() throws {
        let tables = try load([
            "cmdb.csv": "\u{FEFF}Id,Service,Owning team\r\n7,payments,shop\r\n8,search,find\r\n",
            "cmdb.yaml": "match: app.name\ncsv: cmdb.csv\ncolumns: {Service: key, Owning team: ext.owner}\n",
        ])
        #expect(tables.tables.map(\.name) == ["cmdb"] && tables.tables[0].rowCount == 2)
        #expect(enriched(tables, [.appName: "search"])["ext.owner"] == "find")
    }

    private static let faults: [(file: String, text: String, reason: String)] = [
        ("t.csv", "app.name,app.env\npay,prod\npay,dev\n", "t.csv:3: the key pay stands here twice"),
        ("t.csv", "app.name,app.env\npay\n", "t.csv:2: the row has 1 cells, the header 2"),
        ("t.csv", "app.name,app.env\n\"pay,prod\n", "t.csv:2: a quote is not closed"),
        ("t.csv", "app.name,app.env\n\"pay\"x,prod\n", "t.csv:2: something stands behind a closing quote"),
        ("t.csv", "app.name,action\npay,x\n", "t.csv:1: action is not for tables to set"),
        ("t.csv", "app.name,ext.enriched\npay,x\n", "t.csv:1: ext.enriched is not a name"),
        ("t.csv", "nothing,app.env\npay,x\n", "t.csv:1: nothing is no field"),
        ("t.csv", "app.name|client.ip,app.env\npay,x\n", "t.csv:1: a table is found by addresses or by texts"),
        ("t.csv", "app.name\npay\n", "t.csv:1: a table sets 1 to 16 fields"),
        ("t.csv", "client.ip,ext.site\n10.0.0.0/33,x\n", "t.csv:2: 10.0.0.0/33 is no address"),
        (
            "t.csv", "client.ip,ext.site\n10.0.0.0/8,x\n10.1.0.0/8,y\n",
            "t.csv:3: the network 10.1.0.0/8 stands here twice"
        ),
        ("t.csv", "app.name,actor.type\npay,robot\n", "t.csv:2: actor.type is one of"),
        ("t.csv", "app.name,app.env\n,x\n", "t.csv:2: the row has no key"),
        ("t.csv", "", "t.csv:1: the file is empty"),
        ("t.yaml", "match: app.name\nrows:\n  - key: a\n    sets: {}\n", "t.yaml:4: unknown key \"sets\""),
        ("t.yaml", "match: app.name\n", "t.yaml:1: a table has rows or csv"),
        ("t.yaml", "match: app.name\ncsv: ../x.csv\ncolumns: {a: key}\n", "t.yaml:2: csv is the name of"),
        ("t.yaml", "match: app.name\nrows: [\n", "t.yaml:"),
    ]

    @Test("What is wrong is refused with file, line and reason", arguments: faults)
    func refusals(file: String, text: String, reason: String) {
        let refusal = refusal([file: text])
        #expect(refusal.hasPrefix(reason), "\(refusal)")
    }

    @Test("Tables are bounded: keys, values, keys of a row, lengths of beginnings, files")
    func limits() {
        let long = String(repeating: "x", count: EnrichmentLimits.valueBytes + 1)
        #expect(refusal(["t.csv": "app.name,app.env\npay,\(long)\n"]).contains("more than 1024 bytes"))
        #expect(refusal(["t.csv": "app.name,app.env\n\(long),prod\n"]).contains("a key has more than 512 bytes"))
        let keys = (0...EnrichmentLimits.keysOfRow).map(String.init).joined(separator: "|")
        #expect(refusal(["t.csv": "app.name,app.env\n\(keys),prod\n"]).contains("more than 64 keys"))
        let beginnings = (0...EnrichmentLimits.prefixLengths).map { String(repeating: "a", count: $0) + "*,prod" }
        #expect(
            refusal(["t.csv": "app.name,app.env\n" + beginnings.joined(separator: "\n")])
                .contains("at most 16 different lengths"))
        let many = Dictionary(
            uniqueKeysWithValues: (0...EnrichmentLimits.files).map { ("t\($0).csv", "app.name,app.env\na,b\n") })
        #expect(refusal(many).contains("more than 64 files"))
    }

    @Test("Every network of a thousand nested and neighbouring ones is found as a search through all finds it")
    func networkProperty() {
        var random = SplitMix(state: 7)
        var networks: [AddressRange: Int] = [:]
        while networks.count < 1_000 {
            let address = IPAddress(v4: UInt32(truncatingIfNeeded: random.next()) & 0x0FFF_FFFF)
            let range = AddressRange(network: address, prefixLength: 96 + Int(random.next() % 33))
            networks[range] = networks[range] ?? networks.count
        }
        let table = NetworkTable(networks.map { ($0.key, $0.value) })
        for _ in 0..<500 {
            let address = IPAddress(v4: UInt32(truncatingIfNeeded: random.next()) & 0x0FFF_FFFF)
            let smallest = networks.filter { $0.key.contains(address) }
                .min { $0.key.upper.value - $0.key.lower.value < $1.key.upper.value - $1.key.lower.value }
            #expect(table.row(of: address) == smallest?.value)
        }
    }

    @Test("Ten thousand keys that differ in their middles alone are told apart")
    func keys() {
        var table = KeyTable()
        let keys = (0..<10_000).map { Array("svc-build-\(100_000 + $0)-prod-eu-central".utf8) }
        for (row, key) in keys.enumerated() {
            let isNew = table.insert(key, row: row)
            #expect(isNew)
        }
        let isNewAgain = table.insert(keys[77], row: 1)
        #expect(!isNewAgain)
        for (row, key) in keys.enumerated() {
            if key.withUnsafeBytes({ table.row(of: $0) }) != row { Issue.record("row \(row) is not found") }
        }
        #expect(Array("svc-build-1-prod-eu-central".utf8).withUnsafeBytes { table.row(of: $0) } == nil)
    }
}

/// A small deterministic generator (SplitMix64).
private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
