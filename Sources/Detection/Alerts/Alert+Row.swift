import EventModel
import Foundation
import GRDB

extension Alert {
    init(row: Row) throws {
        guard let status = Status(rawValue: row["status"]) else {
            throw DetectionError(.invalidRequest, "the alert table holds an unknown status")
        }
        guard let kind = Kind(rawValue: row["kind"]) else {
            throw DetectionError(.invalidRequest, "the alert table holds an unknown kind")
        }
        id = row["id"]
        sequence = row["sequence"]
        ruleKey = row["rule_key"]
        ruleTitle = row["rule_title"]
        ruleHash = row["rule_hash"]
        ruleVersion = row["rule_version"]
        self.kind = kind
        severity = Severity(rank: row["severity"])
        tags = try Self.decode([String].self, row["tags"])
        runbook = row["runbook"]
        owner = row["owner"]
        sourceKind = row["source_kind"]
        sourceName = row["source_name"]
        self.status = status
        firstSeen = Timestamp(nanoseconds: row["first_seen"])
        lastSeen = Timestamp(nanoseconds: row["last_seen"])
        count = row["count"]
        unlistedEvidence = row["unlisted_evidence"]
        silenced = row["silenced"]
        incident = row["incident"]
        fingerprint = row["fingerprint"]
        entity = row["entity"]
        group = try Self.decode([AlertGroupValue].self, row["group_values"])
        explanation = try Self.decode([String].self, row["explanation"])
        assignee = row["assignee"]
        verdict = (row["verdict"] as String?).flatMap(Verdict.init)
        comment = row["comment"]
        created = Timestamp(nanoseconds: row["created"])
        updated = Timestamp(nanoseconds: row["updated"])
    }

    static func encode(_ value: some Encodable) throws -> String {
        String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    }

    static func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
        try JSONDecoder().decode(type, from: Data(text.utf8))
    }
}
