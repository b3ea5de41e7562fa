import EventModel
import Foundation
import Testing

@Suite("JSON reading")
struct JSONParserTests {
    private func code(_ text: String, limits: JSONLimits = JSONLimits()) -> EventModelError.Code? {
        do {
            try JSONParser(limits: limits).withDocument(Array(text.utf8)) { _ in }
            return nil
        } catch {
            return (error as? EventModelError)?.code
        }
    }

    @Test("Values are read with their types")
    func reads() throws {
        let text =
            #"{"s":"a\"\u00e9","i":-5,"u":18446744073709551615,"d":1.5,"t":true,"n":null,"a":[1,{"x":"y"}],"o":{}}"#
        try JSONParser().withDocument(Array(text.utf8)) { root in
            #expect(root["s"]?.scalarText == "a\"é")
            #expect(root["i"]?.int64 == -5)
            #expect(root["u"]?.int64 == nil)
            #expect(root["u"]?.scalarText == "18446744073709551615")
            #expect(root["d"]?.double == 1.5)
            #expect(root["t"]?.bool == true)
            #expect(root["n"]?.isNull == true)
            #expect(root["a"]?[1]?["x"]?.scalarText == "y")
            #expect(root["o"].map { Array($0.members).isEmpty } == true)
            #expect(root["missing"] == nil)
            #expect(root.members.map { $0.key.text } == ["s", "i", "u", "d", "t", "n", "a", "o"])
        }
    }

    @Test("Nothing behind a document is needed, wherever on a page it ends")
    func endOfPage() throws {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let memory = try #require(
            mmap(nil, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
        defer { munmap(memory, 2 * page) }
        #expect(mprotect(memory + page, page, PROT_NONE) == 0)
        let document = Array(#"{"key":"a value, and as long as it has to be","n":[1,2,3]}"#.utf8)
        let parser = JSONParser()
        for rest in 0...160 {
            // What is behind must change nothing either.
            memset(memory, Int32(UInt8(ascii: "\"")), page)
            let start = memory + page - rest - document.count
            document.withUnsafeBytes { start.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
            try parser.withDocument(UnsafeRawBufferPointer(start: start, count: document.count)) { root in
                #expect(root["n"]?[2]?.int64 == 3 && root["key"]?.scalarText?.hasSuffix("to be") == true)
            }
        }
    }

    @Test(
        "Hostile and broken documents are refused with a reason",
        arguments: [
            ("", EventModelError.Code.malformedJSON), ("{", .malformedJSON), ("{\"a\":1", .malformedJSON),
            ("{\"a\":\"b", .malformedJSON), ("{\"a\":1}}", .malformedJSON), ("{\"a\":1,\"a\":2}", .duplicateKey),
            ("[{\"b\":{\"c\":1,\"c\":2}}]", .duplicateKey), ("{\"a\":01}", .numberOutOfRange),
            ("{\"a\":123456789012345678901234567890}", .numberOutOfRange), ("\"a\u{1}\"", .malformedJSON),
        ])
    func refuses(text: String, expected: EventModelError.Code) {
        #expect(code(text) == expected)
    }

    @Test("Bytes that are not UTF-8 are refused")
    func refusesInvalidUTF8() {
        #expect(throws: EventModelError.self) { try JSONParser().withDocument([0x22, 0xFF, 0xFE, 0x22]) { _ in } }
    }

    @Test("Each limit holds at its edge and refuses one beyond it")
    func limits() {
        let limits = JSONLimits(bytes: 200, depth: 4, keys: 30)
        #expect(code("[[[[1]]]]", limits: limits) == nil)
        #expect(code("[[[[[1]]]]]", limits: limits) == .tooDeep)
        let nested = String(repeating: "[", count: 90) + String(repeating: "]", count: 90)
        #expect(code(nested, limits: limits) == .tooDeep)
        let atEdge = "\"" + String(repeating: "a", count: 198) + "\""
        #expect(code(atEdge, limits: limits) == nil)
        #expect(code(atEdge + " ", limits: limits) == .tooLarge)
        let keys = { (count: Int) in "{" + (0..<count).map { "\"k\($0)\":1" }.joined(separator: ",") + "}" }
        let roomy = JSONLimits(bytes: 10_000, depth: 4, keys: 30)
        #expect(code(keys(30), limits: roomy) == nil)
        #expect(code(keys(31), limits: roomy) == .tooManyKeys)
    }

    @Test("Duplicates are found among many keys as among few")
    func manyKeys() {
        let members = (0..<100).map { "\"k\($0)\":1" }
        #expect(code("{" + members.joined(separator: ",") + "}") == nil)
        #expect(code("{" + (members + ["\"k7\":2"]).joined(separator: ",") + "}") == .duplicateKey)
    }

    @Test("Keys that look alike are told apart, and one of them twice is found", arguments: [2, 5, 12, 13, 40, 400])
    func likelyCollisions(count: Int) {
        // Equal lengths, beginnings and ends; the empty key among them.
        let keys = (0..<count).map { $0 == 0 ? "" : "key-number-\($0 * 7_919 % 10_007 + 10_000)-of-many" }
        let members = keys.map { "\"\($0)\":1" }
        #expect(code("{" + members.joined(separator: ",") + "}") == nil)
        for key in [keys[0], keys[count / 2], keys[count - 1]] {
            #expect(code("{\"\(key)\":2," + members.joined(separator: ",") + "}") == .duplicateKey)
        }
    }

    @Test("A member that is repeated with the same value is no contradiction, at any number of keys")
    func equalRepetitions() {
        #expect(code(#"{"a":"x","a":"x"}"#) == nil)
        #expect(code(#"{"a":[1,{"b":2}],"a":[1,{"b":2}]}"#) == nil)
        #expect(code(#"{"a":1,"a":"1"}"#) == .duplicateKey)
        let members = (0..<100).map { "\"key-number-\($0)\":\($0)" }
        #expect(code("{" + (members + ["\"key-number-7\":7"]).joined(separator: ",") + "}") == nil)
        #expect(code("{" + (members + ["\"key-number-7\":8"]).joined(separator: ",") + "}") == .duplicateKey)
    }

    @Test("A parser serves documents that grow, shrink and fail, one after another")
    func reuse() throws {
        let parser = JSONParser()
        for size in [1, 10_000, 3, 100_000, 0, 50] {
            let text = "[" + Array(repeating: "\"x\"", count: size).joined(separator: ",") + "]"
            #expect(
                try parser.withDocument(Array(text.utf8)) { $0.elements.reduce(0) { count, _ in count + 1 } } == size)
            #expect(throws: EventModelError.self) { try parser.withDocument(Array("{]".utf8)) { _ in } }
        }
    }

    @Test("The splitter finds elements, members and neighbouring documents byte for byte")
    func splits() throws {
        let text = Array(#" {"kind":"L]","items":[ {"a":"]}\""} , [1,2],3 ],"z":1}{"b":2}  7 "#.utf8)
        text.withUnsafeBytes { bytes in
            let slice = { (range: Range<Int>) in bytes.slice(range).text }
            var splitter = JSONSplitter(bytes)
            let first = splitter.nextValue()
            #expect(splitter.nextValue().map(slice) == #"{"b":2}"#)
            #expect(splitter.nextValue().map(slice) == "7")
            #expect(splitter.nextValue() == nil)
            let key = Array("items".utf8)
            let offset = key.withUnsafeBytes { splitter.offset(ofMember: $0, inObjectAt: first?.lowerBound ?? 0) }
            #expect(
                splitter.elements(ofArrayAt: offset ?? 0)?.map(slice) == [#"{"a":"]}\""}"#, "[1,2]", "3"])
        }
    }

    @Test("What was checked before is not checked for repetitions again, but has to be JSON all the same")
    func checkedBefore() throws {
        let parser = JSONParser()
        func isTaken(_ text: String, isChecked: Bool) -> Bool {
            Array(text.utf8).withUnsafeBytes { bytes in
                (try? parser.withDocument(bytes, isChecked: isChecked) { $0.kind == .object }) ?? false
            }
        }
        #expect(!isTaken(#"{"a":1,"a":2}"#, isChecked: false))
        #expect(isTaken(#"{"a":1,"a":2}"#, isChecked: true))
        #expect(!isTaken(#"{"a":1,"#, isChecked: true))
        #expect(!isTaken("", isChecked: true))
    }
}
