import Connectors
import EventModel
import Foundation
import Intake
import Testing

@testable import CustodyServer

@Suite("Following files")
struct FilePullTests {
    /// A directory of its own, and a pull that remembers its cursor.
    private final class Follower {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("follow-\(UUID().uuidString)")
        let pull: FilePull
        var cursor: PullCursor?
        private(set) var lines: [String] = []
        private(set) var ids: [String] = []
        private(set) var gaps: [PullGap] = []

        init(_ pattern: String = "app.log", lineBytes: Int = 1_024, fromStart: Bool = true) throws {
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            pull = FilePull(
                patterns: FilePatterns(patterns: [directory.path + "/" + pattern]), lineBytes: lineBytes,
                readsFromStart: fromStart,
                now: { Timestamp(seconds: 1_795_000_000) })
        }

        deinit { try? FileManager.default.removeItem(at: directory) }

        func path(_ name: String) -> String { directory.path + "/" + name }

        func write(_ text: String, to name: String = "app.log") throws {
            if let handle = FileHandle(forWritingAtPath: path(name)) {
                try handle.seekToEnd()
                try handle.write(contentsOf: Data(text.utf8))
                try handle.close()
            } else {
                try Data(text.utf8).write(to: URL(fileURLWithPath: path(name)))
            }
        }

        /// Pulls until there is no more; `savingCursor: false` is a process that was killed before it could.
        func follow(savingCursor: Bool = true) throws {
            var next = cursor
            while true {
                let page = try pull.read(after: next)
                next = page.cursor
                gaps += page.gaps
                if let delivery = page.delivery {
                    for frame in delivery.frames ?? [] {
                        lines.append(String(decoding: delivery.body[frame.range], as: UTF8.self))
                        ids.append(frame.identifier ?? "")
                    }
                }
                guard page.hasMore else { break }
            }
            if savingCursor { cursor = next }
        }
    }

    @Test("Whole lines are read once; one that is still being written is waited for")
    func growing() throws {
        let follower = try Follower()
        try follower.write("one\r\n\ntwo\npar")
        try follower.follow()
        #expect(follower.lines == ["one", "two"])
        try follower.write("t\nthree\n")
        try follower.follow()
        try follower.follow()
        #expect(follower.lines == ["one", "two", "part", "three"] && follower.gaps.isEmpty)
        #expect(Set(follower.ids).count == 4)
    }

    @Test("What is read again after a crash has the same ids, whatever was written since")
    func again() throws {
        let follower = try Follower()
        try follower.write("one\n")
        try follower.follow()
        try follower.write("two\n")
        try follower.follow(savingCursor: false)
        try follower.write("three\n")
        try follower.follow()
        #expect(follower.lines == ["one", "two", "two", "three"])
        #expect(follower.ids[1] == follower.ids[2] && Set(follower.ids).count == 3)
    }

    @Test("A file that was renamed is read to its end, then the new one; twice between two looks as well")
    func renamed() throws {
        let follower = try Follower()
        try follower.write("one\n")
        try follower.follow()
        try follower.write("two\n")
        try FileManager.default.moveItem(atPath: follower.path("app.log"), toPath: follower.path("app.log.1"))
        try follower.write("three\n")
        try follower.follow()
        #expect(follower.lines == ["one", "two", "three"] && follower.gaps.isEmpty)
        try follower.write("four\n", to: "app.log")
        try follower.follow()
        #expect(follower.lines.last == "four" && follower.gaps.isEmpty)
    }

    /// Rotates as logrotate's `copytruncate` does.
    private func copyAndTruncate(_ follower: Follower, to name: String) throws {
        try FileManager.default.copyItem(atPath: follower.path("app.log"), toPath: follower.path(name))
        let handle = try #require(FileHandle(forWritingAtPath: follower.path("app.log")))
        try handle.truncate(atOffset: 0)
        try handle.close()
    }

    @Test("A file that was copied and truncated is read on in the copy, and begins anew, also when it has grown again")
    func copied() throws {
        let follower = try Follower()
        try follower.write("first line\nsecond line\n")
        try follower.follow()
        try follower.write("third line\n")
        // Read, but killed before the cursor was saved: the copy's lines are the same.
        try follower.follow(savingCursor: false)
        try copyAndTruncate(follower, to: "app.log.1")
        try follower.write("other line\nand far more than there was before it was truncated\n")
        try follower.follow()
        #expect(follower.lines.filter { $0 == "third line" }.count == 2 && follower.gaps.isEmpty)
        try follower.follow()
        #expect(follower.lines.count == 6 && Set(follower.ids).count == 5)
    }

    @Test("Where no copy can be found, what may be missing is a gap")
    func truncated() throws {
        let follower = try Follower()
        try follower.write("first line\nsecond line\n")
        try follower.follow()
        try copyAndTruncate(follower, to: "elsewhere")
        try follower.write("other line\nand far more than there was before\n")
        try follower.follow()
        #expect(follower.lines.suffix(2) == ["other line", "and far more than there was before"])
        #expect(follower.gaps.count == 1 && follower.gaps.first?.reason.contains("truncated") == true)
    }

    @Test("A file that was compressed is read on in its .gz; one that is gone is a gap")
    func compressed() throws {
        let follower = try Follower()
        try follower.write("one\ntwo\n")
        try follower.follow()
        let all = Array("one\ntwo\nthree\nfour".utf8)
        try Data(gzip(all)).write(to: URL(fileURLWithPath: follower.path("app.log.1.gz")))
        try FileManager.default.removeItem(atPath: follower.path("app.log"))
        try follower.write("five\n")
        try follower.follow()
        #expect(follower.lines.sorted() == ["five", "four", "one", "three", "two"] && follower.gaps.isEmpty)
        try FileManager.default.removeItem(atPath: follower.path("app.log"))
        try follower.follow()
        #expect(follower.gaps.count == 1 && follower.gaps.first?.reason.contains("gone") == true)
    }

    @Test(
        "A line beyond the limit is cut into what may be one; a pattern finds files that come later; a start at the end skips"
    )
    func odds() throws {
        let long = try Follower(lineBytes: 16)
        try long.write("short\n" + String(repeating: "x", count: 40) + "\n")
        try long.follow()
        #expect(long.lines.joined() == "short" + String(repeating: "x", count: 40))
        #expect(long.lines.allSatisfy { $0.utf8.count <= 16 })
        let many = try Follower("*.json", fromStart: false)
        try many.write("old\n", to: "a.json")
        try many.follow()
        try many.write("new\n", to: "a.json")
        try many.write("other\n", to: "b.json")
        try many.write("none\n", to: "c.txt")
        try many.follow()
        #expect(many.lines.sorted() == ["new", "other"])
    }

    @Test("More files than one pull follows are refused, and a file that two patterns name counts once")
    func limit() throws {
        let scene = try Follower("*.log")
        try scene.write("1\n", to: "a.log")
        try scene.write("2\n", to: "b.log")
        let all = scene.path("*.log")
        #expect(try FilePatterns(patterns: [all, scene.path("a.log")], limit: 2).files().count == 2)
        let error = #expect(throws: PullError.self) { try FilePatterns(patterns: [all], limit: 1).files() }
        #expect(error?.code == .malformed)
    }

    @Test(
        "Names are matched by their stars",
        arguments: [
            ("a.log", "a.log", true), ("a.log", "*.log", true), ("a.log.1", "*.log", false), ("abc", "a*b*c", true),
            ("ac", "a*b*c", false), ("a.logx", "a.log", false), ("x", "*", true),
        ])
    func patterns(name: String, pattern: String, fits: Bool) {
        #expect(FilePatterns.matches(name, pattern) == fits)
    }
}
