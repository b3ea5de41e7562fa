import EventModel
import Foundation
import HummingbirdTesting
import Intake
import Synchronization
import Testing

@testable import CustodyServer

@Suite("Reading GitHub over its API")
struct GitHubStreamTests {
    private static let repository = "acorn/till"

    /// Runs of the last thirty days, evenly, with two jobs each.
    private static func runs(_ count: Int, first: Int64 = 1_000) -> [StandInGitHub.Run] {
        (0..<count).map { number in
            let created = GitHubWorld.start - 3_600 - Int64(number) * (29 * GitHubWorld.day / Int64(max(count, 1)))
            return StandInGitHub.Run(id: first + Int64(count - number), created: created, updated: created + 300)
        }
    }

    @Test("Thirty days of runs, jobs and deployments are read once each, page by page")
    func backfill() async throws {
        try await GitHubWorld.run { state in
            var repository = StandInGitHub.Repository(runs: Self.runs(250))
            repository.deployments = (0..<130).map {
                let created = GitHubWorld.start - Int64($0 + 2) * 18_000
                return .init(
                    id: 500 - Int64($0), created: created,
                    states: [("in_progress", created + 5), ("success", created + 60)])
            }
            state.repositories = [
                Self.repository: repository, "acorn/empty": .init(), "other/till": .init(runs: Self.runs(9)),
            ]
        } _: { world, client in
            let streams = try world.connect(GitHubWorld.entry(streams: ["runs", "jobs", "deployments"]))
            #expect(try await world.drain(streams).isEmpty)
            #expect(try await world.count("action:pipeline.finish", client, expecting: 250) == 250)
            #expect(try await world.count("action:job.finish", client, expecting: 500) == 500)
            #expect(try await world.count("category:deploy", client, expecting: 390) == 390)
            #expect(world.github.requests.allSatisfy { !$0.contains("other") })
            let progress = streams.streams.progress.map(\.snapshot)
            #expect(progress.allSatisfy { $0.phase == .following && $0.backfilled == 1 }, "\(progress)")
            // A new process with the same cursors asks for what is new, and keeps nothing twice.
            let before = world.github.requests.count
            #expect(try await world.drain(try world.reopen()).isEmpty)
            #expect(world.github.requests.count - before < 20, "\(world.github.requests.dropFirst(before))")
            #expect(try await world.count("*", client) == 1_140)
        }
    }

    @Test("More than a search shows is read in windows: none of 2,300 runs is missed or doubled")
    func windows() async throws {
        try await GitHubWorld.run { state in
            state.repositories = [Self.repository: .init(runs: Self.runs(2_300))]
        } _: { world, client in
            try await world.drain(try world.connect(GitHubWorld.entry(streams: ["runs"])))
            #expect(try await world.count("action:pipeline.finish", client, expecting: 2_300) == 2_300)
        }
    }

    @Test("What a backfill has done with is not remembered; what a pass meets again is")
    func settled() {
        typealias Cursor = GitHubListingCursor
        var repository = Cursor.Repository(floor: 1_000)
        let old = Cursor.Item(id: 1, attempt: 1, created: 999, isOld: true)
        let new = Cursor.Item(id: 2, attempt: 1, created: 1_000, isOld: false)
        repository.wanted = [old, new]
        repository.replace(old, by: nil)
        repository.replace(new, by: nil)
        #expect(repository.wanted.isEmpty && repository.settled == [new.key: 1_000])
    }

    /// `CUSTODY_BACKFILL_EVENTS=100000` measures what the number of the goal says.
    @Test("A backfill takes as many events as there are, and the time that it took is told")
    func figure() async throws {
        let wanted = ProcessInfo.processInfo.environment["CUSTODY_BACKFILL_EVENTS"].flatMap { Int($0) } ?? 1_000
        let perRepository = wanted / 20
        try await GitHubWorld.run { state in
            for number in 0..<4 {
                var runs = Self.runs(perRepository, first: Int64(number + 1) * 1_000_000)
                for place in runs.indices { runs[place].jobs = 4 }
                state.repositories["acorn/r\(number)"] = .init(runs: runs)
            }
        } _: { world, client in
            let streams = try world.connect(GitHubWorld.entry(streams: ["runs", "jobs"]))
            let start = ContinuousClock.now
            try await world.drain(streams)
            let took = ContinuousClock.now - start
            let events = perRepository * 4 * 5
            #expect(try await world.count("*", client, expecting: events) == events)
            if wanted > 1_000 {
                print("backfill of \(events) events: \(took), \(world.github.requests.count) requests")
            }
        }
    }

    @Test("A bad day: errors, time-outs, limits, cut-off, repeated and shuffled pages cost time and nothing else")
    func badDay() async throws {
        try await GitHubWorld.run { state in
            state.repositories = [
                Self.repository: .init(runs: Self.runs(420)), "acorn/shop": .init(runs: Self.runs(130, first: 90_000)),
            ]
            state.faultEvery = 3
        } _: { world, client in
            let failures = try await world.drain(try world.connect(GitHubWorld.entry(streams: ["runs", "jobs"])))
            let codes = Set(failures.map(\.code))
            #expect(codes == [.unavailable, .limited, .malformed], "\(codes)")
            #expect(try await world.count("action:pipeline.finish", client, expecting: 550) == 550)
            #expect(try await world.count("action:job.finish", client, expecting: 1_100) == 1_100)
        }
    }

    @Test("A run is told when it starts, and again when it is finished, however old it is by then")
    func following() async throws {
        try await GitHubWorld.run { state in
            state.repositories = [
                Self.repository: .init(runs: [
                    .init(
                        id: 7, created: GitHubWorld.start - 2 * GitHubWorld.day, updated: GitHubWorld.start - 100,
                        status: "in_progress")
                ])
            ]
        } _: { world, client in
            let streams = try world.connect(GitHubWorld.entry(streams: ["runs", "jobs"]))
            try await world.drain(streams)
            #expect(try await world.count("action:pipeline.start", client, expecting: 1) == 1)
            world.clock.advance(3_600)
            world.github.change {
                $0.repositories[Self.repository]?.runs.insert(
                    .init(id: 8, created: GitHubWorld.start + 1_800, updated: GitHubWorld.start + 1_900), at: 0)
            }
            try await world.drain(streams)
            world.clock.advance(3_600)
            world.github.change { $0.repositories[Self.repository]?.runs[1].status = "completed" }
            try await world.drain(streams)
            #expect(try await world.count("action:pipeline.finish", client, expecting: 2) == 2)
            #expect(try await world.count("action:job.finish", client, expecting: 4) == 4)
            #expect(try await world.count("*", client) == 7)
        }
    }

    @Test("What did not change costs nothing of the hour's requests")
    func unchanged() async throws {
        try await GitHubWorld.run { state in
            state.repositories = [
                Self.repository: .init(
                    runs: Self.runs(20), feed: [StandInGitHub.push(50, created: GitHubWorld.start - 60)])
            ]
        } _: { world, _ in
            let streams = try world.connect(GitHubWorld.entry(streams: ["events", "runs"]))
            try await world.drain(streams)
            let used = world.github.state.withLock { $0.used }
            for _ in 0..<5 {
                world.clock.advance(120)
                try await world.drain(streams)
            }
            let (now, same) = world.github.state.withLock { ($0.used, $0.unchanged) }
            #expect(now == used && same >= 5, "\(now) \(used) \(same)")
        }
    }

    @Test("Backfill leaves a third of the hour's requests, waits for the next hour, and is no failure while it does")
    func scarcity() async throws {
        try await GitHubWorld.run { state in
            state.repositories = [Self.repository: .init(runs: Self.runs(300))]
            state.limit = 100
        } _: { world, client in
            let streams = try world.connect(GitHubWorld.entry(streams: ["jobs"]))
            var hours = 0
            var phase = GitHubProgress.Phase.starting
            while phase != .following, hours < 12 {
                #expect(try await world.drain(streams).isEmpty)
                phase = streams.streams.progress[0].snapshot.phase
                #expect(phase == .waiting || phase == .following)
                world.clock.advance(3_601)
                hours += 1
            }
            #expect(try await world.count("action:job.finish", client, expecting: 600) == 600)
            #expect((4...8).contains(hours), "\(hours)")
            #expect(world.github.state.withLock { $0.mostInHour } <= 71)
        }
    }

    @Test("A day without GitHub is caught up; a repository that is refused holds up no other")
    func outage() async throws {
        try await GitHubWorld.run { state in
            state.repositories = [
                Self.repository: .init(runs: Self.runs(30)), "acorn/closed": .init(runs: Self.runs(5), refuses: 403),
            ]
        } _: { world, client in
            let streams = try world.connect(GitHubWorld.entry(streams: ["runs", "events"]))
            try await world.drain(streams)
            #expect(try await world.count("action:pipeline.finish", client, expecting: 30) == 30)
            let skipped = streams.streams.progress.first { $0.stream == .runs }?.snapshot.skipped
            #expect(skipped?["acorn/closed"]?.contains("403") == true)
            world.github.change { $0.isDown = true }
            for _ in 0..<24 {
                world.clock.advance(3_600)
                await #expect(throws: PullError.self) {
                    for run in streams.runs { while try await run.step() {} }
                }
            }
            let end = world.clock.now.seconds
            world.github.change { state in
                state.isDown = false
                state.repositories[Self.repository]?.runs += (0..<150).map {
                    let created = end - 1_000 - Int64($0) * 500
                    return .init(id: 50_000 - Int64($0), created: created, updated: created + 60)
                }
            }
            try await world.drain(streams)
            #expect(try await world.count("action:pipeline.finish", client, expecting: 180) == 180)
        }
    }

    @Test("The feed tells pushes, and a gap when more happened than it shows")
    func feed() async throws {
        try await GitHubWorld.run { state in
            state.repositories = [
                Self.repository: .init(
                    feed: (0..<40).map { StandInGitHub.push(100 + $0, created: GitHubWorld.start - 90_000 + $0 * 60) })
            ]
        } _: { world, client in
            let streams = try world.connect(GitHubWorld.entry(streams: ["events"]))
            try await world.drain(streams)
            #expect(try await world.count("action:code.push ref:refs/heads/main", client, expecting: 40) == 40)
            world.clock.advance(2 * GitHubWorld.day)
            let now = world.clock.now.seconds
            world.github.change { state in
                state.repositories[Self.repository]?.feed += (0..<400).map {
                    StandInGitHub.push(1_000 + $0, created: now - 400 + $0)
                }
            }
            try await world.drain(streams)
            #expect(try await world.count("action:code.push", client, expecting: 340) == 340)
            #expect(streams.streams.progress[0].counters.gaps.load(ordering: .relaxed) == 1)
            let gaps = try await client.search("source:custody action:source.gap", expecting: 1)
            #expect(gaps.count == 1)
        }
    }

    @Test("The audit log is read where the plan has it; where it has none, that is no failure")
    func audit() async throws {
        try await GitHubWorld.run { state in
            state.audit = (0..<230).map { ("doc\($0)", GitHubWorld.start - 86_400 + Int64($0)) }
        } _: { world, client in
            let streams = try world.connect(GitHubWorld.entry(streams: ["audit"]))
            try await world.drain(streams)
            world.clock.advance(120)
            world.github.change { $0.audit?.append(("new", GitHubWorld.start + 60)) }
            try await world.drain(streams)
            #expect(try await world.count("action:repo.create", client, expecting: 231) == 231)
            world.github.change { $0.audit = nil }
            world.clock.advance(120)
            let failures = try await world.drain(streams)
            #expect(failures.map(\.code) == [.denied])
            let quiet = try world.connect(GitHubWorld.entry())
            #expect(try await world.drain(quiet).isEmpty)
            #expect(quiet.streams.progress.first { $0.stream == .audit }?.snapshot.phase == .unavailable)
        }
    }
}
