import TensorCore

extension OffloadManager {
    /// A manager that carries out what was asked for. Without a plan, several devices are balanced, and one begins with
    /// everything resident until a job has it chosen.
    ///
    /// - Parameters:
    ///   - devices: those of the request, in its order.
    ///   - layout: of the model, with its bytes.
    /// - Throws: `unknownDevice` for a device that is not among `devices`, and what is wrong with a map.
    public convenience init(
        devices: [Device], request: OffloadRequest, layout: ModelLayout
    ) throws(PlacementError) {
        let known = devices.map(\.name)
        for name in request.devices where !known.contains(name) {
            throw .unknownDevice(name.description, known: known)
        }
        let plan = request.plan ?? (devices.count > 1 ? .balanced : .resident)
        var placement: DevicePlacement?
        switch plan {
        case .deviceMap(let map):
            placement = try map.resolved(for: layout, devices: known)
        case .balanced:
            placement = .balanced(layout, over: devices.map { ($0.name, $0.backend.limitBytes) })
        case .guidance:
            placement = try .guidance(layout, over: request.devices)
        case .resident, .model, .sequential, .stream, .disk:
            break
        }
        self.init(devices: devices, plan: plan, placement: placement)
    }
}
