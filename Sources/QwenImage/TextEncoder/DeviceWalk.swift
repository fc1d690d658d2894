import TensorCore
import Weights

/// Hidden states on their way through blocks that may lie on several devices; the angles follow them.
struct DeviceWalk {
    /// [S, hidden] float32, where they are now.
    private(set) var states: Tensor
    /// The angles on the same device.
    private(set) var rotary: Rotary
    private let original: Tensor
    private let home: any Backend
    private let offload: OffloadManager
    private var place: any Backend
    /// By device that was passed; the first one's are given.
    private var rotaries: [String: Rotary]

    /// Begins on `home`, where `states` and `rotary` are.
    init(_ states: Tensor, rotary: Rotary, from home: any Backend, offload: OffloadManager) {
        self.states = states
        self.rotary = rotary
        self.home = home
        self.offload = offload
        original = states
        place = home
        rotaries = [home.name: rotary]
    }

    /// Takes everything to a device, if it is not there.
    mutating func move(to device: any Backend) throws(TensorError) {
        guard device !== place else { return }
        states = try offload.transfer(states, from: place, to: device)
        if let known = rotaries[device.name] {
            rotary = known
        } else {
            guard let first = rotaries[home.name] else { preconditionFailure("the angles at home") }
            rotary = Rotary(
                cosines: try offload.transfer(first.cosines, from: home, to: device),
                sines: try offload.transfer(first.sines, from: home, to: device), pairing: first.pairing)
            rotaries[device.name] = rotary
        }
        place = device
    }

    /// The states on the device where the walk began.
    func statesAtHome() throws(TensorError) -> Tensor {
        try offload.transfer(states, from: place, to: home)
    }

    /// Leaves the states in the tensor with which the walk began.
    func finish() throws(TensorError) {
        guard states.storage !== original.storage else { return }
        try home.copy(try statesAtHome(), into: original)
    }
}
