package import Foundation

extension RuleSet {
    /// Loads every `.yml` and `.yaml` file below a directory, in the order of their paths. Filters apply across files.
    ///
    /// - Throws: ``DetectionError`` when the directory itself cannot be listed. What is wrong with single files is in
    ///   ``errors``.
    package static func load(
        _ directory: URL, variables: [String: [String]] = [:], limits: RuleLimits = RuleLimits()
    ) throws -> RuleSet {
        let root = directory.resolvingSymlinksInPath()
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: root.path, isDirectory: &isDirectory), isDirectory.boolValue,
            let walk = FileManager.default.enumerator(atPath: root.path)
        else { throw DetectionError(.unreadable, "not a directory of rules", file: directory.path) }
        var names: [String] = []
        for case let name as String in walk where name.hasSuffix(".yml") || name.hasSuffix(".yaml") {
            names.append(name)
            guard names.count <= limits.files else {
                throw DetectionError(.unreadable, "more than \(limits.files) rule files", file: directory.path)
            }
        }
        return load(
            files: names.sorted().map { root.appendingPathComponent($0) }, relativeTo: root, variables: variables,
            limits: limits)
    }

    /// Loads the given files.
    package static func load(
        files: [URL], relativeTo root: URL? = nil, variables: [String: [String]] = [:],
        limits: RuleLimits = RuleLimits()
    ) -> RuleSet {
        var loading = RuleLoading()
        for file in files {
            let prefix = root.map { $0.path + "/" } ?? ""
            let name = file.path.hasPrefix(prefix) ? String(file.path.dropFirst(prefix.count)) : file.path
            guard let data = try? Data(contentsOf: file, options: .mappedIfSafe) else {
                loading.errors.append(DetectionError(.unreadable, "the file cannot be read", file: name))
                continue
            }
            guard data.count <= limits.fileBytes else {
                loading.errors.append(
                    DetectionError(
                        .unreadable, "a file of \(data.count) bytes is over the limit of \(limits.fileBytes)",
                        file: name))
                continue
            }
            guard let text = String(validating: data, as: UTF8.self) else {
                loading.errors.append(DetectionError(.malformedDocument, "not valid UTF-8", file: name))
                continue
            }
            loading.read(text, file: name, variables: variables, limits: limits)
        }
        var set = RuleSet()
        set.add(loading)
        return set
    }
}
