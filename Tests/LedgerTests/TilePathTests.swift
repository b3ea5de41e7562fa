import Testing

@testable import Ledger

@Suite struct TilePathTests {
    @Test(
        "Paths are spelled as the specification spells them",
        arguments: [
            (TilePath.Content.hashes(level: 0), 1_234_067, 256, "tile/0/x001/x234/067"),
            (.hashes(level: 0), 0, 256, "tile/0/000"),
            (.hashes(level: 63), 999, 1, "tile/63/999.p/1"),
            (.entries, 1000, 255, "tile/entries/x001/000.p/255"),
            (.entries, 1_234_067, 256, "tile/entries/x001/x234/067"),
        ] as [(TilePath.Content, UInt64, Int, String)])
    func spelling(content: TilePath.Content, index: UInt64, width: Int, text: String) throws {
        let path = try TilePath(content, index: index, width: width)
        #expect(path.description == text)
        #expect(try TilePath(parsing: text) == path)
    }

    @Test(
        "Any other spelling is refused",
        arguments: [
            "", "tile", "tile/0", "tile/0/", "tile/00/000", "tile/64/000", "tile/-1/000", "tile/0/0", "tile/0/0000",
            "tile/0/x000/001", "tile/0/001/234", "tile/0/x001/x234", "tile/0/000.p/0", "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/1/2", "/tile/0/000", "tile/0/000/", "tile//0/000",
            "tile/0/+01",
            "tile/entries/../checkpoint", "tile/0/x999/x999/x999/x999/x999/x999/x999/999", "tile/0/00１",
            "tile/0/000%2ep/1", "tile/Entries/000",
        ])
    func refusal(text: String) {
        #expect(throws: LedgerError.self) { try TilePath(parsing: text) }
    }

    @Test("A tree of 70,000 leaves has the tiles that the specification counts")
    func layoutOf70000() {
        func widths(_ content: TilePath.Content) -> [Int] {
            var widths: [Int] = []
            while let path = TilePath(content, index: UInt64(widths.count), inTreeOf: 70_000) {
                widths.append(path.width)
            }
            return widths
        }
        #expect(widths(.hashes(level: 0)) == Array(repeating: 256, count: 273) + [112])
        #expect(widths(.entries) == Array(repeating: 256, count: 273) + [112])
        #expect(widths(.hashes(level: 1)) == [256, 17])
        #expect(widths(.hashes(level: 2)) == [1])
        #expect(widths(.hashes(level: 3)) == [])
    }

    @Test("A tree of 256 leaves has one full tile and a partial one above it")
    func layoutOf256() {
        #expect(TilePath(.hashes(level: 0), index: 0, inTreeOf: 256)?.width == 256)
        #expect(TilePath(.hashes(level: 0), index: 1, inTreeOf: 256) == nil)
        #expect(TilePath(.hashes(level: 1), index: 0, inTreeOf: 256)?.width == 1)
    }
}
