import Detection
import EventModel

/// The answers about known incidents as the page shows them.
struct ExposureData {
    /// Bytes of a query that a link may carry: browsers, proxies and this server take addresses far longer than that.
    static let linkedQuery = 1_500
    /// Stretches without events that are listed of a channel.
    static let shownGaps = 5

    let guides: [ConnectGuide]
    /// What connectors are called, by name.
    let titles: [String: String]

    func data(_ report: ExposureReport, now: Timestamp) -> PageData {
        // A yes is what somebody looks for at night; what cannot be told is work, a no is none.
        let order: [ExposureReport.Answer] = [.yes, .cannotTell, .no]
        let entries = order.map { answer in
            report.entries.filter { $0.answer == answer }
                .sorted { $0.incident.exposure.from > $1.incident.exposure.from }
                .map { entry($0, now: now) }
        }
        return .of([
            "verdict": verdict(report), "checked": PageData.time(report.checked, now: now),
            "took": Self.duration(report.nanoseconds),
            "yes": entries[0].isEmpty ? nil : ["incidents": entries[0]] as PageData,
            "cannot_tell": Self.section(entries[1]), "no": Self.section(entries[2]),
        ])
    }

    private static func section(_ entries: [PageData]) -> PageData? {
        entries.isEmpty ? nil : ["number": entries.count, "incidents": entries]
    }

    private func verdict(_ report: ExposureReport) -> PageData {
        let (yes, no, unclear) = (report.count(.yes), report.count(.no), report.count(.cannotTell))
        guard yes == 0 else {
            let titles = report.entries.filter { $0.answer == .yes }.map(\.incident.title)
            return [
                "kind": "bad", "is_yes": true,
                "text": "Yes. Your events show \(titles.joined(separator: ", ")).",
            ]
        }
        guard unclear > 0 else {
            return ["kind": "good", "text": "No. What would have shown one of the \(no) was there the whole time."]
        }
        return [
            "kind": "warn",
            "text": no == 0
                ? "No sign of any, but no event here could rule one out."
                : "No sign of any. \(no) of \(report.entries.count) are ruled out; the others cannot be told from what is here."
                ,
        ]
    }

    private func entry(_ entry: ExposureReport.Entry, now: Timestamp) -> PageData {
        let incident = entry.incident
        let events = entry.evidence.map {
            EventSummary(index: LeafIndex($0.index), json: $0.event, parser: JSONParser()).data(now: now)
        }
        let found = entry.findings.filter { $0.matched > 0 }
        let rows = entry.coverage.map(coverage)
        let connect = connections(entry)
        return .of([
            "id": incident.id, "title": incident.title, "summary": incident.summary,
            "reason": Page.sentence(Self.readable(entry.reason)), "period": Self.period(incident.exposure),
            "references": incident.references, "has_references": incident.references.isEmpty ? nil : true,
            "sources": incident.sources.map { ["url": $0, "host": Self.host(of: $0)] as PageData },
            "remedy": incident.remedy, "events": events, "has_events": events.isEmpty ? nil : true,
            "searches": found.map { search($0, incident.exposure) }, "has_searches": found.isEmpty ? nil : true,
            "coverage": rows, "has_coverage": rows.isEmpty ? nil : true,
            "connect": connect, "has_connect": connect.isEmpty ? nil : true,
        ])
    }

    /// What was found of one indicator, with the search that finds all of it.
    private func search(_ finding: ExposureReport.Finding, _ window: KnownIncident.Window) -> PageData {
        let indicator = finding.indicator
        let query =
            indicator.ignoresRefused ? "\(indicator.filter) -outcome:(denied OR failure)" : indicator.filter
        let path = PagePath.with(
            "/search",
            [
                "q": query, "since": window.from.text,
                "until": indicator.period == .exposure ? window.until.text : nil,
            ])
        return .of([
            "title": indicator.title, "count": (finding.isExact ? "" : "at least ") + PageNumber.text(finding.matched),
            "is_hint": indicator.weight == .hint ? true : nil,
            "link": query.utf8.count > Self.linkedQuery
                ? nil : ["title": indicator.title, "path": path] as PageData,
        ])
    }

    private func coverage(_ channel: ChannelCoverage) -> PageData {
        let sources = channel.sources.map { "\($0.name) (\(PageTime.count(Int64($0.events), "event")))" }
        var gaps = channel.isEmpty ? [] : channel.gaps.prefix(Self.shownGaps).map(Self.period)
        if !channel.isEmpty, channel.gaps.count > Self.shownGaps {
            gaps.append("\(PageNumber.text(channel.gaps.count - Self.shownGaps)) times more")
        }
        let state: (text: String, kind: String) =
            channel.isWhole ? ("the whole time", "good") : channel.isEmpty ? ("nothing", "plain") : ("in part", "warn")
        return .of([
            "title": channel.channel.title, "limit": channel.channel.limit, "state": state.text, "kind": state.kind,
            "events": PageTime.count(Int64(channel.events), "event"),
            "sources": sources.isEmpty ? nil : sources.joined(separator: ", "),
            "gaps": gaps.isEmpty ? nil : gaps.joined(separator: "; "),
            "is_missing": channel.hasRecordedGap && channel.gaps.isEmpty ? true : nil,
            "is_weak": channel.channel.isConclusive ? nil : true,
        ])
    }

    /// What to connect so that the next such question has an answer; nothing where there is one.
    private func connections(_ entry: ExposureReport.Entry) -> [PageData] {
        guard entry.answer == .cannotTell else { return [] }
        var connectors: [String] = []
        for channel in entry.coverage where channel.channel.isConclusive && !channel.isWhole {
            for name in channel.channel.connect where !connectors.contains(name) { connectors.append(name) }
        }
        return connectors.map { name in
            if let guide = guides.first(where: { $0.connector == name }) {
                return ["title": guide.title, "path": "/connect/\(guide.id)"]
            }
            return [
                "title": titles[name] ?? name, "path": PagePath.with("/connect/anything", ["connector": name]),
            ]
        }
    }

    /// `from 2025-03-14 00:00 to 2025-03-16 00:00`, UTC; dates alone where the hours are none.
    private static func period(_ window: KnownIncident.Window) -> String {
        let texts = [window.from, window.until].map { String(PageTime.text($0).prefix(16)) }
        let isOfDays = texts.allSatisfy { $0.hasSuffix("00:00") }
        return "\(texts[0].prefix(isOfDays ? 10 : 16)) to \(texts[1].prefix(isOfDays ? 10 : 16))"
    }

    /// A reason without what the page has as buttons, its moments as people write them.
    private static func readable(_ reason: String) -> String {
        let words = reason.firstRange(of: "; connect one of: ").map { String(reason[..<$0.lowerBound]) } ?? reason
        return words.replacing("T00:00:00Z", with: "").replacing(#/T(\d\d:\d\d):\d\dZ/#) { " \($0.output.1)" }
    }

    private static func host(of url: String) -> String {
        String(url.drop { $0 != "/" }.drop { $0 == "/" }.prefix { $0 != "/" })
    }

    private static func duration(_ nanoseconds: Int64) -> String {
        let milliseconds = nanoseconds / 1_000_000
        return milliseconds < 10_000 ? "\(PageNumber.text(milliseconds)) ms" : PageTime.duration(milliseconds / 1_000)
    }
}
