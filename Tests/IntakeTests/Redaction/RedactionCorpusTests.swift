import EventModel
import Foundation
import Intake
import Testing

private let corpus: URL = {
    if let path = ProcessInfo.processInfo.environment["CUSTODY_CORPUS"] { return URL(fileURLWithPath: path) }
    // Tests/IntakeTests/Redaction/ is three levels below the package.
    let package = (0..<4).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
    return package.deletingLastPathComponent().appendingPathComponent("shared/corpus")
}()

private let files: [URL] = {
    let names = FileManager.default.enumerator(at: corpus, includingPropertiesForKeys: nil)
    return (names?.allObjects as? [URL] ?? []).filter { $0.deletingLastPathComponent().path != corpus.path }
        .filter { ["json", "ndjson", "txt", "log"].contains($0.pathExtension) }.sorted { $0.path < $1.path }
}()

@Suite("Redaction of real payloads", .enabled(if: !files.isEmpty))
struct RedactionCorpusTests {
    private static let key = [UInt8](repeating: 9, count: 32)

    @Test("JSON stays JSON, and redacting twice changes nothing")
    func staysJSON() throws {
        let parser = JSONParser()
        let shows = ProcessInfo.processInfo.environment["CUSTODY_SHOW_REDACTIONS"] != nil
        for file in files {
            let payload = [UInt8](try Data(contentsOf: file))
            guard case .redacted(let redaction) = Redactor().redact(payload, fingerprintKey: Self.key) else { continue }
            if shows { show(payload, redaction.bytes, file.lastPathComponent) }
            let wasJSON = (try? parser.withDocument(payload) { _ in true }) ?? false
            let isJSON = (try? parser.withDocument(redaction.bytes) { _ in true }) ?? false
            #expect(isJSON == wasJSON, "\(file.lastPathComponent)")
            guard case .unchanged = Redactor().redact(redaction.bytes, fingerprintKey: Self.key) else {
                Issue.record("not idempotent: \(file.lastPathComponent)")
                continue
            }
        }
    }

    /// Prints each place where a payload was changed, for a person to judge.
    private func show(_ before: [UInt8], _ after: [UInt8], _ name: String) {
        let text = String(decoding: after, as: UTF8.self)
        for mark in text.ranges(of: "[redacted:") {
            let start = text.index(mark.lowerBound, offsetBy: -50, limitedBy: text.startIndex) ?? text.startIndex
            let end = text.index(mark.lowerBound, offsetBy: 60, limitedBy: text.endIndex) ?? text.endIndex
            print("REDACTED", name, text[start..<end].replacing("\n", with: " "))
        }
        print("BYTES", name, before.count, after.count)
    }

    @Test("A payload without secrets costs about two nanoseconds a byte", .enabled(if: isMeasuring))
    func cost() throws {
        var payloads: [[UInt8]] = []
        for file in files {
            let payload = [UInt8](try Data(contentsOf: file))
            guard (600...1_200).contains(payload.count),
                case .unchanged = Redactor().redact(payload, fingerprintKey: Self.key)
            else { continue }
            payloads.append(payload)
        }
        let bytes = payloads.reduce(0) { $0 + $1.count }
        let rounds = 200
        // Processor time: other processes on the machine do not count.
        let start = clock()
        for _ in 0..<rounds {
            for payload in payloads { _ = Redactor().redact(payload, fingerprintKey: Self.key) }
        }
        let seconds = Double(clock() - start) / Double(CLOCKS_PER_SEC)
        let microseconds = seconds / Double(rounds * payloads.count) * 1e6
        print("redact:", payloads.count, "payloads of", bytes / payloads.count, "bytes:", microseconds, "µs")
    }
}

/// Set CUSTODY_MEASURE to print costs; a busy machine must not fail the tests.
private let isMeasuring = ProcessInfo.processInfo.environment["CUSTODY_MEASURE"] != nil
