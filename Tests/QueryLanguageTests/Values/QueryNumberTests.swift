import QueryLanguage
import Testing

@Suite("Numbers")
struct QueryNumberTests {
    @Test(
        "Numbers have one spelling",
        arguments: [
            ("5", "5"), ("-5", "-5"), ("007", "7"), ("5.0", "5"), ("5e2", "500"), ("1.5", "1.5"), ("-0", "0"),
            ("-0.0", "0"),
            ("9223372036854775807", "9223372036854775807"), ("9223372036854775808", "9.223372036854776e+18"),
            ("1e300", "1e+300"), ("0.1", "0.1"),
        ])
    func spelling(text: String, canonical: String) throws {
        let number = try #require(QueryNumber(parsing: text))
        #expect(number.text == canonical)
        #expect(QueryNumber(parsing: canonical) == number)
    }

    @Test(
        "What is no number is refused",
        arguments: ["", "-", ".5", "5.", "1e", "0x10", "inf", "nan", "1 ", "+1", "1e999", "１"])
    func refuses(text: String) { #expect(QueryNumber(parsing: text) == nil) }

    @Test("Integers and decimals are one exact order")
    func order() {
        let ascending = [
            "-1e30", "-9223372036854775808", "-1.5", "-1", "0", "0.5", "9007199254740992", "9007199254740993",
            "9223372036854775807", "9223372036854775808", "1e30",
        ].compactMap { QueryNumber(parsing: $0) }
        #expect(ascending.count == 11)
        for (index, number) in ascending.enumerated() {
            for (other, larger) in ascending.enumerated() { #expect((number < larger) == (index < other)) }
        }
    }
}
