import Detection
import EventModel

extension ExposureReport {
    /// The report as the route answers it: everything that a page needs to show it.
    func write(_ errors: [DetectionError], to json: inout JSONWriter) {
        json.object { json in
            json.member("pack") { json in
                json.object { json in
                    json.member("sha256", packDigest)
                    json.member("errors") { $0.array { json in for error in errors { json.value(error.description) } } }
                }
            }
            json.member("checked", checked.text)
            json.member("took_ms", nanoseconds / 1_000_000)
            json.member("counts") { json in
                json.object { json in
                    for answer in [Answer.yes, .no, .cannotTell] {
                        json.member(answer.rawValue, Int64(count(answer)))
                    }
                }
            }
            json.member("incidents") { $0.array { json in for entry in entries { entry.write(to: &json) } } }
        }
    }
}

extension ExposureReport.Entry {
    fileprivate func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("id", incident.id)
            json.member("title", incident.title)
            json.member("answer", answer.rawValue)
            json.member("reason", reason)
            json.member("summary", incident.summary)
            json.member("exposure") { incident.exposure.write(to: &$0) }
            json.member("references") { $0.array { json in for text in incident.references { json.value(text) } } }
            json.member("sources") { $0.array { json in for text in incident.sources { json.value(text) } } }
            json.member("remedy", incident.remedy)
            json.member("findings") { $0.array { json in for finding in findings { finding.write(to: &json) } } }
            json.member("evidence") { json in
                json.array { json in
                    for item in evidence {
                        json.object { json in
                            json.member("index", Int64(bitPattern: item.index))
                            json.member("indicator", item.indicator)
                            json.member("weight", item.weight.rawValue)
                            json.member("event") { $0.raw(item.event) }
                        }
                    }
                }
            }
            json.member("coverage") { $0.array { json in for channel in coverage { channel.write(to: &json) } } }
        }
    }
}

extension ExposureReport.Finding {
    fileprivate func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("indicator", indicator.title)
            json.member("weight", indicator.weight.rawValue)
            json.member("period", indicator.period.rawValue)
            json.member("query", indicator.filter)
            json.member("matched", Int64(matched))
            json.member("exact", isExact)
            json.member("refused", Int64(refused))
        }
    }
}

extension ChannelCoverage {
    fileprivate func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("channel", channel.name)
            json.member("title", channel.title)
            json.member("limit", channel.limit)
            json.member("conclusive", channel.isConclusive)
            json.member("connect") { $0.array { json in for name in channel.connect { json.value(name) } } }
            json.member("covered", isWhole ? "all" : isEmpty ? "none" : "part")
            json.member("events", Int64(events))
            json.member("gaps") { $0.array { json in for gap in gaps { gap.write(to: &json) } } }
            json.member("recorded_gap", hasRecordedGap)
            json.member("sources") { json in
                json.array { json in
                    for source in sources {
                        json.object { json in
                            json.member("name", source.name)
                            json.member("events", Int64(source.events))
                            json.member("first", source.first.text)
                            json.member("last", source.last.text)
                            json.member("last_recorded_gap", source.lastRecordedGap?.text)
                        }
                    }
                }
            }
        }
    }
}

extension KnownIncident.Window {
    fileprivate func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("from", from.text)
            json.member("until", until.text)
        }
    }
}
