import EventModel
import Synchronization

/// The values of a packed dictionary that somebody has asked for one by one: each block is unpacked when one of its values is wanted
/// first, and stays as long as this does.
///
/// Sendable without the compiler's proof: what `dictionary` borrows nobody writes any more, and a block is complete before its
/// address is.
final class UnpackedBlocks: @unchecked Sendable {
    let dictionary: PackedDictionary
    /// For each block the address of its values, 0 before somebody wanted one: where each ends as u32, then their bytes.
    private let blocks: UnsafeMutablePointer<Atomic<UInt>>
    private let owner: any AnyObject & Sendable
    private let noteUnpacked: @Sendable (Int) -> Void

    /// - Parameters:
    ///   - owner: what holds the dictionary's memory.
    ///   - noteUnpacked: is told of the bytes of each block.
    init(
        _ dictionary: PackedDictionary, owner: any AnyObject & Sendable,
        noteUnpacked: @escaping @Sendable (_ bytes: Int) -> Void
    ) {
        self.dictionary = dictionary
        self.owner = owner
        self.noteUnpacked = noteUnpacked
        blocks = .allocate(capacity: dictionary.blockCount)
        for number in 0..<dictionary.blockCount { (blocks + number).initialize(to: Atomic(0)) }
    }

    deinit {
        for number in 0..<dictionary.blockCount {
            UnsafeMutableRawPointer(bitPattern: blocks[number].load(ordering: .relaxed))?.deallocate()
        }
        blocks.deinitialize(count: dictionary.blockCount)
        blocks.deallocate()
    }

    /// The value of a code, valid as long as this is. Empty where the dictionary is malformed.
    func value(_ code: Int) -> UnsafeRawBufferPointer {
        let (number, place) = (
            (code - 1) / PackedDictionary.valuesPerBlock, (code - 1) % PackedDictionary.valuesPerBlock
        )
        let known = UnsafeRawPointer(bitPattern: blocks[number].load(ordering: .acquiring))
        let block = known ?? unpack(number)
        let base = PackedDictionary.valuesPerBlock * 4
        let start = place == 0 ? 0 : block.load(fromByteOffset: place * 4 - 4, as: UInt32.self)
        let end = block.load(fromByteOffset: place * 4, as: UInt32.self)
        return UnsafeRawBufferPointer(start: block + base + Int(start), count: Int(end - start))
    }

    private func unpack(_ number: Int) -> UnsafeRawPointer {
        let base = PackedDictionary.valuesPerBlock * 4
        var size = 0
        var count = 0
        var reader = PackedBlockReader(dictionary.block(number))
        while count < PackedDictionary.valuesPerBlock, let value = reader.next() {
            size += value.count
            count += 1
        }
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: base + size + PackedValue.spareBytes, alignment: 8)
        reader = PackedBlockReader(dictionary.block(number))
        var (end, previous) = (0, UnsafeRawPointer(memory))
        for place in 0..<PackedDictionary.valuesPerBlock {
            if place < count, let value = reader.next() {
                let target = memory + base + end
                value.write(to: target, behind: previous)
                previous = UnsafeRawPointer(target)
                end += value.count
            }
            memory.storeBytes(of: UInt32(truncatingIfNeeded: end), toByteOffset: place * 4, as: UInt32.self)
        }
        let (isFirst, known) = blocks[number].compareExchange(
            expected: 0, desired: UInt(bitPattern: memory), ordering: .acquiringAndReleasing)
        if !isFirst, let other = UnsafeRawPointer(bitPattern: known) {
            memory.deallocate()
            return other
        }
        noteUnpacked(base + size)
        return UnsafeRawPointer(memory)
    }
}
