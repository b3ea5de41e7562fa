import Detection
import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Intake
import Journal
import SystemPackage
import Testing

@testable import CustodyServer

@Suite("Detection as a view")
struct DetectionViewTests {
    @Test("The state of rules is kept after so many leaves, however soon they came")
    func checkpoints() async throws {
        try await TestServer.run { server, client in
            let state = server.service.state
            for part in 0..<12 {
                let events = (0..<10).map { "{\"id\":\"\(part)-\($0)\",\"action\":\"x.y\"}" }.joined(separator: "\n")
                #expect(try await client.send(.post, "/v1/events", events).status == 200)
            }
            let engine = DetectionEngine(state.engine.ruleSet)
            try #require(engine.hasState)
            let database = try StateDatabase.open(FilePath(server.directory.appendingPathComponent("own.db").path))
            let view = try DetectionView(
                engine: engine, alerts: AlertStore(database, now: state.now), counters: DetectionCounters(),
                checkpointLeaves: 25, committed: { state.intake.committer.end }, now: state.now, onTransition: { _ in })
            var kept = 0
            try state.journal.read(from: 0) { batch in
                let before = view.durableCursor
                try view.process(CommittedBatch(replaying: batch, keyer: state.intake.keyer))
                try view.tick()
                let isDue = view.cursor.rawValue - before.rawValue >= 25
                #expect(view.durableCursor == (isDue ? view.cursor : before))
                if isDue { kept += 1 }
            }
            #expect(kept >= 4)
        }
    }
}
