import Testing

@testable import Detection

@Suite("Reading baselines")
struct BaselineReadingTests {
    private func reason(_ baseline: String, group: String = "") -> String? {
        let text = """
            title: sample
            logsource: {category: supply_chain}
            detection: {s: {a: 1}, condition: s}
            custody: {baseline: {\(baseline)}\(group)}

            """
        return Samples.rules(text).errors.first?.reason
    }

    @Test(
        "What is wrong with a baseline is said",
        arguments: [
            ("type: usual, of: a", "a baseline's type is one of"),
            ("type: first-seen, of: a, lern: 1d", "`lern` is not a part of a baseline"),
            ("type: first-seen, of: a, within: 1d", "`within` has no meaning for a baseline of type first-seen"),
            ("type: first-seen, per: a", "a baseline of type first-seen has `of`"),
            ("type: burst, per: a, of: b, within: 1m, more-than: 5", "a burst has no `of`"),
            ("type: burst, within: 1m, more-than: 5", "a baseline of type burst has `per`"),
            ("type: burst, per: a, more-than: 5", "the baseline has no `within`"),
            ("type: burst, per: a, within: 1m, more-than: 0", "`more-than` is a whole number from 1 to"),
            ("type: burst, per: a, within: 1x, more-than: 5", "`within` is a number with a unit"),
            ("type: burst, per: a, within: 0s, more-than: 5", "`within` is more than nothing"),
            ("type: dormant, per: a, after: 9999999999999999w", "longer than ten years"),
            ("type: distinct-burst, per: a, of: b, within: 1m, more-than: 5000", "whole number from 1 to 1024"),
            ("type: first-seen, of: a|base64", "modifiers of a baseline's field are network and package"),
            ("type: first-seen, of: [a, b, c, d, e, f, g, h, i]", "more than 8 fields"),
            ("type: missing, per: a, within: 1m", "`followed-by` names a rule"),
            ("type: missing, per: [a, b], by: [c], followed-by: x, within: 1m", "as many fields as `per`"),
            ("type: missing, per: a, followed-by: itself, before: 1h, within: 1m", "have no meaning"),
        ])
    func refusals(baseline: String, expected: String) {
        #expect(reason(baseline)?.contains(expected) == true, "\(reason(baseline) ?? "accepted")")
    }

    @Test("A group of a baseline names its own fields")
    func group() {
        let baseline = "type: first-seen, per: a, of: b"
        #expect(reason(baseline, group: ", group: [a]") == nil)
        #expect(reason(baseline, group: ", group: [c]")?.contains("`c` is none of them") == true)
    }

    @Test("A correlation has no baseline")
    func correlation() {
        let text = """
            title: both
            correlation: {type: event_count, rules: [x], timespan: 1m, condition: {gte: 2}}
            custody: {baseline: {type: first-seen, of: a}}

            """
        #expect(Samples.rules(text).errors.first?.reason == "a correlation has no baseline")
    }

    @Test(
        "Package URLs lose version, qualifiers and subpath, and keep their scope",
        arguments: [
            ("pkg:npm/express@4.1.0", "pkg:npm/express"), ("pkg:npm/@acorn/till@1.0", "pkg:npm/@acorn/till"),
            ("pkg:npm/%40acorn/till", "pkg:npm/%40acorn/till"), ("pkg:oci/till@sha256%3Aaa?tag=1#x", "pkg:oci/till"),
        ])
    func packages(purl: String, name: String) {
        let made = Array(purl.utf8).withUnsafeBytes { BaselineTuples.transformed($0, .package) }
        #expect(String(decoding: made, as: UTF8.self) == name)
    }
}
