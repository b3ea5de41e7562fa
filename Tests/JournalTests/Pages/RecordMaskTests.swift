import Journal
import Testing

@Suite("Record masks")
struct RecordMaskTests {
    @Test("A mask keeps all but what was dropped", arguments: [0, 1, 63, 64, 65, 200])
    func dropping(count: Int) {
        var mask = RecordMask(keepingAll: count)
        #expect(mask.keptCount == count && mask.keepsAll)
        for record in stride(from: 0, to: count, by: 3) {
            mask.drop(record)
            mask.drop(record)
        }
        #expect(mask.keptCount == count - (count + 2) / 3)
        #expect((0..<count).allSatisfy { mask.isKept($0) == ($0 % 3 != 0) })
    }
}
