import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Ledger
import Testing

@testable import CustodyServer

@Suite("Evidence packs from a server")
struct EvidenceExportTests {
    private func fill(_ client: any TestClientProtocol, events: Int) async throws {
        let lines = (0..<events).map {
            #"{"id":"\#($0)","actor":"a\#($0 % 7)","action":"repo.create","ip":"10.0.0.9"}"#
        }
        let answer = try await client.send(.post, "/v1/events", lines.joined(separator: "\n"))
        #expect(answer["accepted"] as? Int == events)
        _ = try await client.search("action:repo.create", expecting: min(events, 100))
    }

    private func coverage(_ report: EvidenceReport) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(report.coverage)) as? [String: Any])
    }

    @Test("Only the wanted groups are disclosed; the others verify by their hashes and cannot be read")
    func groups() async throws {
        try await TestServer.run { server, client in
            try await fill(client, events: 5)
            let key = server.service.state.ledgerKey.verifierKey
            for group in FieldGroup.allCases {
                let body = #"{"q":"action:repo.create","groups":["\#(group.name)"]}"#
                let answer = try await client.send(.post, "/v1/export", body)
                let report = try EvidenceVerifier(key: key).verify(Array(answer.text.utf8)) { _, groups in
                    #expect(Array(groups.keys) == [group.rawValue])
                }
                #expect(report.events == 5)
                #expect((try coverage(report)["withheld_groups"] as? [String])?.count == 5)
            }
            let unknown = try await client.send(.post, "/v1/export", #"{"q":"*","groups":["nobody"]}"#)
            #expect(unknown.status == 400 && unknown.code == "unknown_group")
        }
    }

    @Test("A pack of several pages holds every hit once; a limit is told as a gap")
    func pages() async throws {
        try await TestServer.run { server, client in
            try await fill(client, events: EvidenceExport.pageEvents * 2 + 7)
            let key = server.service.state.ledgerKey.verifierKey
            let answer = try await client.send(.post, "/v1/export", #"{"q":"action:repo.create"}"#)
            let whole = try EvidenceVerifier(key: key).verify(Array(answer.text.utf8))
            #expect(whole.events == EvidenceExport.pageEvents * 2 + 7)
            #expect(try coverage(whole)["truncated"] as? Bool == false)
            let limited = try await client.send(.post, "/v1/export", #"{"q":"action:repo.create","limit":600}"#)
            let part = try EvidenceVerifier(key: key).verify(Array(limited.text.utf8))
            #expect(part.events == 600)
            #expect(try coverage(part)["truncated"] as? Bool == true)
            #expect(EvidenceGaps.texts(of: part.coverage).contains { $0.contains("limit") })
        }
    }

    @Test("The statement of coverage names the period, the sources in it, and those that said nothing")
    func sources() async throws {
        try await TestServer.run { server, client in
            let source = #"{"name":"quiet","connector":"github-webhook","secret":"0123456789abcdef0123456789abcdef"}"#
            let made = try await client.send(.post, "/v1/sources", source)
            #expect(made.status == 201, "\(made.text)")
            try await fill(client, events: 5)
            let answer = try await client.send(.post, "/v1/export", #"{"q":"action:repo.create"}"#)
            let key = server.service.state.ledgerKey.verifierKey
            let stated = try coverage(EvidenceVerifier(key: key).verify(Array(answer.text.utf8)))
            #expect(stated["silent_sources"] as? [String] == ["quiet"])
            #expect((stated["sources"] as? [[String: Any]])?.isEmpty == false)
            #expect(stated["since"] as? String != nil, "the default window is part of the statement")
            #expect(stated["own_audit_left_out"] as? Bool == true)
        }
    }
}
