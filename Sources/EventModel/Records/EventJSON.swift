/// Writes a sealed event as the JSON of EVENT.md: nested objects, absent fields absent.
package enum EventJSON {
    private enum Node {
        case scalar(StaticString, Field)
        case object(StaticString, [(StaticString, Field)])
        case objects(StaticString, [(StaticString, Field)])
    }

    private static let layout: [Node] = [
        .scalar("id", .id), .scalar("schema", .schema), .scalar("time", .time), .scalar("time_basis", .timeBasis),
        .scalar("received", .received),
        .object(
            "source",
            [
                ("name", .sourceName), ("kind", .sourceKind), ("instance", .sourceInstance),
                ("event_type", .sourceEventType), ("delivery", .sourceDelivery), ("verified", .sourceVerified),
            ]),
        .scalar("action", .action), .scalar("activity", .activity), .scalar("category", .category),
        .object(
            "actor",
            [
                ("id", .actorID), ("name", .actorName), ("email", .actorEmail), ("type", .actorType),
                ("via", .actorVia), ("credential", .actorCredential),
            ]),
        .object(
            "client",
            [
                ("ip", .clientIP), ("port", .clientPort), ("chain", .clientChain), ("agent", .clientAgent),
                ("name", .clientName),
            ]),
        .object(
            "resource",
            [
                ("type", .resourceType), ("id", .resourceID), ("name", .resourceName), ("parent", .resourceParent),
                ("url", .resourceURL),
            ]),
        .objects(
            "targets",
            [
                ("type", .targetsType), ("id", .targetsID), ("name", .targetsName), ("parent", .targetsParent),
                ("url", .targetsURL),
            ]),
        .scalar("outcome", .outcome), .scalar("outcome_code", .outcomeCode),
        .scalar("outcome_reason", .outcomeReason),
        .object("app", [("name", .appName), ("version", .appVersion), ("env", .appEnv)]),
        .object(
            "api",
            [
                ("protocol", .apiProtocol), ("method", .apiMethod), ("path", .apiPath), ("operation", .apiOperation),
                ("status", .apiStatus), ("version", .apiVersion), ("request_id", .apiRequestID),
                ("duration_ms", .apiDuration),
            ]),
        .objects(
            "artifact",
            [
                ("name", .artifactName), ("purl", .artifactPURL), ("digest", .artifactDigest), ("tag", .artifactTag),
                ("media_type", .artifactMediaType), ("size", .artifactSize),
            ]),
        .object(
            "vcs",
            [
                ("repo", .vcsRepo), ("ref", .vcsRef), ("commit", .vcsCommit), ("before", .vcsBefore),
                ("change", .vcsChange),
            ]),
        .object(
            "ci",
            [
                ("system", .ciSystem), ("pipeline", .ciPipeline), ("run", .ciRun), ("attempt", .ciAttempt),
                ("job", .ciJob), ("runner", .ciRunner),
            ]),
        .object(
            "corr",
            [
                ("trace", .corrTrace), ("span", .corrSpan), ("request", .corrRequest), ("session", .corrSession),
                ("chain", .corrChain), ("links", .corrLinks),
            ]),
        .object(
            "payload",
            [
                ("sha256", .payloadSHA256), ("type", .payloadType), ("size", .payloadSize), ("part", .payloadPart),
            ]),
        .object("norm", [("version", .normVersion), ("overlay", .normOverlay), ("warnings", .normWarnings)]),
    ]

    /// Appends one event.
    ///
    /// - Parameters:
    ///   - index: The leaf index; nil for an event that is not in a ledger (yet).
    ///   - groups: The groups that the reader may see; others are left out as if they were absent.
    ///   - omitted: Fields that the reader does not want.
    package static func append(
        _ view: SealedView, index: LeafIndex?, groups: Set<FieldGroup> = Set(FieldGroup.allCases),
        omitting omitted: Set<Field> = [], to output: inout [UInt8]
    ) {
        var writer = ObjectWriter()
        // The buffer changes hands instead of being copied.
        swap(&writer.output, &output)
        defer { swap(&writer.output, &output) }
        writer.open()
        if let index {
            writer.key("index")
            writer.output.append(contentsOf: String(index.rawValue).utf8)
        }
        let entries = view.entries.filter { groups.contains($0.field.group) && !omitted.contains($0.field) }
        for node in layout {
            switch node {
            case .scalar(let key, let field):
                guard let entry = entries.first(where: { $0.field == field }) else { continue }
                writer.key(key)
                writer.value(entry)
            case .object(let key, let members): writer.object(key, members, entries)
            case .objects(let key, let members): writer.objects(key, members, entries)
            }
        }
        writer.extensions(entries.filter { $0.field == .ext })
        writer.close()
    }
}

private struct ObjectWriter {
    var output: [UInt8] = []
    private var needsComma = false

    mutating func open() {
        output.append(UInt8(ascii: "{"))
        needsComma = false
    }

    mutating func close() {
        output.append(UInt8(ascii: "}"))
        needsComma = true
    }

    mutating func key(_ key: StaticString) {
        key.withUTF8Buffer { self.key(UnsafeRawBufferPointer($0)) }
    }

    mutating func key(_ key: UnsafeRawBufferPointer) {
        if needsComma { output.append(UInt8(ascii: ",")) }
        JSONText.appendString(key, to: &output)
        output.append(UInt8(ascii: ":"))
        needsComma = true
    }

    mutating func value(_ entry: SealedEntries.Entry) {
        switch entry.field.type {
        case .time:
            output.append(UInt8(ascii: "\""))
            Timestamp(sealed: entry.value)?.appendText(to: &output)
            output.append(UInt8(ascii: "\""))
        case .integer where entry.value.allSatisfy { $0 &- 0x30 < 10 } && entry.value.count < 19:
            output.append(contentsOf: entry.value)
        default: JSONText.appendString(entry.value, to: &output)
        }
    }

    mutating func object(
        _ name: StaticString, _ members: [(StaticString, Field)], _ entries: [SealedEntries.Entry]
    ) {
        guard entries.contains(where: { entry in members.contains { $0.1 == entry.field } }) else { return }
        key(name)
        open()
        for (memberKey, field) in members {
            let values = entries.filter { $0.field == field }
            guard let first = values.first else { continue }
            key(memberKey)
            if field.isList { array(values) } else { value(first) }
        }
        close()
    }

    mutating func objects(
        _ name: StaticString, _ members: [(StaticString, Field)], _ entries: [SealedEntries.Entry]
    ) {
        let values = entries.filter { entry in members.contains { $0.1 == entry.field } }
        guard let last = values.map(\.element).max() else { return }
        key(name)
        output.append(UInt8(ascii: "["))
        for element in 0...last {
            if element > 0 { output.append(UInt8(ascii: ",")) }
            open()
            for (memberKey, field) in members {
                guard let entry = values.first(where: { $0.field == field && $0.element == element }) else { continue }
                key(memberKey)
                value(entry)
            }
            close()
        }
        output.append(UInt8(ascii: "]"))
    }

    mutating func extensions(_ entries: [SealedEntries.Entry]) {
        guard !entries.isEmpty else { return }
        key("ext")
        open()
        for entry in entries {
            guard let separator = entry.value.firstIndex(of: 0) else { continue }
            key(entry.value.slice(0..<separator))
            JSONText.appendString(entry.value.slice(separator + 1..<entry.value.count), to: &output)
        }
        close()
    }

    private mutating func array(_ entries: [SealedEntries.Entry]) {
        output.append(UInt8(ascii: "["))
        for (position, entry) in entries.enumerated() {
            if position > 0 { output.append(UInt8(ascii: ",")) }
            value(entry)
        }
        output.append(UInt8(ascii: "]"))
    }
}
