import CustodyServer
import DurableFiles
import EventModel
import Foundation
import Ledger
import SystemPackage

/// What is printed.
extension VerifyCommand {
    func tell(
        _ counts: VerificationCounts, _ checkpoint: SignedCheckpoint?, isTrusted: Bool, faults: [String],
        notes: [String] = [], _ context: CommandContext
    ) throws {
        let rows: [(String, UInt64)] = [
            ("verified", counts.verified), ("lawfully destroyed", counts.lawfullyDestroyed),
            ("destroyed without proven authority", counts.destroyedWithoutAuthority), ("missing", counts.missing),
            ("altered", counts.altered),
        ]
        if output.json {
            let members = rows.map { "\"\($0.0.replacingOccurrences(of: " ", with: "_"))\":\($0.1)" }
            var first: [UInt8] = []
            if let fault = faults.first { JSONText.appendString(fault, to: &first) }
            let fault = first.isEmpty ? "" : ",\"fault\":" + String(decoding: first, as: UTF8.self)
            let told = notes.map { note in
                var text: [UInt8] = []
                JSONText.appendString(note, to: &text)
                return String(decoding: text, as: UTF8.self)
            }
            let list = told.isEmpty ? "" : ",\"notes\":[\(told.joined(separator: ","))]"
            return try context.console.lines([
                "{" + members.joined(separator: ",") + ",\"trusted\":\(isTrusted)\(fault)\(list)}"
            ])
        }
        var lines = rows.map { "\(String($0.1).leftPadded(to: 12))  \($0.0)" }
        if let checkpoint {
            lines.append("checkpoint of \(checkpoint.checkpoint.origin), \(checkpoint.checkpoint.size) leaves")
        }
        lines += notes
        if !isTrusted {
            lines.append("self-consistent only: the key is the target's own; give the one you noted with --vkey")
        }
        try context.console.lines(lines)
        for fault in faults { context.console.note("wrong: \(fault)") }
    }
}

extension String {
    fileprivate func leftPadded(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }
}
