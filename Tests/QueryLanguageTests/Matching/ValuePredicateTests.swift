import EventModel
import QueryLanguage
import Testing

@Suite("Values")
struct ValuePredicateTests {
    private struct NoField: Error {}

    private func matches(_ query: String, _ value: String) throws -> Bool {
        guard case .field(_, let match) = try parse(query).filter else { throw NoField() }
        return value.withBytes { ValuePredicate(match).matches($0) }
    }

    @Test(
        "A value is compared whole and ignoring case, unless the query says otherwise",
        arguments: [
            ("actor:Kim", "kIM", true), ("actor:kim", "kimberly", false), ("actor:É", "é", true),
            ("actor:=kim", "Kim", false), ("actor:=kim", "kim", true), ("actor:=k*", "kim", false),
            ("actor:=k*", "k*", true), ("actor:k*", "Kim", true), ("actor:\"k*\"", "kim", false),
            ("actor:*", "", true), ("actor:\"\"", "", true), ("commit:9F2c", "9f2cab", true),
            ("commit:9f2c", "a9f2c", false), ("commit:=9f2c", "9f2cab", false),
            ("artifact:pkg:npm/a", "pkg:npm/a@1", true),
            ("artifact.digest:sha256:9", "sha256:9f", true), ("vcs.before:ab", "abc", true),
            ("repo:acme", "acme/api", false),
            ("actor:/^svc-[a-z]+$/", "svc-api", true), ("actor:/^svc-[a-z]+$/", "SVC-api", false),
            ("actor:/(?i)^SVC/", "svc-api", true), ("actor:/vc/", "svc", true), ("actor:/^$/", "", true),
            ("actor:(kim OR b*)", "Bob", true), ("actor:(kim OR b*)", "al", false), ("actor:1..5", "3", false),
            ("actor:1..5", "1..5", true), ("raw.a:1..5", "3", false), ("raw.a:>4", "5", true), ("raw.a:>4", "4", false),
            ("raw.a:>4", "x", false), ("raw.a:>=1.5", "1.5e0", true), ("ci.attempt:>9", "10", true),
            ("raw.a:5", "5.0", false), ("raw.n:true", "true", true),
            ("raw.t:>=2026-11-01", "2026-11-01T00:00:00+00:00", true),
            ("raw.t:>2026-11-01", "2026-11-01T23:59:59Z", false),
            ("api.status:200", "200", true), ("api.status:200..299", "299", true),
            ("api.status:200..299", "300", false),
            ("api.status:5*", "503", true), ("api.status:>=9223372036854775807", "9223372036854775807", true),
            ("api.status:>9007199254740992.5", "9007199254740993", true),
            ("ip:10.0.0.0/8", "10.255.255.255", true), ("ip:10.0.0.0/8", "11.0.0.0", false),
            ("ip:10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("ip:10.0.0.1..10.0.0.9", "10.0.0.9", true), ("ip:>10.0.0.1", "10.0.0.1", false),
            ("ip:10.0.*", "10.0.3.4", true),
            ("ip:2001:db8::/32", "2001:DB8:ffff::1", true), ("ip:2001:db8::1", "2001:db8:0:0:0:0:0:1", true),
            ("ip:::/0", "10.0.0.1", true), ("ip:0.0.0.0/0", "::1", false), ("ip:10.0.0.1", "no address", false),
            ("time:2026-11-01", "2026-11-01T23:59:59.999999999Z", true),
            ("time:2026-11-01", "2026-11-02T00:00:00Z", false),
            ("time:>2026-11-01", "2026-11-01T12:00:00Z", false), ("time:>2026-11-01", "2026-11-02T00:00:00Z", true),
            ("time:<=2026-11-01", "2026-11-01T12:00:00Z", true), ("time:<2026-11-01", "2026-11-01T00:00:00Z", false),
            ("time:2026-11-01..2026-11-02", "2026-11-01T00:00:00Z", true),
            ("time:2026-11-01..2026-11-02", "2026-11-02T00:00:00Z", false),
            ("time:>2026-11-01T10:00:00Z", "2026-11-01T10:00:00.5Z", true),
            ("time:2026-11-01T10:00:00Z", "2026-11-01T11:00:00+01:00", true),
            ("time:-24h", "2026-11-22T12:00:00Z", true), ("time:-24h", "2026-11-22T11:59:59Z", false),
            ("time:<-1w", "2026-11-16T11:59:59Z", true), ("time:-2h..-1h", "2026-11-23T11:00:00Z", false),
        ])
    func compares(query: String, value: String, isMatch: Bool) throws { #expect(try matches(query, value) == isMatch) }

    @Test("A short name is searched in each of its fields, and a source's kind by family too")
    func searches() throws {
        func fields(_ query: String) throws -> [String] {
            guard case .field(let reference, let match) = try parse(query).filter else { throw NoField() }
            return reference.searches(for: match)?.map { $0.field.path + ":" + $0.match.canonical } ?? []
        }
        #expect(try fields("actor:kim") == ["actor.name:kim", "actor.id:kim", "actor.email:kim"])
        #expect(try fields("source:github") == ["source.name:github", "source.kind:github", "source.kind:github-"])
        #expect(try fields("source:=github") == ["source.name:=github", "source.kind:=github"])
        #expect(
            try fields("source:(github OR a*)")
                == ["source.name:(github OR a*)", "source.kind:(github OR a*)", "source.kind:github-"])
        #expect(
            try fields("resource:x") == ["resource.name:x", "resource.id:x", "targets.name:x", "targets.id:x"])
        #expect(try fields("ip:10.0.0.1") == ["client.ip:10.0.0.1", "client.chain:10.0.0.1"])
        #expect(try fields("raw.a:x") == [])
    }
}
