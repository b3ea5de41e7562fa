import ArgumentParser
import CustodyServer
import DurableFiles
import EventModel
import EventStore
import Foundation
import Intake
import Journal
import Ledger
import SystemPackage

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Look for what keeps a server from working, with the remedy for each.",
        discussion: """
            With --incidents it asks instead whether the events show supply-chain incidents that became public: yes with \
            evidence, no with what was covered, or cannot tell and why. Exit status 1: one of the answers is yes.
            """)

    private enum Mark: String { case ok, warn, fail }
    private struct Finding {
        let mark: Mark
        let subject: String
        let text: String
    }

    @Flag(help: "Check the events of the server against known supply-chain incidents.")
    var incidents = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var server: ClientOptions

    func run() async throws {
        let context = CommandContext.current
        guard !incidents else { return try await tellIncidents(context) }
        let data = server.data ?? DataPlace.usual
        var findings: [Finding] = []
        if FileManager.default.fileExists(atPath: data) {
            findings += directory(FilePath(data))
        } else {
            findings.append(
                Finding(mark: .warn, subject: "data", text: "there is no \(data) here; name it with --data"))
        }
        findings += await reachability(context)
        try context.console.lines(
            findings.map { finding in
                output.json
                    ? "{\"mark\":\"\(finding.mark.rawValue)\",\"subject\":\"\(finding.subject)\",\"text\":\(Self.quoted(finding.text))}"
                    : finding.mark.rawValue.padding(toLength: 6, withPad: " ", startingAt: 0)
                        + finding.subject.padding(toLength: 10, withPad: " ", startingAt: 0) + finding.text
            })
        if findings.contains(where: { $0.mark == .fail }) { throw CommandFailure(.nothingFound, nil) }
    }

    private func directory(_ path: FilePath) -> [Finding] {
        var findings: [Finding] = []
        let fileSystem = RealFileSystem()
        let modes = [
            (path.string, 0o700), (path.appending("keys").string, 0o700),
            (path.appending("keys/ledger.key").string, 0o600),
        ]
        for (file, wanted) in modes {
            let attributes = try? FileManager.default.attributesOfItem(atPath: file)
            guard let mode = (attributes?[.posixPermissions] as? NSNumber)?.intValue else {
                findings.append(
                    Finding(mark: .fail, subject: "files", text: "\(file) is missing or cannot be looked at"))
                continue
            }
            if mode & 0o077 != 0 {
                let remedy = "others may read \(file); run: chmod \(String(wanted, radix: 8)) \(file)"
                findings.append(Finding(mark: .fail, subject: "files", text: remedy))
            }
        }
        if let free = try? fileSystem.freeBytes(at: path), let volume = try? fileSystem.volumeBytes(at: path) {
            let reserve = UInt64(IntakeLimits().reservedBytes(ofVolume: volume))
            let text = "\(free >> 20) MiB free, \(reserve >> 20) MiB are kept in reserve"
            let mark: Mark = free <= reserve ? .fail : free < reserve * 8 ? .warn : .ok
            findings.append(
                Finding(
                    mark: mark, subject: "disk", text: mark == .fail ? text + ": intake answers 503; make room" : text))
        }
        if let key = DataDirectoryVerifier.ownKey(of: path) {
            do {
                let ledger = try LedgerReader(directory: path.appending("ledger"), fileSystem: fileSystem, key: key)
                findings.append(Finding(mark: .ok, subject: "ledger", text: "\(ledger.size) leaves, vkey \(key)"))
            } catch {
                findings.append(Finding(mark: .fail, subject: "ledger", text: "\(error); run: custody verify \(path)"))
            }
        } else {
            findings.append(Finding(mark: .fail, subject: "ledger", text: "keys/ledger.key cannot be read"))
        }
        do {
            let inspection = try SegmentInspection(directory: path.appending("segments"), fileSystem: fileSystem)
            findings.append(
                Finding(mark: .ok, subject: "segments", text: "\(inspection.segments.count) segments open"))
            findings += inspection.faults.map {
                Finding(mark: .fail, subject: "segments", text: "\($0); run: custody verify \(path)")
            }
        } catch {
            findings.append(Finding(mark: .fail, subject: "segments", text: "\(error)"))
        }
        return findings + journal(path) + database(path)
    }

    private func journal(_ path: FilePath) -> [Finding] {
        var findings: [Finding] = []
        do {
            let verifier = JournalVerifier(directory: path.appending("journal"), fileSystem: RealFileSystem())
            let summary = try verifier.verify { finding in
                // An unfinished write is what a running server's next one looks like; a start cuts it off.
                let isTorn = finding.kind == .tornWrite
                let remedy = isTorn ? "the next start cuts it off" : "run: custody verify \(path)"
                findings.append(
                    Finding(
                        mark: isTorn ? .warn : .fail, subject: "journal",
                        text: "\(finding.file), byte \(finding.offset): \(finding.reason); \(remedy)"))
            }
            if findings.isEmpty {
                findings.append(
                    Finding(mark: .ok, subject: "journal", text: "\(summary.recordCount) records, all whole"))
            }
        } catch {
            findings.append(Finding(mark: .fail, subject: "journal", text: "\(error)"))
        }
        return findings
    }

    private func database(_ path: FilePath) -> [Finding] {
        do {
            let state = try StateExamination(path.appending("state.db"))
            let problems = state.problems.map { problem in
                Finding(mark: .fail, subject: "state.db", text: "\(problem); restore it from the last backup")
            }
            let sound = Finding(mark: .ok, subject: "state.db", text: "sound")
            return (problems.isEmpty ? [sound] : problems)
                + state.quarantined.map { source, entries in
                    let text = "\(entries) refused entries of the source \(source) wait for a look"
                    return Finding(mark: .warn, subject: "intake", text: text)
                }
        } catch {
            return [Finding(mark: .fail, subject: "state.db", text: "cannot be opened: \(error)")]
        }
    }

    private func reachability(_ context: CommandContext) async -> [Finding] {
        do {
            let client = try server.client(context)
            let ready = try await client.send(.get, "/readyz")
            let state = ready.isSuccess ? "ready" : "not ready: its views are behind; see /readyz"
            var findings = [
                Finding(
                    mark: ready.isSuccess ? .ok : .warn, subject: "server", text: "\(client.address.text) is \(state)")
            ]
            let integrity = try await client.send(.get, "/v1/integrity")
            findings.append(
                integrity.isSuccess
                    ? Finding(mark: .ok, subject: "token", text: "the token is good")
                    : Finding(
                        mark: .fail, subject: "token", text: client.failure(integrity).reason ?? "the token was refused"
                    ))
            return findings
        } catch {
            return [
                Finding(
                    mark: .warn, subject: "server", text: CommandFailure(error).reason ?? "the server cannot be reached"
                )
            ]
        }
    }

    private static func quoted(_ text: String) -> String {
        var bytes: [UInt8] = []
        var text = text
        text.withUTF8 { JSONText.appendString(UnsafeRawBufferPointer($0), to: &bytes) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
