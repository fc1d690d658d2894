extension Rule {
    /// What a module may import.
    private struct Permission {
        /// Modules of this package and of others.
        let modules: Set<String>
        /// Modules of the system and the toolchain; nil leaves them free.
        var system: Set<String>?
    }

    private static let systemModules: Set<String> = [
        "Foundation", "FoundationNetworking", "Dispatch", "Glibc", "Synchronization",
    ]

    /// The dependencies of Package.swift, and the modules that keep away from the system.
    private static let permissions: [String: Permission] = [
        "HostLimits": Permission(modules: [], system: ["Foundation"]),
        "TensorCore": Permission(modules: [], system: ["Synchronization"]),
        "CPUBackend": Permission(modules: ["TensorCore", "HostLimits", "CKernels", "COpenBLAS", "COneDNN"]),
        "CUDABackend": Permission(modules: ["TensorCore", "HostLimits", "CCUDA"]),
        "Weights": Permission(modules: ["TensorCore", "HostLimits"]),
        "ImageCodecs": Permission(modules: ["HostLimits", "CImages"]),
        "LayerFitting": Permission(modules: ["ImageCodecs", "CLayerFitting"]),
        "QwenImage": Permission(modules: ["TensorCore", "Weights", "ImageCodecs"]),
        "HTTPProtocol": Permission(modules: [], system: []),
        "HTTPTransport": Permission(modules: ["HTTPProtocol", "CSockets", "COpenSSL", "Logging"]),
        "DurableStorage": Permission(modules: ["CSQLite"]),
        "Digests": Permission(modules: ["COpenSSL"], system: []),
        "ModelHub": Permission(modules: ["CCurl", "Digests"]),
        "Jobs": Permission(modules: ["DurableStorage", "Digests"]),
        "ServiceAPI": Permission(modules: [
            "HTTPProtocol", "HTTPTransport", "Jobs", "DurableStorage", "QwenImage", "ImageCodecs", "TensorCore",
            "HostLimits", "LayerFitting", "Digests", "Logging",
        ]),
        "mica": Permission(
            modules: [
                "TensorCore", "HostLimits", "CPUBackend", "CUDABackend", "Weights", "ImageCodecs", "QwenImage",
                "HTTPProtocol", "HTTPTransport", "ServiceAPI", "Jobs", "DurableStorage", "LayerFitting",
                "ModelHub", "ArgumentParser", "Logging", "Yams",
            ]),
    ]

    static let imports = Rule(description: "a module imports what the design allows") { file in
        guard file.language == .swift, let module = file.module else { return [] }
        guard let permission = permissions[module] else { return [(1, "no rule says what \(module) may import")] }
        return file.code.enumerated().compactMap { index, line in
            guard let imported = importedModule(line) else { return nil }
            let isAllowed =
                systemModules.contains(imported)
                ? permission.system?.contains(imported) ?? true : permission.modules.contains(imported)
            return isAllowed ? nil : (index + 1, "\(module) must not import \(imported)")
        }
    }

    /// The module that a line imports, whole or a declaration of it.
    private static func importedModule(_ line: String) -> String? {
        var words = line.split(separator: " ").map(String.init)
        let modifiers: Set<String> = ["public", "package", "internal", "fileprivate", "private"]
        while let first = words.first, first.hasPrefix("@") || modifiers.contains(first) { words.removeFirst() }
        guard words.first == "import", words.count > 1 else { return nil }
        let kinds: Set<String> = ["class", "struct", "enum", "protocol", "func", "var", "let", "typealias"]
        let name = kinds.contains(words[1]) && words.count > 2 ? words[2] : words[1]
        return name.split(separator: ".").first.map(String.init)
    }
}
