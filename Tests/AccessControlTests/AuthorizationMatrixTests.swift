import AccessControl
import EventModel
import QueryLanguage
import Testing

private let now = Timestamp(seconds: 1_800_000_000)
private let later = Timestamp(seconds: 1_800_000_001)

private func token(_ scopes: Set<Principal.Scope>, sources: Set<String> = []) -> Principal {
    Principal(id: "t1", kind: .token, name: "test", scopes: scopes, ingestSources: sources)
}

private func person(_ grants: Grant...) -> Principal {
    Principal(id: "p1", kind: .person, name: "Pat", grants: grants)
}

private func query(_ text: String) throws -> Query { try Query(parsing: text, now: now) }

@Suite("Who may do what")
struct AuthorizationMatrixTests {
    private static let allowed: [(Principal.Scope, Set<Permission>)] = [
        (.ingest, []),
        (.read, [.search, .export, .triageAlerts]),
        (.audit, [.search, .export, .readEntries, .readConfiguration]),
        (.admin, Set(Permission.allCases)),
    ]

    @Test("Each scope of a token holds exactly its permissions", arguments: allowed)
    func scopesHoldTheirPermissions(scope: Principal.Scope, permissions: Set<Permission>) {
        for permission in Permission.allCases {
            let isAllowed = (try? Authorizer.check(permission, for: token([scope]), now: now)) != nil
            #expect(isAllowed == permissions.contains(permission), "\(scope) \(permission)")
        }
    }

    @Test("A principal without scopes and grants is denied everything")
    func nothingGrantedIsDenied() throws {
        let nobody = person()
        for permission in Permission.allCases {
            #expect(throws: AccessError.self) { try Authorizer.check(permission, for: nobody, now: now) }
        }
        let everything = try query("*")
        #expect(throws: AccessError.self) { try Authorizer.authorize(everything, for: nobody, now: now) }
        #expect(throws: AccessError.self) { try Authorizer.authorizeRead(for: nobody, now: now) }
        #expect(throws: AccessError.self) { try Authorizer.checkIngest(as: "github", for: nobody, now: now) }
    }

    @Test("A token that sends cannot search")
    func ingestCannotSearch() throws {
        let everything = try query("*")
        let error = #expect(throws: AccessError.self) {
            try Authorizer.authorize(everything, for: token([.ingest]), now: now)
        }
        #expect(error?.code == .notPermitted)
    }

    @Test("A grant ends at its expiry")
    func grantsExpire() throws {
        let guest = person(Grant(.reader, expires: later))
        let everything = try query("*")
        _ = try Authorizer.authorize(everything, for: guest, now: now)
        #expect(throws: AccessError.self) { try Authorizer.authorize(everything, for: guest, now: later) }
    }

    @Test("A grant over some events does not hold the installation's permissions")
    func scopedGrantsDoNotConfigure() {
        let local = person(Grant(.admin, over: AccessScope(repositories: ["acme/*"])))
        #expect(throws: AccessError.self) { try Authorizer.check(.changeConfiguration, for: local, now: now) }
    }

    @Test("Export needs its own permission")
    func readersDoNotExport() throws {
        let everything = try query("*")
        #expect(throws: AccessError.self) {
            try Authorizer.authorize(everything, for: person(Grant(.reader)), now: now, permission: .export)
        }
    }
}

@Suite("Sending as a source")
struct IngestAuthorizationTests {
    @Test("A bound token sends as its sources only, an unbound one as any, an admin as any")
    func bindings() throws {
        try Authorizer.checkIngest(as: "github", for: token([.ingest], sources: ["github"]), now: now)
        try Authorizer.checkIngest(as: "github", for: token([.ingest]), now: now)
        try Authorizer.checkIngest(as: "github", for: token([.admin]), now: now)
        #expect(throws: AccessError.self) {
            try Authorizer.checkIngest(as: "gitlab", for: token([.ingest], sources: ["github"]), now: now)
        }
        for scope in [Principal.Scope.read, .audit] {
            #expect(throws: AccessError.self) {
                try Authorizer.checkIngest(as: "github", for: token([scope]), now: now)
            }
        }
    }

    @Test("Nobody but Custody sends as custody")
    func ownSourceIsReserved() throws {
        for scope in Principal.Scope.allCases {
            #expect(throws: AccessError.self) {
                try Authorizer.checkIngest(as: "custody", for: token([scope]), now: now)
            }
        }
        try Authorizer.checkIngest(as: "custody", for: .system, now: now)
    }
}

@Suite("What an authorized query shows")
struct SightTests {
    @Test("A grant over everything leaves the query unrestricted")
    func unrestricted() throws {
        let authorized = try Authorizer.authorize(
            try query("actor:octocat"), since: now, until: later, for: token([.read]), now: now)
        #expect(authorized.restriction == nil)
        #expect(authorized.visibleGroups == Set(FieldGroup.allCases))
        #expect(authorized.since == now)
        #expect(authorized.until == later)
    }

    @Test("A scope becomes a restriction: names and patterns within a list, all lists together")
    func scopeBecomesRestriction() throws {
        let scope = AccessScope(sources: ["github"], repositories: ["acme/*", "other/api"], environments: ["*"])
        let authorized = try Authorizer.authorize(
            try query("*"), for: person(Grant(.reader, over: scope)), now: now)
        let expected = try query("source.name:github vcs.repo:(acme/* OR other/api) app.env:*").filter
        #expect(authorized.restriction == expected)
    }

    @Test("Two scopes show the events of both")
    func scopesAdd() throws {
        let both = person(
            Grant(.reader, over: AccessScope(sources: ["a"])), Grant(.investigator, over: AccessScope(sources: ["b"])))
        let authorized = try Authorizer.authorize(try query("*"), for: both, now: now)
        #expect(authorized.restriction == (try query("source.name:a OR source.name:b").filter))
    }

    private static let withoutNetwork = Set(FieldGroup.allCases).subtracting([.network, .raw])

    @Test(
        "A field of a hidden class cannot be filtered, grouped, sorted, counted or listed by",
        arguments: [
            "ip:10.0.0.1", "-ip:10.0.0.1", "client.agent:curl", "raw.a.b:1", "* | top 5 ip", "* | rare 5 agent",
            "* | stats dcount(ip) by actor", "* | stats count by raw.a", "* | sort -ip", "* | dedup ip",
            "* | fields time,ip", "* | where ip:10.0.0.1", "* | timechart span=1h count by ip",
        ])
    func hiddenFieldsAreRefused(text: String) throws {
        let query = try query(text)
        let masked = person(Grant(.reader, groups: Self.withoutNetwork))
        let error = #expect(throws: AccessError.self) { try Authorizer.authorize(query, for: masked, now: now) }
        #expect(error?.code == .hiddenField)
        _ = try Authorizer.authorize(query, for: token([.read]), now: now)
    }

    @Test("Words and columns left out need no class; the executor searches the visible ones")
    func wordsSearchVisibleFields() throws {
        let masked = person(Grant(.reader, groups: Self.withoutNetwork))
        let authorized = try Authorizer.authorize(try query("octocat | fields -ip"), for: masked, now: now)
        #expect(authorized.visibleGroups == Self.withoutNetwork)
    }

    @Test("What one grant hides on its events does not appear because of another")
    func classesDoNotLeakBetweenGrants() throws {
        let mixed = person(
            Grant(.reader, over: AccessScope(sources: ["a"])),
            Grant(.reader, over: AccessScope(sources: ["b"]), groups: [.actor]))
        let wide = try Authorizer.authorize(try query("*"), for: mixed, now: now)
        #expect(wide.visibleGroups == [.envelope, .actor])
        let narrow = try Authorizer.authorize(try query("ip:10.0.0.1"), for: mixed, now: now)
        #expect(narrow.visibleGroups == Set(FieldGroup.allCases))
        #expect(narrow.restriction == (try query("source.name:a").filter))
    }

    @Test("A smaller grant takes nothing away from its holder")
    func coveredGrantsDoNotNarrow() throws {
        let both = person(
            Grant(.reader, over: AccessScope(sources: ["b"]), groups: [.actor]), Grant(.reader), Grant(.reader))
        let authorized = try Authorizer.authorize(try query("*"), for: both, now: now)
        #expect(authorized.visibleGroups == Set(FieldGroup.allCases))
        #expect(authorized.restriction == nil)
    }

    @Test("Reading a payload needs the class raw")
    func payloadsNeedRaw() throws {
        let masked = person(Grant(.reader, over: AccessScope(sources: ["a"]), groups: Self.withoutNetwork))
        #expect(throws: AccessError.self) { try Authorizer.authorizeRead(of: [.raw], for: masked, now: now) }
        let read = try Authorizer.authorizeRead(for: masked, now: now)
        #expect(read.visibleGroups == Self.withoutNetwork)
        #expect(read.restriction == (try query("source.name:a").filter))
    }
}

@Suite("Custody's own audit events")
struct OwnAuditTests {
    @Test(
        "They are hidden from queries that do not name them",
        arguments: [
            "*", "actor:octocat", "-source:custody", "NOT (source:custody OR source:*)", "source:github", "custody",
            "source:cust*", "source:=Custody", "source.instance:*", "* | where -source:custody",
        ])
    func hidden(text: String) throws {
        #expect(try Authorizer.authorize(try query(text), for: token([.read]), now: now).hidesOwnAudit)
    }

    @Test(
        "They are shown to queries that name them un-negated",
        arguments: [
            "source:custody", "source:Custody action:login", "source:*", "source:(github OR custody)",
            "actor:octocat OR source:=custody", "source.name:custody", "source.kind:custody",
            "* | where source:custody",
        ])
    func shown(text: String) throws {
        #expect(try !Authorizer.authorize(try query(text), for: token([.read]), now: now).hidesOwnAudit)
    }
}
