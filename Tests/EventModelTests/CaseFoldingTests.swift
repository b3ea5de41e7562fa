import EventModel
import Testing

@Suite("Case folding")
struct CaseFoldingTests {
    @Test(
        "Texts that differ in case alone are equal",
        arguments: [
            ("Octo-Cat", "oCTO-cAT", true), ("ÉCOLE", "école", true), ("a", "b", false), ("a", "aa", false),
            ("Ω", "ω", true), ("e\u{301}", "é", false), ("", "", true), ("[", "{", false),
        ])
    func equality(left: String, right: String, expected: Bool) {
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        left.withUnsafeBytes { one in
            right.withUnsafeBytes { other in #expect(CaseFolding.areEqual(one, other) == expected) }
        }
    }
}
