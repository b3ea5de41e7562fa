import SystemPackage

/// The state of a simulated machine's disk: files, names, and the names that are not durable yet. A plain value.
///
/// Paths are absolute and without dots; they are kept as strings, which debug builds handle faster.
struct SimulatedDisk: Sendable {
    enum Node: Sendable, Hashable {
        case directory
        case file(Int)
    }

    /// A change of names that its directory's synchronisation makes durable.
    private enum NameChange: Sendable {
        case add(String, Node)
        case remove(String)
        case move(String, String)

        var path: String {
            switch self {
            case .add(let path, _), .remove(let path), .move(_, let path): path
            }
        }
    }

    private(set) var names: [String: Node] = ["/": .directory]
    private var durableNames: [String: Node] = ["/": .directory]
    private var pending: [NameChange] = []
    var files: [SimulatedFile] = []

    func node(_ path: FilePath) -> Node? { names[path.string] }

    func parentExists(of path: FilePath) -> Bool { names[Self.parent(of: path.string)] == .directory }

    func children(of directory: FilePath) -> [String] {
        let directory = directory.string
        let prefix = directory == "/" ? "/" : directory + "/"
        return names.keys.filter { $0 != "/" && Self.parent(of: $0) == directory }
            .map { String($0.dropFirst(prefix.count)) }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    mutating func addFile(_ path: FilePath) -> Int {
        files.append(SimulatedFile())
        change(.add(path.string, .file(files.count - 1)))
        return files.count - 1
    }

    mutating func addDirectory(_ path: FilePath) { change(.add(path.string, .directory)) }

    mutating func remove(_ path: FilePath) { change(.remove(path.string)) }

    mutating func move(_ source: FilePath, to target: FilePath) {
        change(.move(source.string, target.string))
    }

    mutating func synchronizeNames(in directory: FilePath) {
        let directory = directory.string
        for change in pending where Self.parent(of: change.path) == directory {
            Self.apply(change, to: &durableNames)
        }
        pending.removeAll { Self.parent(of: $0.path) == directory }
    }

    /// Bytes of all files that have a name.
    var usedBytes: Int {
        names.values.reduce(0) { sum, node in
            guard case .file(let number) = node else { return sum }
            return sum + files[number].cached.count
        }
    }

    /// A digest of names and cached bytes.
    var fingerprint: Int {
        var hasher = Hasher()
        for (name, node) in names.sorted(by: { $0.key < $1.key }) {
            hasher.combine(name)
            guard case .file(let number) = node else { continue }
            files[number].cached.withUnsafeBytes { hasher.combine(bytes: $0) }
            hasher.combine(files[number].cached.count)
        }
        return hasher.finalize()
    }

    /// What is left after power loss: of the changes of names a prefix, in all or in each directory by itself (no file
    /// system promises an order between directories), and of each file what the generator chooses.
    mutating func losePower(_ generator: inout SeededGenerator) {
        if Bool.random(using: &generator) {
            let kept = Int.random(in: 0...pending.count, using: &generator)
            for change in pending.prefix(kept) { Self.apply(change, to: &durableNames) }
        } else {
            for directory in Set(pending.map { Self.parent(of: $0.path) }).sorted() {
                let changes = pending.filter { Self.parent(of: $0.path) == directory }
                for change in changes.prefix(Int.random(in: 0...changes.count, using: &generator)) {
                    Self.apply(change, to: &durableNames)
                }
            }
        }
        pending = []
        // A name whose directory did not survive is gone with it.
        names = durableNames.filter { path, _ in
            sequence(first: Self.parent(of: path)) { $0 == "/" ? nil : Self.parent(of: $0) }
                .allSatisfy { durableNames[$0] == .directory }
        }
        durableNames = names
        for number in files.indices { files[number].losePower(&generator) }
    }

    private mutating func change(_ change: NameChange) {
        Self.apply(change, to: &names)
        pending.append(change)
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    private static func apply(_ change: NameChange, to names: inout [String: Node]) {
        switch change {
        case .add(let path, let node): names[path] = node
        case .remove(let path): names[path] = nil
        case .move(let source, let target):
            if let node = names.removeValue(forKey: source) { names[target] = node }
        }
    }
}
