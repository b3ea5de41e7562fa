internal import EventModel

/// Keeps what a connector's program is made of, for as long as the program lives.
///
/// A program is looked at some hundred times for each event. As arrays and objects its parts would be retained and released
/// at each look, which costs more than the look. Kept here they are plain values that point to each other.
///
/// `@unchecked Sendable`: it is filled while one connector is compiled, by the task that does so, and never changed after.
final class ProgramMemory: @unchecked Sendable {
    private var blocks: [UnsafeMutableRawPointer] = []
    private var objects: [AnyObject] = []

    /// - Returns: A copy that is valid as long as this memory is.
    func keep<Element: BitwiseCopyable>(_ elements: [Element]) -> Kept<Element> {
        guard !elements.isEmpty else { return Kept() }
        let block = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
        _ = block.initialize(from: elements)
        blocks.append(UnsafeMutableRawPointer(block.baseAddress!))
        return Kept(elements: UnsafeBufferPointer(block))
    }

    func keep(text: some Sequence<UInt8>) -> Kept<UInt8> { keep(Array(text)) }

    func keep(texts: [[UInt8]]) -> Kept<Kept<UInt8>> { keep(texts.map { keep(text: $0) }) }

    /// - Returns: A reference that is valid as long as this memory is.
    func keep<Object: AnyObject>(_ object: Object) -> Unmanaged<Object> {
        objects.append(object)
        return Unmanaged.passUnretained(object)
    }

    deinit { for block in blocks { block.deallocate() } }
}

/// A list in a ``ProgramMemory``; valid as long as that is.
///
/// `@unchecked Sendable`: what is kept is never changed.
struct Kept<Element>: BitwiseCopyable, @unchecked Sendable {
    private var elements: UnsafeBufferPointer<Element>

    init() { elements = UnsafeBufferPointer(start: nil, count: 0) }

    fileprivate init(elements: UnsafeBufferPointer<Element>) { self.elements = elements }
}

extension Kept: RandomAccessCollection {
    var startIndex: Int { 0 }
    var endIndex: Int { elements.count }

    @inline(__always)
    subscript(position: Int) -> Element { elements[position] }
}

extension Kept where Element == UInt8 {
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(elements) }

    func begins(_ text: UnsafeRawBufferPointer) -> Bool {
        text.count >= count && text.slice(0..<count).hasSameBytes(as: bytes)
    }
}

extension Array where Element == UInt8 {
    mutating func append(_ text: Kept<UInt8>) { append(contentsOf: text.bytes) }
}
