import EventModel
import Intake

/// How far the reading again of a source's history is, or how it ended.
struct RenormalisationStatus: Sendable {
    enum Phase: String, Sendable {
        case running
        /// Searches see the new reading; after a dry run, nothing has changed.
        case done
        /// Somebody ended it, or the server did: nothing has changed.
        case stopped
        /// Nothing has changed.
        case failed
    }

    let source: String
    let since: Timestamp?
    let isDryRun: Bool
    let started: Timestamp
    var phase = Phase.running
    var finished: Timestamp?
    /// Why it failed.
    var reason: String?
    var counts = Rereading.Counts()

    /// - Parameter visible: The classes of fields that the reader may see of every event; examples show no other.
    func write(visible: Set<FieldGroup>, to json: inout JSONWriter) {
        json.object { json in
            json.member("source", source)
            json.member("state", phase.rawValue)
            json.member("dry_run", isDryRun)
            json.member("since", since?.text)
            json.member("started", started.text)
            json.member("finished", finished?.text)
            json.member("reason", reason)
            json.member("events", Int64(counts.events))
            json.member("read", Int64(counts.read))
            json.member("differing", Int64(counts.differing))
            json.member("unreadable", Int64(counts.unreadable))
            json.member("untouched", Int64(counts.untouched))
            json.member("kept", Int64(counts.kept))
            json.member("connectors") { json in
                json.object { json in
                    for (name, events) in counts.connectors.sorted(by: { $0.key < $1.key }) {
                        json.member(name, Int64(events))
                    }
                }
            }
            json.member("examples") { json in
                json.array { json in for example in counts.examples { write(example, visible, to: &json) } }
            }
        }
    }

    private func write(_ example: Rereading.Example, _ visible: Set<FieldGroup>, to json: inout JSONWriter) {
        json.object { json in
            json.member("index", Int64(example.index))
            json.member("differences") { json in
                json.array { json in
                    for difference in example.differences where visible.contains(difference.group) {
                        json.object { json in
                            json.member("field", difference.field)
                            json.member("sealed", difference.sealed)
                            json.member("now", difference.now)
                        }
                    }
                }
            }
        }
    }
}
