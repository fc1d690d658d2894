extension ServiceSettings {
    /// Variables that parts of Mica read which are no options of the service.
    package static let otherVariables: Set<String> = [
        "MICA_CONFIG", "MICA_MODELS", "MICA_KERNELS", "MICA_CUDA_LIBRARIES", "MICA_CUDA_LOG", "MICA_CUDA_TIMING",
        "MICA_CUDA_CONVOLUTIONS",
    ]
    /// How those of its tests begin.
    private static let testPrefixes = ["MICA_TEST_", "MICA_EMULAT"]

    /// The names in the environment that begin as Mica's do but are none, such as misspelt ones, sorted.
    ///
    /// Without empty ones, and those that Kubernetes sets for services whose names begin with "mica".
    public static func unknownVariables(in environment: [String: String]) -> [String] {
        let known = otherVariables.union(Key.allCases.map(\.environmentName))
        return environment.filter { name, value in
            name.hasPrefix("MICA_") && !value.isEmpty && !known.contains(name)
                && !testPrefixes.contains { name.hasPrefix($0) } && !isLink(name, value)
        }.keys.sorted()
    }

    /// Whether it is one of a service's, such as MICA_SERVICE_HOST, MICA_PORT or MICA_PORT_8080_TCP_ADDR.
    private static func isLink(_ name: String, _ value: String) -> Bool {
        name.hasSuffix("_SERVICE_HOST") || name.contains("_SERVICE_PORT")
            || name.hasSuffix("_PORT") && value.contains("://")
            || name.contains(/_PORT_[0-9]+_(TCP|UDP|SCTP)/)
    }
}
