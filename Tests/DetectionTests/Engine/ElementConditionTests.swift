import EventModel
import Testing

@testable import Detection

@Suite("Conditions on elements of arrays")
struct ElementConditionTests {
    private func holds(_ selection: String, _ payload: String) throws -> Bool {
        let set = Samples.rule("s:\n\(selection)\ncondition: s")
        #expect(set.errors.isEmpty, "\(set.errors)")
        let file = Array(payload.utf8)
        return file.withUnsafeBytes { !EventFileMatcher(set).match($0, ignoreLogsource: true).matches.isEmpty }
    }

    @Test("One element has to meet all of it, where a plain field takes members of several")
    func any() throws {
        let apart = #"{"c":[{"image":"docker.io/x","privileged":false},{"image":"acme/y","privileged":true}]}"#
        let together = #"{"c":[{"image":"acme/y"},{"image":"docker.io/x","privileged":true}]}"#
        let bound = "  c[any]:\n    image|startswith: docker.io/\n    privileged: true"
        let loose = "  c.image|startswith: docker.io/\n  c.privileged: true"
        #expect(try !holds(bound, apart) && holds(loose, apart))
        #expect(try holds(bound, together))
    }

    @Test("All needs elements and each of them, none needs that there is none")
    func allAndNone() throws {
        let all = "  tags[all]|startswith: v"
        #expect(try holds(all, #"{"tags":["v1","V2"]}"#))
        #expect(try !holds(all, #"{"tags":["v1","x"]}"#) && !holds(all, #"{"tags":[]}"#) && !holds(all, "{}"))
        let none = "  tags[none]: [a, b]"
        #expect(try holds(none, #"{"tags":["c"]}"#) && holds(none, "{}") && holds(none, #"{"tags":[]}"#))
        #expect(try !holds(none, #"{"tags":["c","B"]}"#))
    }

    @Test("A value that is no array is its own element, and conditions nest")
    func nesting() throws {
        #expect(try holds("  tags[any]: a", #"{"tags":"A"}"#))
        let nested = "  pods[any]:\n    name: p\n    containers[all]:\n      root: false"
        #expect(
            try holds(nested, #"{"pods":[{"name":"q"},{"name":"p","containers":[{"root":false},{"root":false}]}]}"#))
        #expect(try !holds(nested, #"{"pods":[{"name":"p","containers":[{"root":false},{"root":true}]}]}"#))
    }

    @Test("Missing members of an element are missing")
    func absence() throws {
        let selection = "  c[any]:\n    limits: null"
        #expect(try holds(selection, #"{"c":[{"limits":1},{"name":"x"}]}"#))
        #expect(try !holds(selection, #"{"c":[{"limits":1}],"limits":null}"#))
    }

    @Test("What makes no sense is refused")
    func faults() {
        for selection in ["  c[any]|contains:\n    a: b", "  '[any]': x", "  c[any]:\n    a|nosuch: b", "  c[any]: {}"]
        {
            #expect(Samples.rule("s:\n\(selection)\ncondition: s").errors.count == 1, "\(selection)")
        }
    }
}
